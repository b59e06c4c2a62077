"""Options of the base model, of batches and of the budget, for the commands that generate."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from pydantic import ValidationError

from dryrun.cli.options import dollars, dollars_to_spend, option_file, positive, seconds
from dryrun.core.config import EMBEDDED_MODEL, OPENAI_URL, BatchConfig, ModelConfig, ModelKind
from dryrun.core.errors import DryRunError
from dryrun.engine.budget import Budget


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
    group.add_argument("--temperature", type=float)
    group.add_argument("--top-p", type=float)
    group.add_argument("--max-completion-tokens", type=positive)
    group.add_argument("--reasoning-effort")
    group.add_argument("--model-seed", type=int, help="rollout r is asked with this seed + r")
    group.add_argument(
        "--response-format",
        type=Path,
        metavar="FILE",
        help='JSON sent as response_format, e.g. {"type": "json_schema", ...}; a row\'s own comes first',
    )
    group.add_argument("--concurrency", type=positive, help="calls in flight (default: by the kind of model)")
    group.add_argument(
        "--timeout", type=seconds, default=120.0, help="seconds per request (default: %(default)s)"
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
        "--max-calls", type=positive, help="stop cleanly after this many calls, the judge's included"
    )
    group.add_argument("--max-tokens", type=positive, help="stop cleanly after this many tokens, in and out")
    group.add_argument(
        "--max-cost",
        type=dollars_to_spend,
        metavar="USD",
        help="stop cleanly once this is spent; needs --price",
    )
    pair = ("PROMPT", "COMPLETION")
    words = "US dollars per million tokens of the"
    group.add_argument("--price", type=dollars, nargs=2, metavar=pair, help=f"{words} base model")
    group.add_argument("--judge-price", type=dollars, nargs=2, metavar=pair, help=f"{words} judge")


def budget(options: argparse.Namespace) -> Budget:
    """The caps and prices that the options name.

    Raises
    ------
    DryRunError
        A cap or a price has a value it cannot take, or money is capped without prices.
    """
    low, high = options.price or (None, None)
    judge_low, judge_high = options.judge_price or (None, None)
    prices = {"prompt": low, "completion": high, "judge_prompt": judge_low, "judge_completion": judge_high}
    fields = {"calls": options.max_calls, "tokens": options.max_tokens, "cost": options.max_cost}
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
    fields = {
        "kind": ModelKind.EMBEDDED if embedded else ModelKind.ENDPOINT,
        "name": options.model or EMBEDDED_MODEL,
        "base_url": None if embedded else options.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL,
        "temperature": options.temperature,
        "top_p": options.top_p,
        "max_completion_tokens": options.max_completion_tokens,
        "reasoning_effort": options.reasoning_effort,
        "seed": options.model_seed,
        "response_format": _response_format(options.response_format),
        "concurrency": options.concurrency,
        "timeout": options.timeout,
        "batch": batch_config(options),
    }
    if options.batch and embedded:
        raise DryRunError("--batch needs an endpoint with a Batch API: name its model with --model.")
    if not embedded and options.model is None:
        raise DryRunError("--base-url needs --model NAME: which model should the endpoint answer with?")
    try:
        return ModelConfig.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0] if first["loc"] else "model").replace("_", "-")
        raise DryRunError(f"{option}: {first['msg']}.") from error


def _response_format(path: Path | None) -> object:
    """The JSON object in the file.

    Raises
    ------
    DryRunError
        It cannot be read, or holds no JSON object with a type.
    """
    if path is None:
        return None
    try:
        content: object = json.loads(option_file(path, "--response-format"))
    except ValueError as error:
        raise DryRunError(f"--response-format {path}: not valid JSON ({error}).") from error
    if not isinstance(content, dict) or "type" not in content:
        example = '{"type": "json_object"}'
        raise DryRunError(f"--response-format {path}: give an object with a type, e.g. {example}.")
    return content
