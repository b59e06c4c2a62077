"""``outcome``: keeps with a run how its training went, and holds all forecasts against what came."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import orjson

from dryrun.cli import options as shared
from dryrun.cli.output import new_file, write_out
from dryrun.cli.terminal import consoles, print_sections
from dryrun.core.errors import DryRunError
from dryrun.core.text import note, plural
from dryrun.report.outcome.ledger import entries_of, entry_json, ledger_json, ledger_of
from dryrun.report.outcome.of_run import add_training
from dryrun.report.outcome.read_log import read_training_log
from dryrun.report.outcome.words import entry_sections, ledger_page, ledger_sections
from dryrun.store.results import load_results
from dryrun.store.runs import Run, list_runs
from dryrun.store.trainings import forget_trainings

ENDINGS = (".html", ".htm", ".json")
WIDE = 100
"""Characters of a terminal that has room for every column."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``outcome``."""
    command.add_argument(
        "run", nargs="?", help="the run's id, see `runs` (default: all runs and their score)"
    )
    command.add_argument(
        "--log",
        type=Path,
        metavar="FILE",
        help="a training's log: TRL's trainer_state.json, verl's metrics or console, OpenAI's events or "
        "result file, JSON lines or CSV with a step and a reward",
    )
    command.add_argument(
        "--reward-column", default="", metavar="NAME", help="the log's name of the mean reward"
    )
    command.add_argument("--step-column", default="", metavar="NAME", help="the log's name of the step")
    command.add_argument(
        "--group", type=shared.positive, help="responses to each prompt in the training (default: 8)"
    )
    command.add_argument("--forget", action="store_true", help="delete what is kept of the run's trainings")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--out", type=new_file(ENDINGS), help="write all runs here: .html or .json")
    shared.add_data(command)


def execute(options: argparse.Namespace) -> int:
    """Add a log where one is given; print the run's trainings, or all of them with their score."""
    _check(options)
    if options.run is None:
        return _all(options)
    run = shared.run_of(options)
    if options.forget:
        note(f"Forgot {plural(forget_trainings(run), 'training')} of run {run.id}.")
        return 0
    if options.log is not None:
        _add(run, options)
    entries = entries_of(run)[-1 if options.log is not None else 0 :]
    if not entries:
        raise DryRunError(f"Run {run.id} has no training yet. Add its log: outcome {run.id} --log FILE.")
    if options.json:
        _print_json([entry_json(entry) for entry in entries])
    else:
        for entry in entries:
            print_sections(consoles()[0], entry_sections(entry))
    return 0


def _check(options: argparse.Namespace) -> None:
    if options.run is None and (options.log is not None or options.forget):
        raise DryRunError("Which run was it made for? Give its id, see `runs`: outcome RUN --log FILE.")
    if options.run is not None and options.out is not None:
        raise DryRunError("--out writes all runs: leave the run out.")
    if options.log is None and (options.reward_column or options.step_column or options.group):
        raise DryRunError("--reward-column, --step-column and --group go with --log FILE.")
    if options.forget and options.log is not None:
        raise DryRunError("Give --log or --forget, not both.")


def _add(run: Run, options: argparse.Namespace) -> None:
    log = read_training_log(options.log, options.reward_column, options.step_column)
    if options.group == 1:
        raise DryRunError("--group 1: a group has two responses or more.")
    add_training(load_results(run), log, options.group)
    rows = plural(log.curve.step.size, "row")
    beside = f"; {log.without:,} rows have no reward" if log.without else ""
    note(f"Kept with run {run.id}: {rows} of {log.column}{beside}.")


def _all(options: argparse.Namespace) -> int:
    ledger = ledger_of(list_runs(shared.store_of(options)))
    if options.out is not None:
        json = options.out.suffix.lower() == ".json"
        content = _json(ledger_json(ledger)) if json else ledger_page(ledger).encode()
        write_out(options.out, content)
    if options.json:
        _print_json(ledger_json(ledger))
    else:
        console, _ = consoles()
        print_sections(console, ledger_sections(ledger, wide=console.width >= WIDE))
    return 0


def _print_json(value: Any) -> None:
    print(_json(value).decode())


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=list)  # intervals are named tuples
