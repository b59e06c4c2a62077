"""The report: the design document's fields under its names, and the analysis records beside them."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_serializer,
)

from dryrun.analysis.figures.agreement import Figure, Rate
from dryrun.analysis.figures.groups import StripColumn
from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.verdict.conditions import Condition
from dryrun.analysis.verdict.notices import Notice
from dryrun.analysis.verdict.stability import Stability
from dryrun.analysis.verdict.tree import Check
from dryrun.analysis.verdict.words import Action, Cause
from dryrun.core.config import Verdict
from dryrun.core.text import without_credentials, writable
from dryrun.core.thresholds import Thresholds
from dryrun.core.version import __version__
from dryrun.probes.result import GraderCheck


def _of(name: str, *path: str, default: Any = ...) -> Any:
    """A field called `name` in the JSON, which an analysis record has under `path`."""
    return Field(default, validation_alias=AliasChoices(name, AliasPath(*path)))


def _sentences(found: Any) -> Any:
    return tuple(one.sentence if isinstance(one, Notice | Action) else one for one in found)


def _value(found: Any) -> Any:
    return found.value if isinstance(found, Figure) else found


def _interval(found: Any) -> Any:
    if isinstance(found, Figure):
        return None if found.low is None else (found.low, found.high)
    return found


def _rate(found: Any) -> Any:
    return (found.share, found.low, found.high) if isinstance(found, Rate) else found


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
Value = Annotated[float | None, BeforeValidator(_value)]
Ends = Annotated[tuple[float, float] | None, BeforeValidator(_interval)]
Share = Annotated[tuple[float, float, float] | None, BeforeValidator(_rate)]
Writable = Annotated[str, AfterValidator(writable)]


class Record(BaseModel):
    """Base of the report's parts: immutable, nothing unknown, no NaN; read from JSON or from a record."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, from_attributes=True)


class PercentileFigures(Record):
    """Linear interpolation between scores (NumPy's default); null where there is no score."""

    p10: float | None = None
    p25: float | None = None
    p75: float | None = None
    p90: float | None = None


class ScoreFigures(Record):
    """Figures of all valid scores, pooled over responses; null where there is nothing to compute."""

    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    median: float | None
    percentiles: Annotated[PercentileFigures, BeforeValidator(lambda found: found or {})]
    ddof: Literal[1] = 1
    floor_share: float | None
    ceiling_share: float | None
    distinct_scores: int = _of("distinct_scores", "distinct")
    bimodality_ratio: float | None = _of("bimodality_ratio", "bimodality")


class TopicEntry(Record):
    """Figures of one topic; after pooling too, where topics were pooled."""

    mean: float | None
    std: float | None
    count: int
    status: Literal["good", "problem"] | None
    prompts: int
    missing: int
    problem: str | None
    note: str
    evidence: Literal["confirmed", "watch", "too few"] | None = None
    pooled: float | None = None
    interval: Interval | None = None


class GroupFigures(Record):
    """Spread within and between prompts; shares of prompts, with 95 % intervals."""

    prompts: int
    rollouts: float
    within_std: float = _of("within_std", "within")
    between_std: float = _of("between_std", "between")
    icc: float
    usable: float
    usable_interval: Interval
    cost_factor: float | None
    group: int
    extrapolated: bool
    learnable: float | None
    learnable_interval: Interval | None
    all_right: float
    all_wrong: float


class SignalFigures(Record):
    """The Signal Index and its factors."""

    value: float
    usable: float
    reliability: float | None
    range: float | None
    follows: float | None = None
    factors: dict[str, float] = {}
    weakest: str


class AnchorFigures(Record):
    """Where reference answers and junk land on the grader's scale, mapped to 0..1."""

    reference: float | None = _of("reference", "scale", "ceiling", default=None)
    reformatted: float | None = _of("reformatted", "scale", "reformatted", default=None)
    from_stronger_model: bool = _of("from_stronger_model", "scale", "stand_in", default=False)
    junk: float | None = _of("junk", "scale", "floor", default=None)
    junk_name: str = _of("junk_name", "scale", "floor_name", default="")
    junk_median: float | None = _of("junk_median", "scale", "floor_median", default=None)
    junk_kinds: dict[str, float] = Field(default_factory=dict)
    broken_references: float | None = _of("broken_references", "scale", "broken", default=None)
    regrade_std: float | None = _of("regrade_std", "noise")
    reliability: float | None


class PeopleFigures(Record):
    """Grader and people side by side; rates and figures with their 95 % intervals."""

    labels: int
    good: int
    people: int = 0
    unsure: int = 0
    disputed: int = 0
    share_good: float
    kappa: Value
    kappa_interval: Ends = _of("kappa_interval", "kappa")
    auc: Value
    auc_interval: Ends = _of("auc_interval", "auc")
    false_reject: Share
    false_accept: Share


class ShapeFigures(Record):
    """How scores follow lengths, and how finely the grader tells responses apart."""

    length_correlation: float | None = _of("length_correlation", "length", "correlation", default=None)
    length_within: str | None = _of("length_within", "length", "within", default=None)
    distinct: int = _of("distinct", "resolution", "distinct", default=0)
    modal_share: float | None = _of("modal_share", "resolution", "modal_share", default=None)
    effective_levels: float | None = _of("effective_levels", "resolution", "effective_levels", default=None)


class DocumentEntry(Record):
    """What the document's decision tree says by itself."""

    verdict: Verdict
    dataset_quality: str
    grader_quality: str


class EvidenceEntry(Record):
    """What stands beside the document's rule; absent under ``rules: document``.

    `pieces` names the evidence that entered, `left_out` what was switched off, `not_measured` the rest.
    """

    verdict: Verdict
    borderline: bool
    document: DocumentEntry
    dataset_quality: str
    grader_quality: str
    pieces: tuple[str, ...]
    left_out: tuple[str, ...] = _of("left_out", "thresholds", "without")
    stability: Stability | None
    groups: GroupFigures | None
    strip: tuple[StripColumn, ...]
    signal_index: SignalFigures | None = _of("signal_index", "measures", "signal")
    anchors: AnchorFigures | None = _of("anchors", "measures")
    shape: ShapeFigures | None = _of("shape", "measures")
    blame_grader: float | None = _of("blame_grader", "blame", "share", default=None)
    blame_interval: Interval | None = _of("blame_interval", "blame", "interval", default=None)
    problem_topics: tuple[str, ...]
    tags: tuple[str, ...]
    sentences: tuple[str, ...]
    next_step: str = _of("next_step", "attribution", "next_step")
    not_measured: tuple[str, ...]
    people: PeopleFigures | None = None


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
    recommendations: Sentences = _of("recommendations", "actions")
    summary: str
    reasons: tuple[Notice, ...] = _of("reasons", "document", "reasons")
    pattern: str | None = _of("pattern", "document", "pattern")
    dataset_sentence: str = _of("dataset_sentence", "dataset_line", "sentence")
    dataset_word: str = _of("dataset_word", "dataset_line", "word")
    grader_sentence: str = _of("grader_sentence", "grader_line", "sentence")
    grader_word: str = _of("grader_word", "grader_line", "word")
    causes: tuple[Cause, ...]
    checks: tuple[Check, ...] = _of("checks", "document", "checks")
    warning_details: tuple[Notice, ...] = _of("warning_details", "warnings")
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
            f"{cause.part.capitalize()}: {cause.title} → {cause.effect}" for cause in self.diagnosis.causes
        )

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values, in the document's order."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """The report as indented JSON; equal reports give equal bytes, and NaN never occurs."""
        return orjson.dumps(self.to_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
