"""``run``: from a dataset and a grader to a verdict."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from dryrun.cli import model_options as generating
from dryrun.cli import options as shared
from dryrun.cli.options import whole
from dryrun.cli.terminal import ProgressLine, consoles
from dryrun.core.blocking import run_blocking
from dryrun.core.config import (
    DEFAULT_ROLLOUTS,
    DEFAULT_SAMPLE_SIZE,
    MAX_ROLLOUTS,
    BatchConfig,
    ModelKind,
    SamplingConfig,
    SamplingMethod,
)
from dryrun.core.errors import DryRunError
from dryrun.core.records import RunState
from dryrun.core.text import note
from dryrun.dataset import read_dataset
from dryrun.engine.budget import Budget, Prices, receipt
from dryrun.engine.early_stop import SettledWatch
from dryrun.engine.estimate import WorstCase, worst_case
from dryrun.engine.prepare import Prepared, prepare, resumed_or_started
from dryrun.engine.work import AS_CONFIGURED, AsConfigured, work_on
from dryrun.models import Model
from dryrun.store.runs import Run, RunStatus

BATCH_NOTE = (
    "Through the Batch API answers take up to {window}. Ctrl-C leaves the batch at the endpoint, where it "
    "goes on; the same command collects it."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``run``."""
    command.add_argument(
        "--dataset", required=True, type=Path, help="rows as JSONL, Parquet, CSV or a JSON list"
    )
    shared.add_grader(command)
    command.add_argument("--topic-field", help="where a row's topic is (default: topic, then metadata.topic)")
    command.add_argument(
        "--samples", type=shared.positive, default=DEFAULT_SAMPLE_SIZE, help="prompts (default: %(default)s)"
    )
    command.add_argument(
        "--rollouts",
        type=whole(MAX_ROLLOUTS),
        default=DEFAULT_ROLLOUTS,
        help="responses per prompt (default: %(default)s)",
    )
    command.add_argument("--seed", type=int, default=0, help="of the sampling (default: %(default)s)")
    command.add_argument("--stratified", action="store_true", help="keep each topic's share of the rows")
    shared.add_grading(command)
    generating.add_model(command.add_argument_group("base model"))
    generating.add_budget(command.add_argument_group("budget", "over all sessions of the run"))
    shared.add_output(command)


def execute(options: argparse.Namespace) -> int:
    """Sample, generate, grade, judge."""
    limits, budget = shared.thresholds(options.threshold, options.without), generating.budget(options)
    asked = _asked(options, budget)
    key, judge_key = os.environ.get(options.api_key_env, ""), shared.judge_key(options)
    with receipt_after(asked, budget):
        work(asked, key, judge_key=judge_key, budget=budget, batch=generating.batch_config(options))
    return shared.conclude(asked, limits, options)


@contextlib.contextmanager
def receipt_after(asked: Run, budget: Budget) -> Iterator[None]:
    """Say in the end what the run has cost, however it ends."""
    try:
        yield
    finally:
        status = asked.status()
        if status.attempts or status.judged:
            note(receipt(status, budget.prices))


def _asked(options: argparse.Namespace, budget: Budget) -> Run:
    """The run the options describe: an unfinished one goes on, else a new one. Lets go of the dataset."""
    store = shared.store_of(options)
    prepared = _prepared(options)
    budget.check_prices(prepared.config.judge is not None)
    say_what_it_may_cost(worst_case(store, prepared), prepared, budget.prices)
    return resumed_or_started(store, prepared)


def work(
    asked: Run,
    api_key: str = "",
    model: Model | None = None,
    judge_key: str = "",
    budget: Budget | None = None,
    batch: BatchConfig | AsConfigured | None = AS_CONFIGURED,
) -> None:
    """Do what is left to do of a run, with a progress line.

    Raises
    ------
    DryRunError
        The run gave up, for the reason the message gives. A budget that is spent is no such reason.
    """
    watch = SettledWatch(asked)

    def notify(status: RunStatus) -> None:
        line.show(status, watch.follow(status))

    with ProgressLine(consoles()[1]) as line, contextlib.closing(watch):
        working = work_on(
            asked,
            api_key=api_key,
            judge_key=judge_key,
            notify=notify,
            model=model,
            budget=budget,
            batch=batch,
        )
        status = run_blocking(working)
    if status.capped:
        note(f"note: {status.message}")
    elif status.state is RunState.STOPPED:
        raise DryRunError(status.message)


def say_what_it_may_cost(worst: WorstCase, prepared: Prepared, prices: Prices) -> None:
    """The worst case beforehand, of calls that cost something."""
    model = prepared.config.model
    if not (worst.judge_calls or (worst.calls and model.kind is ModelKind.ENDPOINT)):
        return
    note(f"note: {worst.words(prices)}")
    if worst.calls and model.batch is not None:
        note(f"note: {BATCH_NOTE.format(window=model.batch.completion_window)}")


def _prepared(options: argparse.Namespace) -> Prepared:
    dataset = read_dataset(options.dataset, options.dataset.name, options.topic_field)
    for warning in dataset.warnings:
        note(f"note: {warning}")
    prepared = prepare(
        dataset,
        shared.grader(options),
        model=generating.model_config(options),
        sampling=_sampling(options),
        **shared.grading(options),
    )
    for finding in prepared.findings:
        note(f"note: {finding}")
    return prepared


def _sampling(options: argparse.Namespace) -> SamplingConfig:
    return SamplingConfig(
        size=options.samples,
        rollouts=options.rollouts,
        seed=options.seed,
        method=SamplingMethod.STRATIFIED if options.stratified else SamplingMethod.SIMPLE,
    )
