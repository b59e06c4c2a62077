"""The parts of the report, as they stand in its JSON.

The report itself: the design document's fields under its names, and more; to JSON and back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError, field_serializer

from dryrun.core.config import Verdict
from dryrun.core.errors import DryRunError
from dryrun.core.thresholds import Thresholds
from dryrun.probes.result import GraderCheck


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
    format: Literal[1] = 1

    @property
    def verdict(self) -> Verdict:
        """What counts; what the document's tree says alone is in `evidence`."""
        return self.diagnosis.verdict

    @property
    def headline(self) -> str:
        """The verdict's word, with BORDERLINE beside it where re-draws disagree."""
        return f"{self.verdict} (BORDERLINE)" if self.evidence and self.evidence.borderline else self.verdict

    @property
    def caution(self) -> str:
        """What stands beside the verdict where the grader check found something that blocks; else ``""``."""
        return self.grader_check.caution if self.grader_check else ""

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


def load_report(content: str | bytes) -> Report:
    """Read a report back from its JSON.

    Raises
    ------
    DryRunError
        The content is no JSON, or not a report of this format.
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
