"""``training-set``: the rows to train on, chosen by their profile; a control and a validation split."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from dryrun.analysis.training.choice import Curriculum, Places, Preference, SetChoice, choose_rows
from dryrun.analysis.training.profile import DatasetProfile
from dryrun.cli import options as shared
from dryrun.cli.dataset_options import add_columns, add_dataset, add_outcome, read_given
from dryrun.core.errors import DryRunError
from dryrun.core.text import note, say
from dryrun.engine.profile.count import run_profile
from dryrun.engine.profile.stored import StoredProfile, is_profile, open_profile
from dryrun.report.training_set.chosen import (
    Find,
    choice_lines,
    rows_of_dataset,
    rows_of_run,
    rows_of_runs,
    set_files,
)
from dryrun.report.training_set.profile_table import read_profile
from dryrun.store.partition import write_aside
from dryrun.store.results import Results, load_results

CUTOFF = 0.8


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``training-set``."""
    command.add_argument(
        "run", nargs="?", help="the id of a stored run or profile; or give --profile and --dataset"
    )
    command.add_argument("--profile", type=Path, metavar="FILE", help="what `profile --out` wrote: .parquet")
    add_dataset(command)
    add_columns(command)
    command.add_argument("--out", type=Path, metavar="FOLDER", help="write the files into this folder")
    shared.add_data(command)
    add_outcome(command)
    command.add_argument(
        "--cutoff", type=float, default=CUTOFF, help="score on 0..1 of SFT rows (default: %(default)s)"
    )
    _add_choice(command.add_argument_group("choice"))


def _add_choice(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--band", type=float, nargs=2, default=(0.1, 0.9), metavar=("LOW", "HIGH"), help="pass rates"
    )
    group.add_argument(
        "--prefer",
        choices=[preference.value for preference in Preference],
        default=Preference.HARDEST.value,
        help="hardest: data is scarce; half: compute is (default: %(default)s)",
    )
    group.add_argument("--size", type=shared.positive, help="training rows at most (default: all that fit)")
    group.add_argument(
        "--topic",
        action="append",
        default=[],
        metavar="NAME=WEIGHT",
        help="mix of topics; repeatable; a topic that is not named is left out",
    )
    group.add_argument(
        "--curriculum",
        choices=[curriculum.value for curriculum in Curriculum],
        default=Curriculum.SHUFFLED.value,
        help="order of the training rows (default: %(default)s)",
    )
    group.add_argument("--validation", type=float, default=0.1, help="share of rows (default: %(default)s)")
    group.add_argument("--keep-near-duplicates", action="store_true")
    group.add_argument("--keep-broken", action="store_true", help="let in rows with a broken reference")
    group.add_argument("--keep-noisy", action="store_true", help="let in rows that the grader is noisy on")
    group.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")


def execute(options: argparse.Namespace) -> int:
    """Choose, write, and say what was left out."""
    profile, rows_at, answered = _inputs(options)
    choice = _choice(options)
    chosen = choose_rows(profile, choice)
    if options.out is not None:
        find = rows_at(np.concatenate([chosen.train, chosen.validation, chosen.control]))
        for name, content in set_files(profile, chosen, choice, find, answered, options.cutoff):
            write_aside(options.out / name, content)
        note(f"Written to {options.out}.")
    else:
        note("note: --out FOLDER writes the rows.")
    for line in choice_lines(profile, chosen):
        say(line)
    return 0


def _inputs(
    options: argparse.Namespace,
) -> tuple[DatasetProfile, Callable[[Places], Find], Iterable[Results] | None]:
    """The profile, where the rows of some places of it are, and the runs that answered."""
    if options.run is not None:
        if options.profile is not None or options.dataset is not None:
            raise DryRunError("Give a run or a profile, or --profile and --dataset: not both.")
        if is_profile(options.run):
            return _stored(open_profile(shared.store_of(options), options.run))
        results = load_results(shared.run_of(options))
        profile = run_profile(results, options.outcome, max(options.group, 2))
        return profile, lambda _: rows_of_run(results), [results]
    if options.profile is None or options.dataset is None:
        raise DryRunError("Give the id of a run or a profile, or --profile and --dataset.")
    profile = read_profile(options.profile)
    dataset = read_given(options, options.dataset, int(profile.counts.row.max(initial=0)) + 1)
    find = rows_of_dataset(dataset, profile)
    return profile, lambda _: find, None


def _stored(stored: StoredProfile) -> tuple[DatasetProfile, Callable[[Places], Find], Iterable[Results]]:
    profile, runs = read_profile(stored.table), stored.runs()
    # One shard at a time: a profile may have more responses than there is memory.
    return profile, lambda places: rows_of_runs(runs, profile, places), map(load_results, runs)


def _choice(options: argparse.Namespace) -> SetChoice:
    low, high = options.band
    return SetChoice(
        low=low,
        high=high,
        prefer=Preference(options.prefer),
        size=options.size,
        topics=dict(_weight(pair) for pair in options.topic),
        curriculum=Curriculum(options.curriculum),
        validation=options.validation,
        near_duplicates=options.keep_near_duplicates,
        broken=options.keep_broken,
        noisy=options.keep_noisy,
        seed=options.seed,
    )


def _weight(pair: str) -> tuple[str, float]:
    name, equals, text = pair.rpartition("=")
    try:
        weight = float(text) if equals else math.nan
    except ValueError:
        weight = math.nan
    if not weight >= 0.0:
        raise DryRunError(f"--topic {pair}: write NAME=WEIGHT, with a weight from 0 on.")
    return name, weight
