"""``run``: from a dataset and a grader to a verdict."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dryrun.cli import options as shared
from dryrun.cli.dataset_options import add_columns, add_dataset, read_given
from dryrun.cli.terminal import ProgressLine, consoles
from dryrun.core.blocking import run_blocking
from dryrun.core.config import (
    EMBEDDED_MODEL,
    OPENAI_URL,
    BatchConfig,
    ModelConfig,
    ModelKind,
    SamplingConfig,
    SamplingMethod,
)
from dryrun.core.errors import DryRunError, GraderError, text_of_file
from dryrun.core.records import RunState
from dryrun.core.text import note
from dryrun.core.thresholds import Thresholds
from dryrun.engine.budget import Budget, Prices, receipt
from dryrun.engine.early_stop import SettledWatch
from dryrun.engine.estimate import estimate, too_few_words
from dryrun.engine.prepare import Prepared, prepare, resumed_or_started
from dryrun.engine.work import work_on
from dryrun.models import Model
from dryrun.store.partition import Store
from dryrun.store.runs import Run, RunStatus

BATCH_NOTE = (
    "Through the Batch API answers take up to {window}. Ctrl-C leaves the batch at the endpoint, where it "
    "goes on; the same command collects it."
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``run``."""
    add_dataset(command, required=True)
    shared.add_grader(command)
    add_columns(command)
    shared.add_size(command)
    command.add_argument("--seed", type=int, default=0, help="of the sampling (default: %(default)s)")
    command.add_argument("--stratified", action="store_true", help="keep each topic's share of the rows")
    shared.add_grading(command)
    add_model(group := command.add_argument_group("base model"))
    group.add_argument(
        "--no-preflight",
        dest="preflight",
        action="store_false",
        help="ask for all responses at once, not for the first one alone to see that key and model work",
    )
    add_budget(command.add_argument_group("budget", "over all sessions of the run"))
    shared.add_output(command)


def execute(options: argparse.Namespace) -> int:
    """Sample, generate, grade, judge."""
    limits, budget = shared.thresholds(options.threshold, options.without), budget_of(options)
    asked = started(shared.store_of(options), prepared_run(options), budget)
    work(asked, budget, **keys_of(options), batch=batch_config(options), preflight=options.preflight)
    return shared.conclude(asked, limits, options)


def keys_of(options: argparse.Namespace) -> dict[str, str]:
    """The keys of the base model and of the judge, from the environment."""
    return {"api_key": os.environ.get(options.api_key_env, ""), "judge_key": shared.judge_key(options)}


def asked_how(options: argparse.Namespace) -> dict[str, Any]:
    """How the model is asked and its responses are graded, as `dryrun.engine.prepare.prepare` takes it."""
    names = ("reward_range", "grade_timeout", "cut_reasoning")
    judge = shared.judge_config(options)
    return {
        "model": model_config(options),
        "judge": judge,
        **{name: getattr(options, name) for name in names},
    }


def prepared_run(options: argparse.Namespace) -> Prepared:
    """The run that the options describe, checked and drawn."""
    dataset = read_given(options, options.dataset, options.samples)
    for warning in dataset.warnings:
        note(f"note: {warning}")
    grader = shared.grader(options)
    try:
        prepared = prepare(
            dataset,
            grader,
            sampling=SamplingConfig(
                size=options.samples,
                rollouts=options.rollouts,
                seed=options.seed,
                method=SamplingMethod.STRATIFIED if options.stratified else SamplingMethod.SIMPLE,
            ),
            **asked_how(options),
        )
    except GraderError as error:
        problems = shared.of_grader_file(error.problems, options)
        raise GraderError(error.summary, problems, error.total) from None
    return replace(prepared, findings=tuple(shared.of_grader_file(prepared.findings, options)))


def started(store: Store, prepared: Prepared, budget: Budget, model: Model | None = None) -> Run:
    """The run that asks just this, an unfinished one or a new one, once it is said what it may cost.

    Parameters
    ----------
    store : Store
    prepared : Prepared
    budget : Budget
    model : Model, optional
        Where responses come from, if they are stored already.

    Raises
    ------
    DryRunError
        Money is capped, and what the judge costs is not known.
    """
    for finding in prepared.findings:
        note(finding)
    if words := too_few_words(len(prepared.prompts), Thresholds()):
        note(f"note: {words}")
    model_config, worst = prepared.config.model, estimate(store, prepared, model)
    budget.check_prices(prepared.config.judge is not None)
    if worst.judge_calls or (worst.calls and model_config.kind is ModelKind.ENDPOINT):
        note(f"note: {worst.words(budget.prices)}")
        if worst.calls and model_config.batch is not None:
            note(f"note: {BATCH_NOTE.format(window=model_config.batch.completion_window)}")
    return resumed_or_started(store, prepared)


