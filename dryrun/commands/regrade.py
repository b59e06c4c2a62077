"""``regrade``: score the stored responses of a run with another grader."""

from __future__ import annotations

import argparse

from dryrun.commands import options as shared
from dryrun.commands.run import work
from dryrun.labelling import carry
from dryrun.printing import note
from dryrun.regrading import StoredResponses
from dryrun.runner import regraded, resumed_or_started
from dryrun.runs import Run


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``regrade``."""
    command.add_argument("--run", required=True, help="the run's id, see `runs`")
    shared.add_grader(command)
    shared.add_grading(command)
    shared.add_output(command)


def execute(options: argparse.Namespace) -> int:
    """Grade and judge; the model is never called."""
    limits = shared.thresholds(options.threshold, options.without)
    store = shared.store_of(options)
    source = Run.open(store, options.run)
    responses = StoredResponses(source)
    prepared = regraded(source, shared.grader(options), **shared.grading(options))
    for finding in prepared.findings:
        note(f"note: {finding}")
    asked = resumed_or_started(store, prepared)
    carry(source, asked)
    work(asked, model=responses, judge_key=shared.judge_key(options))
    return shared.conclude(asked, limits, options)
