"""The command line: ``python -m dryrun run | report | runs``.

Exit codes: 0 GO, 1 NO-GO, 2 something the user can put right, 3 INVALID (no verdict), 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dryrun.config import (
    DEFAULT_ROLLOUTS,
    DEFAULT_SAMPLE_SIZE,
    EMBEDDED_MODEL,
    ModelConfig,
    ModelKind,
    SamplingConfig,
    SamplingMethod,
    Thresholds,
)
from dryrun.errors import DryRunError

if TYPE_CHECKING:  # the heavy half of the package is imported when a command needs it: --help is quick
    from dryrun.report import Report
    from dryrun.runs import Run
    from dryrun.store import Store

EXIT_CODES = {"GO": 0, "NO-GO": 1, "INVALID": 3}
USER_ERROR = 2
INTERRUPTED = 130
OPENAI_URL = "https://api.openai.com/v1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except DryRunError as error:
        from dryrun.terminal import consoles, print_error

        print_error(consoles()[1], str(error))
        return USER_ERROR
    except KeyboardInterrupt:
        print("\nStopped. Everything done so far is kept; the same command goes on.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    top = argparse.ArgumentParser(
        prog="python -m dryrun",
        description="Are the prompts learnable, and does the grader work? Ask before you pay for training.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands.add_parser("run", help="sample, generate, grade, judge; the same command resumes"))
    _add_report(commands.add_parser("report", help="judge a stored run again, e.g. under other thresholds"))
    _add_runs(commands.add_parser("runs", help="list the stored runs"))
    return top


def _add_run(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=run)
    command.add_argument("--dataset", required=True, type=Path, help="rows as JSONL, Parquet or CSV")
    command.add_argument("--grader", required=True, type=Path, help="a grader in OpenAI's JSON")
    command.add_argument("--topic-field", help="where a row's topic is (default: topic, then metadata.topic)")
    command.add_argument(
        "--samples", type=_positive, default=DEFAULT_SAMPLE_SIZE, help="prompts (default: %(default)s)"
    )
    command.add_argument(
        "--rollouts",
        type=_positive,
        default=DEFAULT_ROLLOUTS,
        help="responses per prompt (default: %(default)s)",
    )
    command.add_argument("--seed", type=int, default=0, help="of the sampling (default: %(default)s)")
    command.add_argument("--stratified", action="store_true", help="keep each topic's share of the rows")
    command.add_argument(
        "--reward-range",
        type=float,
        nargs=2,
        metavar=("LO", "HI"),
        help="the rewards' scale (default: the grader's)",
    )
    _add_model(command.add_argument_group("base model"))
    _add_output(command)


def _add_model(group: argparse._ArgumentGroup) -> None:
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
    group.add_argument("--max-completion-tokens", type=_positive)
    group.add_argument("--reasoning-effort")
    group.add_argument("--model-seed", type=int, help="rollout r is asked with this seed + r")
    group.add_argument(
        "--concurrency", type=_positive, help="calls in flight (default: by the kind of model)"
    )
    group.add_argument(
        "--timeout", type=float, default=120.0, help="seconds per request (default: %(default)s)"
    )


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, help="write the report here: .json or .md")
    command.add_argument("--data", type=Path, help="data directory (default: $DRYRUN_DATA, else the user's)")
    command.add_argument(
        "--threshold",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="e.g. mean_low=0.05; repeatable",
    )


def _add_report(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=report)
    command.add_argument("run", help="the run's id, see `runs`")
    _add_output(command)


def _add_runs(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=runs)
    command.add_argument("--data", type=Path, help="data directory (default: $DRYRUN_DATA, else the user's)")


def run(options: argparse.Namespace) -> int:
    """``run``: from a dataset and a grader to a verdict."""
    from dryrun.dataset import read_dataset
    from dryrun.records import RunState
    from dryrun.runner import prepare, run_blocking, start, work_on
    from dryrun.runs import unfinished_run
    from dryrun.terminal import ProgressLine, consoles, print_error

    limits = thresholds(options.threshold)
    _, errors = consoles()
    dataset = read_dataset(options.dataset, options.dataset.name, options.topic_field)
    for warning in dataset.warnings:
        print(f"note: {warning}", file=sys.stderr)
    prepared = prepare(
        dataset,
        _text_of(options.grader),
        model=model_config(options),
        sampling=SamplingConfig(
            size=options.samples,
            rollouts=options.rollouts,
            seed=options.seed,
            method=SamplingMethod.STRATIFIED if options.stratified else SamplingMethod.SIMPLE,
        ),
        reward_range=tuple(options.reward_range) if options.reward_range else None,
    )
    for finding in prepared.findings:
        print(f"note: {finding}", file=sys.stderr)
    store = _store(options)
    asked = unfinished_run(store, prepared.config) or start(store, prepared)
    with ProgressLine(errors) as line:
        status = run_blocking(
            work_on(asked, api_key=os.environ.get(options.api_key_env, ""), notify=line.show)
        )
    if status.state is RunState.STOPPED:
        print_error(errors, status.message)
        return USER_ERROR
    return _conclude(asked, limits, options.out)


def report(options: argparse.Namespace) -> int:
    """``report``: judge a stored run."""
    from dryrun.runs import Run

    return _conclude(Run.open(_store(options), options.run), thresholds(options.threshold), options.out)


def runs(options: argparse.Namespace) -> int:
    """``runs``: what is stored, newest first."""
    from dryrun.runs import list_runs

    for stored in list_runs(_store(options)):
        config, status = stored.config(), stored.status()
        print(
            f"{stored.id}  {status.state.value:11}  {status.graded:>6,}/{status.total:<6,}  "
            f"{config.dataset.name}  {config.model.name}"
        )
    return 0


def _conclude(asked: Run, limits: Thresholds, out: Path | None) -> int:
    from dryrun.results import load_results
    from dryrun.runner import report_of
    from dryrun.terminal import consoles, print_report

    results = load_results(asked)
    for sentence in results.skipped:
        print(f"note: {sentence}", file=sys.stderr)
    found = report_of(results, limits)
    console, _ = consoles()
    print_report(console, found)
    console.print(f"run {asked.id}", style="dim")
    if out is not None:
        _write_report(found, out)
    return EXIT_CODES[found.diagnosis.verdict]


def _write_report(found: Report, out: Path) -> None:
    text = found.to_markdown() if out.suffix.lower() in (".md", ".markdown") else found.to_json()
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DryRunError(
            f"--out {out}: cannot be written ({error.strerror}). Choose another path."
        ) from error


def thresholds(given: Sequence[str]) -> Thresholds:
    """The thresholds with ``NAME=VALUE`` pairs applied.

    Raises
    ------
    DryRunError
        A name that is no threshold, or a value that is none for it.
    """
    from pydantic import ValidationError

    changed: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or name not in Thresholds.model_fields:
            known = ", ".join(Thresholds.model_fields)
            raise DryRunError(f"--threshold {pair}: write NAME=VALUE with a name of: {known}.")
        changed[name] = value
    try:
        return Thresholds.model_validate(changed)
    except ValidationError as error:
        first = error.errors()[0]
        raise DryRunError(
            f"--threshold {'.'.join(map(str, first['loc'])) or given}: {first['msg']}."
        ) from error


def model_config(options: argparse.Namespace) -> ModelConfig:
    """The base model that the options name.

    Raises
    ------
    DryRunError
        An option has a value that no model takes.
    """
    from pydantic import ValidationError

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
        "concurrency": options.concurrency,
        "timeout": options.timeout,
    }
    if not embedded and options.model is None:
        raise DryRunError("--base-url needs --model NAME: which model should the endpoint answer with?")
    try:
        return ModelConfig.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0] if first["loc"] else "model").replace("_", "-")
        raise DryRunError(f"{option}: {first['msg']}.") from error


def _store(options: argparse.Namespace) -> Store:
    from dryrun.paths import data_dir
    from dryrun.store import Store

    return Store(options.data or data_dir())


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DryRunError(f"--grader {path}: not UTF-8 text. Save it as UTF-8 and try again.") from error
    except OSError as error:
        raise DryRunError(f"--grader {path}: cannot be read ({error.strerror}). Check the path.") from error


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of 1 or more")
    return value
