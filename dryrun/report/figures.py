"""The figures of a report: the analysis records under the names that its JSON has."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, AliasPath, BaseModel, BeforeValidator, ConfigDict, Field

from dryrun.analysis.figures.agreement import Figure, Rate
from dryrun.analysis.figures.groups import StripColumn
from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.figures.signal import RightPull
from dryrun.analysis.verdict.stability import Stability
from dryrun.core.config import Verdict


def field_at(name: str, *path: str, default: Any = ...) -> Any:
    """A field called `name` in the JSON, which an analysis record has under `path`."""
    return Field(default, validation_alias=AliasChoices(name, AliasPath(*path)))


def _value(figure: Any) -> Any:
    return figure.value if isinstance(figure, Figure) else figure


def _interval(figure: Any) -> Any:
    if isinstance(figure, Figure):
        return None if figure.low is None else (figure.low, figure.high)
    return figure


def _rate(rate: Any) -> Any:
    return (rate.share, rate.low, rate.high) if isinstance(rate, Rate) else rate


Value = Annotated[float | None, BeforeValidator(_value)]
Ends = Annotated[tuple[float, float] | None, BeforeValidator(_interval)]
Share = Annotated[tuple[float, float, float] | None, BeforeValidator(_rate)]


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
    percentiles: Annotated[PercentileFigures, BeforeValidator(lambda percentiles: percentiles or {})]
    ddof: Literal[1] = 1
    floor_share: float | None
    ceiling_share: float | None
    distinct_scores: int = field_at("distinct_scores", "distinct")
    bimodality_ratio: float | None = field_at("bimodality_ratio", "bimodality")


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
    within_std: float = field_at("within_std", "within")
    between_std: float = field_at("between_std", "between")
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
    """The Signal Index and its factors; `pull` is missing in reports stored before it was measured."""

    value: float
    usable: float
    reliability: float | None
    range: float | None
    follows: float | None = None
    factors: dict[str, float] = {}
    weakest: str
    pull: RightPull | None = None


class AnchorFigures(Record):
    """Where reference and worthless answers land on the grader's scale, mapped to 0..1."""

    reference: float | None = field_at("reference", "scale", "ceiling", default=None)
    reformatted: float | None = field_at("reformatted", "scale", "reformatted", default=None)
    from_stronger_model: bool = field_at("from_stronger_model", "scale", "stand_in", default=False)
    junk: float | None = field_at("junk", "scale", "floor", default=None)
    junk_name: str = field_at("junk_name", "scale", "floor_name", default="")
    junk_median: float | None = field_at("junk_median", "scale", "floor_median", default=None)
    junk_kinds: dict[str, float] = Field(default_factory=dict)
    broken_references: float | None = field_at("broken_references", "scale", "broken", default=None)
    regrade_std: float | None = field_at("regrade_std", "noise")
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
    kappa_interval: Ends = field_at("kappa_interval", "kappa")
    auc: Value
    auc_interval: Ends = field_at("auc_interval", "auc")
    false_reject: Share
    false_accept: Share


class ShapeFigures(Record):
    """How scores follow lengths, and how finely the grader tells responses apart."""

    length_correlation: float | None = field_at("length_correlation", "length", "correlation", default=None)
    length_within: str | None = field_at("length_within", "length", "within", default=None)
    distinct: int = field_at("distinct", "resolution", "distinct", default=0)
    modal_share: float | None = field_at("modal_share", "resolution", "modal_share", default=None)
    effective_levels: float | None = field_at(
        "effective_levels", "resolution", "effective_levels", default=None
    )


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
    left_out: tuple[str, ...] = field_at("left_out", "thresholds", "without")
    stability: Stability | None
    groups: GroupFigures | None
    strip: tuple[StripColumn, ...]
    signal_index: SignalFigures | None = field_at("signal_index", "measures", "signal")
    anchors: AnchorFigures | None = field_at("anchors", "measures")
    shape: ShapeFigures | None = field_at("shape", "measures")
    blame_grader: float | None = field_at("blame_grader", "blame", "share", default=None)
    blame_interval: Interval | None = field_at("blame_interval", "blame", "interval", default=None)
    problem_topics: tuple[str, ...]
    tags: tuple[str, ...]
    sentences: tuple[str, ...]
    next_step: str = field_at("next_step", "attribution", "next_step")
    not_measured: tuple[str, ...]
    people: PeopleFigures | None = None
