"""``regrade``: score the stored responses of a run with another grader."""

from __future__ import annotations

import argparse

from dryrun.cli import options as shared
from dryrun.cli.commands.run import add_budget, budget_of, started, work
from dryrun.engine.prepare import regraded, stored_responses
from dryrun.store.labels import carry


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``regrade``."""
    command.add_argument("--run", required=True, help="the run's id, see `runs`")
    shared.add_grader(command)
    shared.add_grading(command)
    add_budget(command.add_argument_group("budget", "of a judge, over all sessions of the run"))
    shared.add_output(command)


def execute(options: argparse.Namespace) -> int:
    """Grade and judge; the model is never called."""
    limits = shared.thresholds(options.threshold, options.without)
    source = shared.run_of(options)
    responses = stored_responses(source)
    budget = budget_of(options)
    judge, grader = shared.judge_config(options), shared.grader(options)
    how = (options.reward_range, options.grade_timeout, judge, options.cut_reasoning)
    prepared = regraded(source, grader, *how)
    asked = started(source.store, prepared, budget, responses)
    carry(source, asked)
    work(asked, budget, model=responses, judge_key=shared.judge_key(options))
    return shared.conclude(asked, limits, options)
