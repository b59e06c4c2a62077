"""What several commands share: options, whose values are checked before anything is spent, and the report."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dryrun.analysis.figures.statistics import valid_scores
from dryrun.cli.output import new_file, write_out
from dryrun.cli.terminal import consoles, print_report
from dryrun.core.config import DEFAULT_ROLLOUTS, DEFAULT_SAMPLE_SIZE, MAX_ROLLOUTS, OPENAI_URL, JudgeConfig
from dryrun.core.errors import DryRunError, GraderError, text_of_file
from dryrun.core.text import note
from dryrun.core.thresholds import Piece, Thresholds
from dryrun.graders.format.conventions import Convention
from dryrun.graders.judge_access import JudgeAccess
from dryrun.graders.load import Placed, grader_of, in_file, load_grader
from dryrun.graders.specs import GraderSpec
from dryrun.report import Report, render_html, render_markdown, report_of
from dryrun.store.ceiling import ceiling_of, ceiling_words, choose_ceiling, forget_ceiling
from dryrun.store.opened import open_store
from dryrun.store.partition import Store
from dryrun.store.results import Results, load_results
from dryrun.store.runs import Run

T = TypeVar("T", bound=BaseModel)

REPORT_ENDINGS = (".json", ".md", ".markdown", ".html", ".htm")
"""What a report's file may be called."""


