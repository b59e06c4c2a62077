"""The report: the design document's fields under its names, and the analysis records beside them."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, ValidationError, field_serializer

from dryrun.analysis.training.record import Training
from dryrun.analysis.verdict.conditions import Condition
from dryrun.analysis.verdict.tree import Check, Notice
from dryrun.analysis.verdict.words import Action, Cause, cause_name
from dryrun.core.config import Verdict
from dryrun.core.errors import DryRunError
from dryrun.core.text import without_credentials, writable
from dryrun.core.thresholds import Thresholds
from dryrun.core.version import __version__
from dryrun.probes.result import GraderCheck
from dryrun.report.figures import EvidenceEntry, Record, ScoreFigures, TopicEntry, field_at


def _sentences(notices: Any) -> Any:
    return tuple(notice.sentence if isinstance(notice, Notice | Action) else notice for notice in notices)


def _public(config: dict[str, Any] | None) -> dict[str, Any] | None:
    """The configuration without a user name or password that somebody typed into a base URL."""
    shown = dict(config or {})
    for part in ("model", "judge"):
        asked = shown.get(part)
        if isinstance(asked, dict) and isinstance(asked.get("base_url"), str):
            shown[part] = {**asked, "base_url": without_credentials(asked["base_url"])}
    return None if config is None else shown


def _versions() -> dict[str, str]:
    return {"dryrun": __version__, "numpy": np.__version__, "python": platform.python_version()}


Sentences = Annotated[tuple[str, ...], BeforeValidator(_sentences)]
Writable = Annotated[str, AfterValidator(writable)]


class DiagnosisEntry(Record):
    """What is concluded, with the evidence that entered.

    `warnings` and `recommendations` are sentences, as in the design document; the same with their codes
    and numbers are in `warning_details` and `actions`. `conditions` is what to mend before training after
    a GO; `grader_checked` says whether anything but scores speaks for the grader.
    """

    dataset_quality: str
    grader_quality: str
    verdict: Verdict
    warnings: Sentences
    recommendations: Sentences = field_at("recommendations", "actions")
    summary: str
    reasons: tuple[Notice, ...] = field_at("reasons", "document", "reasons")
    pattern: str | None = field_at("pattern", "document", "pattern")
    dataset_sentence: str = field_at("dataset_sentence", "dataset_line", "sentence")
    dataset_word: str = field_at("dataset_word", "dataset_line", "word")
    grader_sentence: str = field_at("grader_sentence", "grader_line", "sentence")
    grader_word: str = field_at("grader_word", "grader_line", "word")
    causes: tuple[Cause, ...]
    checks: tuple[Check, ...] = field_at("checks", "document", "checks")
    warning_details: tuple[Notice, ...] = field_at("warning_details", "warnings")
    actions: tuple[Action, ...]
    headline: str = ""
    conditions: tuple[Condition, ...] = ()
    grader_checked: bool = False


class Reason(Record):
    """Why `count` responses have no score, in the words of one. Untrusted: never Markdown or HTML."""

    count: int
    words: str


class RunEntry(Record):
    """Which run this is a report of.

    Attributes
    ----------
    id, dataset, model : str
        ``""`` if unknown.
    prompts_asked : int or None
        Drawn rows; None if unknown.
    rollouts : int or None
        Responses asked for per prompt.
    pending : int
        Rollouts that have not ended: the run is unfinished, and they are in no figure.
    reward_range : (float, float)
        The grader's scale, which scores are mapped from.
    config : dict or None
        The run's configuration as JSON. A user name or password in its base URL is left out.
    ceiling : str
        The stronger model whose scores are the ceiling; ``""`` if there is none.
    """

    id: str = ""
    dataset: Writable = ""
    model: Writable = ""
    prompts_asked: int | None = None
    rollouts: int | None = None
    pending: int = 0
    reward_range: tuple[float, float] = (0.0, 1.0)
    config: Annotated[dict[str, Any] | None, AfterValidator(_public)] = None
    versions: dict[str, str] = Field(default_factory=_versions)
    ceiling: Writable = ""


class SampleEntry(Record):
    """One response to read, cut to what a page has room for. Untrusted: never Markdown or HTML."""

    score: float
    row: int
    """Line of the dataset, from 1."""
    topic: str
    prompt: str
    """The end of the last user message."""
    response: str
    """The end of the response: an answer stands last."""


class Report(Record):
    """The report. Field names, and their order up to `diagnosis`, are the design document's.

    Attributes
    ----------
    timestamp : datetime
        UTC, to the second.
    samples_evaluated : int
        Unique prompts with a score.
    distribution : dict or None
        Share of the scores in each of the five bins; None if there is no score.
    responses_evaluated, responses : int
        Responses with a score, and all responses.
    off_scale : tuple of (float, int)
        The commonest rewards off the scale and how often each came; `out_of_range` counts them all.
    histogram_counts : tuple of int
        Scores in 20 bins of 0.05, four to each bin of `distribution`.
    highest, lowest : tuple of SampleEntry
        Five responses each: are they actually good, actually bad?
    """

    timestamp: AwareDatetime
    samples_evaluated: int
    statistics: ScoreFigures
    distribution: dict[str, float] | None
    by_topic: dict[str, TopicEntry]
    diagnosis: DiagnosisEntry
    responses_evaluated: int
    responses: int
    missing: int
    missing_share: float
    out_of_range: int
    off_scale: tuple[tuple[float, int], ...] = ()
    grader_errors: int
    duplicate_rows: int
    outcomes: dict[str, int]
    distribution_counts: dict[str, int]
    histogram_counts: tuple[int, ...] = ()
    not_measured: tuple[str, ...]
    thresholds: Thresholds
    run: RunEntry
    rules: Literal["document", "evidence"] = "document"
    evidence: EvidenceEntry | None = None
    grader_check: GraderCheck | None = None
    missing_reasons: tuple[Reason, ...] = ()
    highest: tuple[SampleEntry, ...] = ()
    lowest: tuple[SampleEntry, ...] = ()
    training: Training | None = None
    format: Literal[1] = 1

    @property
    def verdict(self) -> Verdict:
        """What counts; what the document's tree says alone is in `evidence`."""
        return self.diagnosis.verdict

    @property
    def headline(self) -> str:
        """The verdict in a few words: ``"GO, with conditions"``; its word alone in older reports."""
        return self.diagnosis.headline or self.verdict

    @property
    def word(self) -> str:
        """The same without its second half: ``"NO-GO"``, ``"GO, with conditions"``."""
        return f"{self.verdict}, with conditions" if self.diagnosis.conditions else self.verdict

    @field_serializer("timestamp")
    def _zulu(self, timestamp: datetime) -> str:
        return timestamp.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def cause_lines(self) -> tuple[str, ...]:
        """Likely causes in one line each: ``"Dataset: Prompts too difficult → Base model can't ..."``."""
        return tuple(
            f"{cause_name(cause.part, cause.title)} → {cause.effect}" for cause in self.diagnosis.causes
        )

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values, in the document's order."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """The report as indented JSON; equal reports give equal bytes, and NaN never occurs."""
        return orjson.dumps(self.to_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def load_report(content: str | bytes) -> Report:
    """Read a report back from its JSON.

    Raises
    ------
    DryRunError
        The content is not JSON, or not a report of this format.
    """
    try:
        return Report.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top level"
        raise DryRunError(
            f"This is not a report that Dry Run wrote: {first['msg']} (at {where}). "
            "Open the .json file that 'run --out' or the results page gave you."
        ) from error
