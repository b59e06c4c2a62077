"""``regrade``: score the stored responses of a run with another grader."""

from __future__ import annotations

import argparse

from dryrun.cli import model_options as generating
from dryrun.cli import options as shared
from dryrun.cli.commands.run import receipt_after, say_what_it_may_cost, work
from dryrun.core.text import note
from dryrun.engine.estimate import worst_case
from dryrun.engine.prepare import regraded, resumed_or_started, stored_responses
from dryrun.store.labels import carry
from dryrun.store.runs import Run


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``regrade``."""
    command.add_argument("--run", required=True, help="the run's id, see `runs`")
    shared.add_grader(command)
    shared.add_grading(command)
    generating.add_budget(command.add_argument_group("budget", "of a judge, over all sessions of the run"))
    shared.add_output(command)


def execute(options: argparse.Namespace) -> int:
    """Grade and judge; the model is never called."""
    limits = shared.thresholds(options.threshold, options.without)
    store = shared.store_of(options)
    source = Run.open(store, options.run)
    responses = stored_responses(source)
    budget = generating.budget(options)
    prepared = regraded(source, shared.grader(options), **shared.grading(options))
    for finding in prepared.findings:
        note(f"note: {finding}")
    budget.check_prices(prepared.config.judge is not None)
    say_what_it_may_cost(worst_case(store, prepared, responses), prepared, budget.prices)
    asked = resumed_or_started(store, prepared)
    carry(source, asked)
    with receipt_after(asked, budget):
        work(asked, model=responses, judge_key=shared.judge_key(options), budget=budget)
    return shared.conclude(asked, limits, options)