SCALE_NOTE = (
    "note: The grader's scale is not declared. Its rewards lie from {:g} to {:g} and are judged so; "
    "give another with --reward-range LOW HIGH."
)


def work(asked: Run, budget: Budget, **how: Any) -> None:
    """Do what is left to do of a run, with a progress line, and say in the end what it has cost.

    `how` is as for `dryrun.engine.work.work_on`.

    Raises
    ------
    DryRunError
        The run gave up, for the reason the message gives. A budget that is spent is no such reason.
    """
    watch, assumed = SettledWatch(asked), asked.config().reward_range

    def notify(status: RunStatus) -> None:
        line.show(status, watch.follow(status))

    try:
        with ProgressLine(consoles()[1]) as line, contextlib.closing(watch):
            status = run_blocking(work_on(asked, notify=notify, budget=budget, **how))
        if status.capped:
            note(f"note: {status.message}")
        elif status.state is RunState.STOPPED:
            raise DryRunError(status.message)
    finally:
        spent = asked.status()
        if spent.all_calls:
            note(receipt(spent, budget.prices))
        if (scale := asked.config().reward_range) != assumed:
            note(SCALE_NOTE.format(*scale))


def add_model(group: argparse._ActionsContainer) -> None:
    """The base model and how it is asked."""
    group.add_argument(
        "--model",
        default=None,
        help=f"default: {EMBEDDED_MODEL}, embedded, no account needed. Any other name is asked of an "
        "OpenAI-compatible endpoint. (o4-mini was retired by OpenAI on 2026-10-23.)",
    )
    group.add_argument("--base-url", help="endpoint (default: $OPENAI_BASE_URL, else OpenAI's)")
    group.add_argument(
        "--api-key-env", default="OPENAI_API_KEY", help="variable with the key (default: %(default)s)"
    )
    group.add_argument(
        "--vllm",
        nargs="?",
        const="",
        metavar="FILE",
        help="no endpoint: vLLM generates on the GPUs of a Ray cluster (docs/scale.md); FILE: JSON with the "
        "engine's arguments",
    )
    group.add_argument("--temperature", type=float)
    group.add_argument("--top-p", type=float)
    group.add_argument("--max-completion-tokens", type=shared.positive)
    group.add_argument("--reasoning-effort")
    group.add_argument("--model-seed", type=int, help="rollout r is asked with this seed + r")
    group.add_argument(
        "--response-format",
        type=Path,
        metavar="FILE",
        help='JSON sent as response_format, e.g. {"type": "json_schema", ...}; a row\'s own comes first',
    )
    group.add_argument(
        "--concurrency", type=shared.positive, help="calls in flight (default: by the kind of model)"
    )
    group.add_argument(
        "--timeout", type=shared.seconds, default=120.0, help="seconds per request (default: %(default)s)"
    )
    group.add_argument(
        "--batch",
        action="store_true",
        help="generate through the endpoint's Batch API: half the price, answers within the window",
    )
    group.add_argument("--completion-window", metavar="24h", help="with --batch (default: 24h)")


def add_budget(group: argparse._ActionsContainer) -> None:
    """Caps on what a run may spend, and the prices that make money of tokens."""
    group.add_argument(
        "--max-calls", type=shared.positive, help="stop cleanly after this many calls, the judge's included"
    )
    group.add_argument(
        "--max-tokens", type=shared.positive, help="stop cleanly after this many tokens, in and out"
    )
    group.add_argument(
        "--max-cost",
        type=shared.amount("an amount in US dollars above 0"),
        metavar="USD",
        help="stop cleanly once this is spent; needs --price",
    )
    pair = ("PROMPT", "COMPLETION")
    words = "US dollars per million tokens of the"
    price = shared.amount("a price in US dollars, like 2.50", zero=True)
    group.add_argument("--price", type=price, nargs=2, metavar=pair, help=f"{words} base model")
    group.add_argument("--judge-price", type=price, nargs=2, metavar=pair, help=f"{words} judge")