def amount(words: str, zero: bool = False) -> Callable[[str], float]:
    """A finite number above 0 (or 0 too), for argparse; `words` say what it is."""

    def check(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (0.0 < value < math.inf or (zero and value == 0.0)):
            raise argparse.ArgumentTypeError(f"{text or 'nothing'} is not {words}")
        return value

    return check


def whole(most: int | None = None) -> Callable[[str], int]:
    """A whole number from 1 on, to `most` if that is given, for argparse."""
    words = "of 1 or more" if most is None else f"from 1 to {most:,}"

    def check(text: str) -> int:
        value = int(text) if text.isdecimal() else 0
        if not 1 <= value <= (most or value):
            raise argparse.ArgumentTypeError(f"{text or 'nothing'} is not a whole number {words}")
        return value

    return check


positive = whole()
seconds = amount("a number of seconds above 0")


EXIT_CODES = {"GO": 0, "NO-GO": 1, "INVALID": 3}


def add_data(command: argparse._ActionsContainer) -> None:
    """``--data``."""
    command.add_argument(
        "--data", help="data directory, or s3://bucket/prefix (default: $DRYRUN_DATA, else the user's)"
    )


def add_output(
    command: argparse._ActionsContainer,
    endings: Sequence[str] = REPORT_ENDINGS,
    formats: str = ".json, .md, or .html (one file)",
) -> None:
    """``--out``, ``--data`` and ``--threshold``, for commands that end in a verdict."""
    command.add_argument("--out", type=new_file(endings), help=f"write the report here: {formats}")
    add_data(command)
    command.add_argument(
        "--rules",
        choices=["evidence", "document"],
        default="evidence",
        help="document: the design document's decision tree alone (default: with all evidence there is)",
    )
    command.add_argument(
        "--outcome",
        default="",
        metavar="NAME",
        help="the part of the reward that says a response is right, e.g. acc, 'acc >= 0.5', 'reward >= 1' "
        "(default: guessed)",
    )
    command.add_argument(
        "--without",
        action="append",
        default=[],
        choices=[piece.value for piece in Piece],
        metavar="EVIDENCE",
        help=f"leave out one piece of evidence; repeatable: {', '.join(Piece)}",
    )
    command.add_argument(
        "--threshold",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="e.g. mean_low=0.05; repeatable",
    )


def add_ceiling(command: argparse._ActionsContainer) -> None:
    """``--ceiling-run``."""
    command.add_argument(
        "--ceiling-run",
        metavar="RUN",
        help="a stronger model's run over the same prompts with the same grader; none: forget it",
    )


def add_rows(command: argparse._ActionsContainer, rows: int, what: str) -> None:
    """``--rows``, for commands that grade answers made from rows."""
    command.add_argument("--rows", type=positive, default=rows, help=f"rows to {what} (default: %(default)s)")


def add_size(command: argparse._ActionsContainer) -> None:
    """``--samples`` and ``--rollouts``."""
    command.add_argument(
        "--samples", type=positive, default=DEFAULT_SAMPLE_SIZE, help="prompts (default: %(default)s)"
    )
    command.add_argument(
        "--rollouts",
        type=whole(MAX_ROLLOUTS),
        default=DEFAULT_ROLLOUTS,
        help="responses per prompt (default: %(default)s)",
    )


def add_reward_range(command: argparse._ActionsContainer, otherwise: str) -> None:
    """``--reward-range``."""
    help_words = f"the rewards' scale (default: {otherwise})"
    command.add_argument("--reward-range", type=float, nargs=2, metavar=("LO", "HI"), help=help_words)


def add_timeout(command: argparse._ActionsContainer) -> None:
    """``--grade-timeout``."""
    command.add_argument(
        "--grade-timeout",
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="a grade may take (default: %(default)s)",
    )


def add_grading(command: argparse._ActionsContainer) -> None:
    """How a run uses its grader: ``--reward-range``, ``--grade-timeout``, ``--cut-reasoning``, the judge."""
    add_reward_range(command, "the grader's")
    add_timeout(command)
    command.add_argument(
        "--cut-reasoning",
        action=argparse.BooleanOptionalAction,
        help="grade what follows the reasoning in a response (</think> and the like), not the reasoning",
    )
    add_judge(command)


def add_judge(command: argparse._ActionsContainer) -> None:
    """Where a grader's judge models are asked."""
    group = command.add_argument_group("judge", "for graders that ask a model")
    group.add_argument("--judge-base-url", help="endpoint (default: $OPENAI_BASE_URL, else OpenAI's)")
    group.add_argument("--judge-model", help="asked instead of the model that the grader names")
    group.add_argument(
        "--judge-key-env",
        default="OPENAI_API_KEY",
        metavar="NAME",
        help="variable with the judge's key (default: %(default)s)",
    )
    group.add_argument("--judge-concurrency", type=positive, default=16, help="(default: %(default)s)")
    group.add_argument("--embedding-model", help="for cosine (default: text-embedding-3-large)")


def judge_config(options: argparse.Namespace) -> JudgeConfig:
    """Where the options say that judges are asked.

    Raises
    ------
    DryRunError
        An option has a value that no judge takes.
    """
    fields = {
        "base_url": options.judge_base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL,
        "model": options.judge_model,
        "concurrency": options.judge_concurrency,
    }
    if options.embedding_model:
        fields["embedding_model"] = options.embedding_model
    return from_options(JudgeConfig, fields, "--judge-")


def from_options(kind: type[T], fields: Mapping[str, Any], option: str, otherwise: str = "") -> T:
    """A configuration made of options.

    Parameters
    ----------
    kind : type of pydantic model
    fields : mapping
    option : str
        What the option of a field begins with: ``"--judge-"``.
    otherwise : str
        What stands for the field's name where no single field is wrong.

    Raises
    ------
    DryRunError
        A field has a value that it cannot take; the message names its option.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or otherwise
        name = name.replace("_", "-") if option.endswith("-") else name
        problem = first["msg"].removeprefix("Value error, ")
        raise DryRunError(f"{option}{name}: {problem}.") from error


def judge_key(options: argparse.Namespace) -> str:
    """The judge's key, from the environment."""
    return os.environ.get(options.judge_key_env, "")


def judge_access(options: argparse.Namespace) -> JudgeAccess:
    """Endpoint and key of the judge."""
    return JudgeAccess(judge_config(options), judge_key(options))


def thresholds(pairs: Sequence[str], without: Sequence[str] = ()) -> Thresholds:
    """The thresholds with ``NAME=VALUE`` pairs applied, less the evidence left out.

    Raises
    ------
    DryRunError
        A name that is not a threshold, or a value that it cannot take.
    """
    changed: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name not in Thresholds.numbers():
            known = ", ".join(Thresholds.numbers())
            raise DryRunError(f"--threshold {pair}: write NAME=VALUE with a name of: {known}.")
        changed[name] = value
    return from_options(Thresholds, changed | {"without": tuple(without)}, "--threshold ", " ".join(pairs))


def store_of(options: argparse.Namespace) -> Store:
    """The data directory that the options name."""
    return open_store(options.data)


def run_of(options: argparse.Namespace) -> Run:
    """The run that the options name.

    Raises
    ------
    DryRunError
        There is none with this id.
    """
    return Run.open(store_of(options), options.run)


def add_grader(command: argparse._ActionsContainer, otherwise: str = "") -> None:
    """``--grader`` and, for Python files, how their function is called; required unless `otherwise`."""
    own = f" (default: {otherwise})" if otherwise else ""
    command.add_argument(
        "--grader", required=not otherwise, type=Path, help=f"OpenAI's JSON, or a Python file{own}"
    )
    command.add_argument(
        "--convention",
        choices=[convention.value for convention in Convention],
        help="how a Python file's function is called (default: told from its parameters)",
    )
    command.add_argument(
        "--function", help="which function of a Python file grades, or several, added: 'right + 0.5 * short'"
    )


def grader(options: argparse.Namespace) -> dict[str, Any] | str:
    """The grader that was given, as `dryrun.graders.load_grader` takes it.

    Raises
    ------
    DryRunError
        It cannot be read, no convention fits it, or it has problems; the message names the file.
    """
    convention = Convention(options.convention) if options.convention else None
    text, config = text_of_file(options.grader, "--grader"), None
    options.grader_text = text  # a pipe can be read but once
    try:
        config = grader_of(text, convention, options.function)
        load_grader(config)
    except GraderError as error:
        problems = in_file(error.problems, options.grader.name, text, loaded=config is not None)
        raise GraderError(f"{options.grader}: {error.summary}", problems, error.total) from None
    return config


def of_grader_file(parts: Iterable[Placed], options: argparse.Namespace) -> list[Placed]:
    """What was found about the grader that `grader` has read, with its place in the file."""
    return in_file(parts, options.grader.name, options.grader_text)


def judge_for(spec: GraderSpec, options: argparse.Namespace) -> JudgeAccess | None:
    """Endpoint and key of the judge; None for a grader that asks none."""
    return judge_access(options) if spec.asks_models else None


def conclude(asked: Run, limits: Thresholds, options: argparse.Namespace) -> int:
    """Print the run's report, write it where ``--out`` says, and return the verdict's exit code."""
    results = load_results(asked)
    for sentence in results.skipped:
        note(f"note: {sentence}")
    _ceiling(results, options)
    report = report_of(results, limits, evidence=options.rules == "evidence", outcome=options.outcome)
    console, _ = consoles()
    try:
        print_report(console, report)
        console.print(f"run {asked.id}", style="dim")
    finally:  # also where the reader of standard output, `head` for one, has gone
        if options.out is not None:
            _write_report(report, options.out)
        if getattr(options, "picture", None) is not None:
            _write_picture(report, options.picture)
    return EXIT_CODES[report.verdict]


def _ceiling(results: Results, options: argparse.Namespace) -> None:
    """Take over the ceiling that the options name, and say what the run's ceiling tells."""
    choice = getattr(options, "ceiling_run", None)
    if choice == "none":
        forget_ceiling(results.run)
    elif choice is not None:
        choose_ceiling(results, load_results(Run.open(results.run.store, choice)))
    ceiling = ceiling_of(results.run)
    if ceiling is not None and options.rules == "evidence":
        valid = valid_scores(results.observations().score)
        note(f"note: {ceiling_words(ceiling, float(valid.mean()) if valid.size else None)}")


def _write_report(report: Report, out: Path) -> None:
    ending = out.suffix.lower()
    if ending in (".html", ".htm"):
        text = render_html(report)
    else:
        text = render_markdown(report) if ending in (".md", ".markdown") else report.to_json()
    write_out(out, text.encode("utf-8"))


def _write_picture(report: Report, out: Path) -> None:
    from dryrun.report.pictures import Form, histogram_picture  # Altair, which nothing else here needs

    form: Form = "svg" if out.suffix.lower() == ".svg" else "png"
    write_out(out, histogram_picture(report, form), "--picture")
