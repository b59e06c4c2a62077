"""``profile``: a row a prompt, of a stored run, of a sample, or of the whole dataset."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Iterator

from dryrun.analysis.training.profile import DatasetProfile
from dryrun.cli import options as shared
from dryrun.cli.commands.run import (
    add_budget,
    add_model,
    asked_how,
    batch_config,
    budget_of,
    keys_of,
    prepared_run,
    started,
    work,
)
from dryrun.cli.dataset_options import add_columns, add_dataset, add_outcome, read_given
from dryrun.cli.output import new_file
from dryrun.cli.terminal import ProgressLine, consoles
from dryrun.core.blocking import run_blocking
from dryrun.core.config import MAX_ROLLOUTS, SamplingConfig
from dryrun.core.errors import DryRunError
from dryrun.core.text import note, plural, say
from dryrun.engine.budget import receipt
from dryrun.engine.campaign.drive import Campaign, need_an_endpoint
from dryrun.engine.campaign.on_ray import RayCrew
from dryrun.engine.profile.count import references_graded, run_profile
from dryrun.engine.profile.shards import SHARD_ROWS
from dryrun.engine.profile.stored import StoredProfile, is_profile, open_profile
from dryrun.engine.profile.whole import Profiler, Stages
from dryrun.report.training_set.profile_table import keep_profile, profile_lines, read_profile, write_profile
from dryrun.store.results import load_results
from dryrun.store.runs import Run

EVERY_ROW = 2**62
"""Rows that are read of a dataset on the Hub for ``--all``."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``profile``."""
    command.add_argument(
        "run", nargs="?", help="the id of a stored run or profile; or give --dataset and --grader"
    )
    add_dataset(command)
    shared.add_grader(command, "none: give a run")
    add_columns(command)
    command.add_argument("--out", type=new_file((".parquet", ".csv")), help=".parquet or .csv")
    shared.add_data(command)
    add_outcome(command)
    _add_sizes(command)
    shared.add_grading(command)
    add_model(command.add_argument_group("base model"))
    add_budget(command.add_argument_group("budget", "over all sessions; with --all over all shards"))


def _add_sizes(command: argparse.ArgumentParser) -> None:
    shared.add_size(command)
    command.add_argument("--seed", type=int, default=0, help="of the order of rows (default: %(default)s)")
    command.add_argument("--stratified", action="store_true", help="of a sample: keep each topic's share")
    whole = command.add_argument_group("the whole dataset")
    whole.add_argument("--all", action="store_true", help="ask every row, in shards that resume")
    responses = shared.whole(MAX_ROLLOUTS)
    command.add_argument(
        "--judge-references",
        action="store_true",
        help="of a run or a sample whose grader asks a judge: ask it once for each reference answer, so that "
        "broken ones show",
    )
    whole.add_argument(
        "--first", type=responses, default=2, help="responses to every prompt (default: %(default)s)"
    )
    whole.add_argument(
        "--most",
        type=responses,
        default=8,
        help="responses to a prompt whose class stays undecided (default: %(default)s)",
    )
    whole.add_argument(
        "--shard-rows",
        type=shared.positive,
        default=SHARD_ROWS,
        help="rows asked, and held in memory, at once (default: %(default)s)",
    )
    whole.add_argument(
        "--on",
        type=_place,
        metavar="ray[://HOST:PORT]",
        help="hand the shards to Ray: the cluster that runs here, else a new one, or the one at an address",
    )
    whole.add_argument(
        "--at-once",
        type=shared.positive,
        help="with --on: shards at once (default: the cluster's processors)",
    )


def _place(text: str) -> str:
    if text != "ray" and not re.fullmatch(r"ray://[^/\s]+:\d+", text):
        raise argparse.ArgumentTypeError(f"{text}: write ray, or ray://HOST:PORT")
    return text


def execute(options: argparse.Namespace) -> int:
    """Ask what is left to ask, and say what the profile shows."""
    if options.group < 2:
        raise DryRunError("--group: a group has 2 responses or more.")
    profile = _profile(options)
    if options.out is not None:
        write_profile(profile, options.out)
    for line in profile_lines(profile):
        say(line)
    if options.out is not None:
        note(f"{len(profile):,} rows written to {options.out}.")
    else:
        note("note: --out profile.parquet writes a row for each prompt.")
    return 0


def _profile(options: argparse.Namespace) -> DatasetProfile:
    if options.run is not None:
        if options.dataset is not None or options.all:
            raise DryRunError("Give a run, or --dataset and --grader: not both.")
        if is_profile(options.run):
            return read_profile(open_profile(shared.store_of(options), options.run).table)
        return _of_run(shared.run_of(options), options)
    if options.dataset is None or options.grader is None:
        raise DryRunError("Give a run's id, or --dataset and --grader.")
    if options.all and options.judge_references:
        raise DryRunError("--judge-references is of a run or a sample: leave out --all.")
    if options.all:
        return _whole(options)
    if options.on:
        raise DryRunError("--on is for the whole dataset: give --all too.")
    budget = budget_of(options)
    asked = started(shared.store_of(options), prepared_run(options), budget)
    work(asked, budget, **keys_of(options), batch=batch_config(options))
    return _of_run(asked, options)


def _of_run(asked: Run, options: argparse.Namespace) -> DatasetProfile:
    say(f"run {asked.id}")
    results = load_results(asked)
    judge = shared.judge_key(options) if options.judge_references else None
    if judge is None and results.config.judge is not None and not references_graded(results):
        answers = plural(len(set(results.keys)), "prompt")
        note(
            "note: the grader asks a judge, so reference answers are not graded unasked. --judge-references "
            f"asks the judge once for each of {answers}."
        )
    return run_profile(results, options.outcome, options.group, judge_key=judge)


def _whole(options: argparse.Namespace) -> DatasetProfile:
    dataset = read_given(options, options.dataset, EVERY_ROW)
    for warning in dataset.warnings:
        note(f"note: {warning}")
    budget = budget_of(options)
    profiler = Profiler(
        shared.store_of(options),
        dataset,
        shared.grader(options),
        asked_how(options) | {"sampling": SamplingConfig(seed=options.seed)},
        Stages(options.first, options.most, options.group, options.shard_rows),
        budget,
        options.outcome,
        {**keys_of(options), "batch": batch_config(options)},
    )
    note(f"note: {profiler.plan_words()}")
    try:
        with _handed_out(options, profiler), ProgressLine(consoles()[1]) as line:
            profiler.notify = line.show
            profiled = run_blocking(profiler.run())
    finally:
        note(receipt(profiler.spent(), budget.prices))
    if profiled.message:
        note(f"note: {profiled.message}")
    stored = StoredProfile(profiler.shards.folder, profiler.shards.grading)
    keep_profile(profiled.profile, stored.table)
    say(f"profile {stored.name}")
    return profiled.profile


@contextlib.contextmanager
def _handed_out(options: argparse.Namespace, profiler: Profiler) -> Iterator[None]:
    """The shards go to a Ray cluster, where one was named."""
    if options.on is None:
        yield
        return
    need_an_endpoint(profiler)
    crew = RayCrew(options.on, options.at_once)
    try:
        note(f"note: Ray works on {plural(crew.slots, 'shard')} at once.")
        profiler.hands = Campaign(crew)
        yield
    finally:
        crew.close()