def budget_of(options: argparse.Namespace) -> Budget:
    """The caps and prices that the options name.

    Raises
    ------
    DryRunError
        A cap or a price has a value it cannot take, or money is capped without prices.
    """
    numbers = (*(options.price or (None, None)), *(options.judge_price or (None, None)))
    fields = {"calls": options.max_calls, "tokens": options.max_tokens, "cost": options.max_cost}
    prices = dict(zip(Prices.model_fields, numbers, strict=True))
    try:
        return Budget.model_validate({**fields, "prices": prices})
    except ValidationError as error:
        problem = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise DryRunError(f"--max-cost: {problem} (--price PROMPT COMPLETION).") from error


def batch_config(options: argparse.Namespace) -> BatchConfig | None:
    """How the options say that batches are made; None where every response is a call of its own.

    Raises
    ------
    DryRunError
        The window is not a number of hours or days, or is given without ``--batch``.
    """
    window = options.completion_window
    if not options.batch and window is not None:
        raise DryRunError("--completion-window goes with --batch: give both, or neither.")
    try:
        fields = {} if window is None else {"completion_window": window}
        return BatchConfig.model_validate(fields) if options.batch else None
    except ValidationError as error:
        raise DryRunError(f"--completion-window {window}: write a number and h or d, like 24h.") from error


def model_config(options: argparse.Namespace) -> ModelConfig:
    """The base model that the options name.

    Raises
    ------
    DryRunError
        An option has a value that no model takes.
    """
    embedded = options.model in (None, EMBEDDED_MODEL) and options.base_url is None
    if options.vllm is not None:
        return _vllm_config(options)
    fields = _sampled_how(options) | {
        "kind": ModelKind.EMBEDDED if embedded else ModelKind.ENDPOINT,
        "name": options.model or EMBEDDED_MODEL,
        "base_url": None if embedded else options.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL,
        "concurrency": options.concurrency,
        "timeout": options.timeout,
        "batch": batch_config(options),
    }
    if options.batch and embedded:
        raise DryRunError("--batch needs an endpoint with a Batch API: name its model with --model.")
    if (options.model or "").startswith(("http://", "https://")):
        raise DryRunError("--model wants a model's name: give an address as --base-url.")
    if (options.model or "").lower().endswith(".gguf") and not options.base_url:
        raise DryRunError("--model wants a model's name: to embed a GGUF file, set DRYRUN_GGUF to its path.")
    if not embedded and options.model is None:
        raise DryRunError("--base-url needs --model NAME: which model should the endpoint answer with?")
    return shared.from_options(ModelConfig, fields, "--", "model")


def _vllm_config(options: argparse.Namespace) -> ModelConfig:
    """A model on GPUs.

    Raises
    ------
    DryRunError
        What is given does not go together.
    """
    if options.model is None or options.base_url is not None or options.batch:
        raise DryRunError("--vllm needs --model NAME, a model of the Hub or a folder, and no endpoint.")
    engine = _object_in(Path(options.vllm), "--vllm") if options.vllm else None
    fields = _sampled_how(options) | {"kind": ModelKind.VLLM, "name": options.model, "engine": engine}
    return shared.from_options(ModelConfig, fields, "--", "model")


def _sampled_how(options: argparse.Namespace) -> dict[str, Any]:
    """The sampling parameters that every kind of model takes."""
    names = ("temperature", "top_p", "max_completion_tokens", "reasoning_effort")
    asked = {name: getattr(options, name) for name in names}
    response_format = _response_format(options.response_format)
    return {**asked, "seed": options.model_seed, "response_format": response_format}


def _object_in(path: Path, option: str) -> dict[str, Any]:
    try:
        content: object = json.loads(text_of_file(path, option))
    except ValueError as error:
        raise DryRunError(f"{option} {path}: not valid JSON ({error}).") from error
    if not isinstance(content, dict):
        raise DryRunError(f"{option} {path}: give a JSON object.")
    return content


def _response_format(path: Path | None) -> object:
    """The JSON object in the file.

    Raises
    ------
    DryRunError
        It cannot be read, or holds no JSON object with a type.
    """
    if path is None:
        return None
    content = _object_in(path, "--response-format")
    if "type" not in content:
        example = '{"type": "json_object"}'
        raise DryRunError(f"--response-format {path}: give an object with a type, e.g. {example}.")
    return content
