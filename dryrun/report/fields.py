"""The parts of the report, as they stand in its JSON."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from dryrun.core.config import Verdict


class Record(BaseModel):
    """Base of the report's parts: immutable, nothing unknown, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PercentileFigures(Record):
    """Linear interpolation between scores (numpy's default)."""

    p10: float | None
    p25: float | None
    p75: float | None
    p90: float | None


class ScoreFigures(Record):
    """Figures of all valid scores, pooled over responses; null where there is nothing to compute."""

    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    median: float | None
    percentiles: PercentileFigures
    ddof: Literal[1] = 1
    floor_share: float | None
    ceiling_share: float | None
    distinct_scores: int
    bimodality_ratio: float | None


class TopicEntry(Record):
    """Figures of one topic."""

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
    interval: tuple[float, float] | None = None


class StabilityFigures(Record):
    """Cluster bootstrap over unique prompts: 95 % intervals, and shares of re-draws that agree."""

    mean: tuple[float, float]
    std: tuple[float, float]
    same_verdict: float
    same_branch: float
    more_prompts: int | None
    draws: int


class GroupFigures(Record):
    """Spread within and between prompts; shares of prompts, with 95 % intervals."""

    prompts: int
    rollouts: float
    within_std: float
    between_std: float
    icc: float
    usable: float
    usable_interval: tuple[float, float]
    cost_factor: float | None
    group: int
    extrapolated: bool
    learnable: float | None
    learnable_interval: tuple[float, float] | None
    all_right: float
    all_wrong: float


class StripEntry(Record):
    """Neighbouring prompts by mean: their scores from the lowest to the highest, averaged over the column."""

    prompts: int
    mean: float
    cells: tuple[float, ...]
    dead: float


class SignalFigures(Record):
    """The Signal Index and its factors."""

    value: float
    usable: float
    reliability: float
    range: float
    weakest: str


class AnchorFigures(Record):
    """Where reference answers and junk land on the grader's scale, mapped to 0..1."""

    reference: float | None
    reformatted: float | None
    from_stronger_model: bool
    junk: float | None
    junk_name: str
    junk_median: float | None
    junk_kinds: dict[str, float]
    broken_references: float | None
    regrade_std: float | None
    reliability: float | None


class PeopleFigures(Record):
    """Grader and people side by side; rates and figures with their 95 % intervals."""

    labels: int
    good: int
    people: int
    unsure: int
    disputed: int
    share_good: float
    kappa: float | None
    kappa_interval: tuple[float, float] | None
    auc: float | None
    auc_interval: tuple[float, float] | None
    false_reject: tuple[float, float, float] | None
    false_accept: tuple[float, float, float] | None


class ShapeFigures(Record):
    """How scores follow lengths, and how finely the grader tells responses apart."""

    length_correlation: float | None
    length_within: str | None
    distinct: int
    modal_share: float | None
    effective_levels: float | None


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
    left_out: tuple[str, ...]
    stability: StabilityFigures | None
    groups: GroupFigures | None
    strip: tuple[StripEntry, ...]
    signal_index: SignalFigures | None
    anchors: AnchorFigures | None
    shape: ShapeFigures | None
    blame_grader: float | None
    blame_interval: tuple[float, float] | None
    problem_topics: tuple[str, ...]
    tags: tuple[str, ...]
    sentences: tuple[str, ...]
    next_step: str
    not_measured: tuple[str, ...]
    people: PeopleFigures | None = None


class NoticeEntry(Record):
    """A reason or warning: a code for machines, a sentence for people."""

    code: str
    sentence: str
    value: float | None
    limit: float | None
    topic: str | None

    def __str__(self) -> str:
        return self.sentence


class ActionEntry(Record):
    """A recommended action."""

    kind: str
    sentence: str
    topic: str | None

    def __str__(self) -> str:
        return self.sentence


class CauseEntry(Record):
    """A likely cause."""

    part: Literal["dataset", "grader"]
    title: str
    effect: str
    solution: str


class CheckEntry(Record):
    """One row of the table of key metrics."""

    metric: str
    value: float | None
    range: str
    ok: bool | None
    meaning: str
    note: bool


class DiagnosisEntry(Record):
    """What is concluded, with the evidence that entered.

    `warnings` and `recommendations` are sentences, as in the design document; the same with their codes
    and numbers are in `warning_details` and `actions`.
    """

    dataset_quality: str
    grader_quality: str
    verdict: Verdict
    warnings: tuple[str, ...]
    recommendations: tuple[str, ...]
    summary: str
    reasons: tuple[NoticeEntry, ...]
    pattern: str | None
    dataset_sentence: str
    dataset_word: str
    grader_sentence: str
    grader_word: str
    causes: tuple[CauseEntry, ...]
    checks: tuple[CheckEntry, ...]
    warning_details: tuple[NoticeEntry, ...]
    actions: tuple[ActionEntry, ...]


class RunEntry(Record):
    """Which run this is a report of."""

    id: str
    dataset: str
    model: str
    prompts_asked: int | None
    rollouts: int | None
    pending: int
    reward_range: tuple[float, float]
    config: dict[str, Any] | None
    versions: dict[str, str]
    ceiling: str = ""
