"""The parts of the report, as they stand in its JSON."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from dryrun.config import Verdict


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


class StabilityFigures(Record):
    """Cluster bootstrap over unique prompts: 95 % intervals, and shares of re-draws that agree."""

    mean: tuple[float, float]
    std: tuple[float, float]
    same_verdict: float
    same_branch: float
    more_prompts: int | None
    draws: int


class GroupFigures(Record):
    """Spread within and between prompts; shares of prompts."""

    prompts: int
    rollouts: float
    within_std: float
    between_std: float
    icc: float
    usable: float
    group: int
    extrapolated: bool
    learnable: float
    all_right: float
    all_wrong: float


class AnchorFigures(Record):
    """Where reference answers and junk land on the grader's scale, mapped to 0..1."""

    reference: float | None
    reformatted: float | None
    junk: float | None
    junk_name: str
    junk_median: float | None
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


class EvidenceEntry(Record):
    """What stands beside the document's rule; absent under ``rules: document``."""

    verdict: Verdict
    borderline: bool
    stability: StabilityFigures | None
    groups: GroupFigures | None
    anchors: AnchorFigures | None
    dataset_quality: str | None
    grader_quality: str | None
    blame_grader: float | None
    problem_topics: tuple[str, ...]
    sentences: tuple[str, ...]
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
    """What is concluded. `warnings` and `recommendations` are sentences, as in the design document; the
    same with their codes and numbers are in `warning_details` and `actions`."""

    dataset_quality: str
    grader_quality: str
    verdict: Verdict
    warnings: tuple[str, ...]
    recommendations: tuple[str, ...]
    reasons: tuple[NoticeEntry, ...]
    pattern: str | None
    dataset_sentence: str
    grader_sentence: str
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
