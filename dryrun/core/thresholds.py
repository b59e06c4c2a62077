"""Every number that decides, with its source; and which evidence is left out."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Frozen(BaseModel):
    """Base of every configuration record: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Piece(StrEnum):
    """Evidence that enters beside the document's decision tree; each piece can be left out."""

    SAMPLES = "samples"
    """Too many responses missing, cut off, empty or refused."""
    STABILITY = "stability"
    """Bootstrap 95 % intervals, and how often bootstrap samples of the prompts give the same verdict."""
    GROUPS = "groups"
    """Whether the responses to one prompt differ."""
    REFERENCES = "references"
    """What the grader pays for the reference answers."""
    REFORMATTED = "reformatted"
    """What it pays for the same answers in another form."""
    STRONGER = "stronger_model"
    """What it pays a stronger model; the ceiling where there are no references."""
    WORTHLESS = "worthless"
    """What it pays for worthless answers."""
    REGRADING = "regrading"
    """Whether it pays the same twice."""
    SIGNAL = "signal_index"
    """Usable groups, reliability and range in one number."""
    LENGTH = "length"
    """Whether longer responses to one prompt earn more. Warns."""
    RESOLUTION = "resolution"
    """How finely the grader tells responses apart. Warns."""
    TOPICS = "topics"
    """Topics after pooling."""
    PEOPLE = "people"
    """Whether people agree with the grader."""

    @classmethod
    def _missing_(cls, value: object) -> Piece | None:
        """The name that older files have."""
        return cls.WORTHLESS if value == "junk" else None


class _Limits(Frozen):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class TreeLimits(_Limits, title="These decide"):
    """The design document's decision tree."""

    mean_low: Share = Field(0.10, title="Mean at least")
    """Decision tree: below it the dataset is too hard or the grader too strict."""
    mean_high: Share = Field(0.90, title="Mean at most")
    """Decision tree: above it the dataset is too easy or the grader too lenient."""
    std_low: Annotated[float, Field(ge=0.0, le=0.5)] = Field(0.10, title="Std at least")
    """Decision tree: below it the grader cannot differentiate."""


class HealthyLimits(_Limits, title="Healthy ranges (warn)"):
    """The design document's key metrics."""

    healthy_mean_low: Share = Field(0.20, title="Healthy mean from")
    """Key metrics: lower end of the healthy mean. Warns."""
    healthy_mean_high: Share = Field(0.80, title="Healthy mean to")
    """Key metrics: upper end of the healthy mean. Warns."""
    healthy_std: Annotated[float, Field(ge=0.0, le=0.5)] = Field(0.15, title="Healthy std above")
    """Key metrics: healthy spread lies above it. Warns."""
    bimodal_ratio: Annotated[float, Field(gt=0.0)] = Field(1.5, title="Bimodal ratio")
    """Each end bin above this multiple of the average middle bin: bimodal. Warns."""
    floor_share: Share = Field(0.10, title="Share at minimum")
    """More than this share of scores exactly at the minimum (0): floor. Warns."""
    ceiling_share: Share = Field(0.10, title="Share at maximum")
    """More than this share of scores exactly at the maximum (1): ceiling. Warns."""


class SampleLimits(_Limits, title="Samples"):
    """How much has to be measured, and how well the verdict must hold."""

    min_prompts: Annotated[int, Field(ge=1)] = Field(30, title="Fewest prompts")
    """Fewer prompts with a score: INVALID, no verdict."""
    few_prompts: Annotated[int, Field(ge=1)] = Field(100, title="Few prompts")
    """Fewer prompts with a score: warns that the figures are rough."""
    max_missing: Share = Field(0.10, title="Missing scores at most")
    """A larger share of missing scores: INVALID, no verdict."""
    max_out_of_range: Share = Field(0.01, title="Off the scale at most")
    """A larger share of scores outside the grader's declared scale: INVALID, no verdict."""
    warn_missing: Share = Field(0.02, title="Missing scores")
    """A larger share of missing scores: warns."""
    warn_truncated: Share = Field(0.05, title="Cut off")
    """A larger share of responses cut off by the token limit: warns."""
    warn_empty: Share = Field(0.02, title="Empty")
    """A larger share of empty responses: warns."""
    warn_reasoning: Share = Field(0.05, title="Reasoning in the response")
    """More responses with reasoning before the answer, or an end token behind it: no strict grader."""
    warn_refused: Share = Field(0.05, title="Refused")
    """A larger share of refused or filtered responses: warns."""
    warn_grader_errors: Share = Field(0.02, title="Grader errors")
    """A larger share of grades that carry an error: warns."""
    warn_duplicates: Share = Field(0.10, title="Repeated rows")
    """A larger share of drawn rows that repeat an earlier one: warns."""
    warn_contradicted: Share = Field(0.02, title="Rows without one right answer")
    """A larger share of rows that contradict another in their reference answer, or have none: warns."""
    stability: Share = Field(0.90, title="Bootstrap samples that agree")
    """A smaller share of bootstrap samples with the same verdict: borderline. 0 switches it off."""
    max_cut_off: Share = Field(0.20, title="Cut off at most")
    """With anchors: a larger share of truncated, or of empty, responses: INVALID."""
    max_refused: Share = Field(0.30, title="Refused at most")
    """With anchors: a larger share of refused or filtered responses: NO-GO."""
    grader_fails: Share = Field(0.50, title="Failing grades")
    """A larger share of grades that carry an error: mending it comes first, whatever the scores say."""


class GroupLimits(_Limits, title="Training groups"):
    """What training on groups of responses needs."""

    group_size: Annotated[int, Field(ge=2, le=1024)] = Field(8, title="Training group")
    """Responses per prompt in a training group. 8 is the default of TRL; set your trainer's."""
    min_usable: Share = Field(0.10, title="Usable groups at least")
    """A smaller share of prompts that would give a signal in a training group: NO-GO."""
    warn_usable: Share = Field(0.50, title="Usable groups")
    """A smaller share of such prompts: warns."""
    teaching: Share = Field(0.30, title="Groups that would teach")
    """NO-GO by the tree, and surely a larger share of such prompts: the headline says so."""
    full_range: Annotated[float, Field(gt=0.0, le=1.0)] = Field(0.50, title="Full range")
    """Signal Index: right less worthless answers; from here on the grader's range is not the bottleneck."""
    min_signal: Share = Field(0.10, title="Signal Index at least")
    """A smaller Signal Index: NO-GO. Measured: such runs gain next to nothing."""
    warn_signal: Share = Field(0.30, title="Signal Index")
    """A smaller Signal Index: warns."""
    min_pull: Share = Field(0.05, title="Pull at least")
    """A smaller pull towards right answers: NO-GO. From here on it outweighs what made-up answers find."""
    warn_pull: Share = Field(0.15, title="Pull")
    """A smaller pull towards right answers: warns."""


class TrainingLimits(_Limits, title="What training is paid for"):
    """The outcome against shaping, and how far training can go."""

    least_headroom: Share = Field(0.10, title="Headroom at least")
    """Headroom (pass@256 less pass@1) surely below it: little to gain; surely from it on: sharpen."""
    sharpen_mixed: Share = Field(0.30, title="Mixed groups to sharpen")
    """Sharpen also needs this share of groups whose outcome differs."""
    teach_first: Share = Field(0.50, title="Never solved")
    """At least this share of prompts is not solved in 256 responses: teach first."""


class AnchorLimits(_Limits, title="Right and worthless answers"):
    """What the grader pays for answers whose worth is known."""

    least_range: Share = Field(0.30, title="Right less worthless")
    """Right answers less worthless ones, and less wrong ones; a smaller range: NO-GO."""
    worthless_lenient: Share = Field(0.60, title="Worthless: lenient from")
    """Too little range, and worthless answers earn this much (median over their kinds): too lenient."""
    worthless_strict: Share = Field(0.30, title="Worthless: strict below")
    """Too little range, and they earn less than this: too strict."""
    worthless_z: Annotated[float, Field(ge=0.0, le=10.0)] = Field(2.45, title="Worthless: standard errors")
    """Standard errors taken off what worthless answers earn: one-sided 5 % over seven kinds (Bonferroni)."""
    least_noise: Share = Field(0.08, title="Re-grade noise")
    """Anchors: a re-grade that moves by less is no noise."""
    min_reliability: Share = Field(0.10, title="Signal at least")
    """Anchors: a smaller share of signal in the spread within prompts: NO-GO."""
    warn_reliability: Share = Field(0.50, title="Signal")
    """Anchors: a smaller share: warns."""
    warn_ceiling: Share = Field(0.70, title="References earn")
    """Reference answers that score less on average: warns."""
    warn_reformatted: Share = Field(0.30, title="Lost by another form")
    """Reference answers that lose more than this by another form: warns."""
    warn_worthless: Share = Field(0.20, title="Worthless earns")
    """One kind of worthless answer that surely earns as much: warns."""
    worthless_paid: Share = Field(0.30, title="Worthless at most")
    """One kind of worthless answer that surely earns as much, and as much as the model: NO-GO."""
    hackable_alone: Share = Field(0.50, title="One kind at most")
    """One kind that surely earns as much, while worthless answers earn little on the whole: NO-GO."""
    right_from: Share = Field(0.50, title="Right answer passes from")
    """Right answers that score less count as failing."""
    surely_right_from: Share = Field(0.85, title="Surely passes from")
    """Reference answers that score this much surely pass."""
    between_references: Share = Field(0.10, title="References between")
    """A larger share of reference answers between those two: they are not right and broken ones mixed."""
    warn_bad_references: Share = Field(0.05, title="Failing references")
    """Anchors: a larger share of failing reference answers: warns."""
    bad_references: Share = Field(0.15, title="Bad references")
    """Anchors: a larger share of reference answers that fail while the others pass: NO-GO."""
    blame_grader: Share = Field(0.60, title="Blame: grader from")
    """Anchors: at or above this share of blame the grader is the cause."""
    unpaid: Share = Field(0.10, title="Right but unpaid")
    """With a mean too low: surely more right responses that earn less than half: the grader is to blame."""
    blame_data: Share = Field(0.30, title="Blame: data up to")
    """Anchors: at or below it the prompts are; between them both, the grader first."""


class ShapeLimits(_Limits, title="Length and levels"):
    """What scores alone show of a grader."""

    warn_length: Share = Field(0.50, title="Score and length")
    """A closer rank correlation of score and length within prompts: warns."""
    length_pairs: Annotated[int, Field(ge=2)] = Field(30, title="Lengths compared")
    """Fewer responses beside others of their prompt: no correlation of score and length."""
    few_levels: Annotated[int, Field(ge=0)] = Field(5, title="Different scores")
    """This number of different scores, or fewer: warns."""
    modal_share: Share = Field(0.50, title="Commonest score")
    """More than this share of scores equal: warns."""


class PeopleLimits(_Limits, title="People"):
    """Labels that people gave."""

    min_labels: Annotated[int, Field(ge=1)] = Field(20, title="Labels")
    """People's labels enter the verdict once there are this many."""
    max_disagreement: Share = Field(0.20, title="Disagreement at most")
    """A larger share (lower bound) of labelled responses that the grader gets wrong: NO-GO."""
    false_reject: Share = Field(0.30, title="Wrongly refused below")
    """A response people call good that scores less is wrongly refused."""
    false_accept: Share = Field(0.70, title="Wrongly paid above")
    """A response people call bad that scores more is wrongly paid."""
    warn_kappa: Share = Field(0.40, title="Kappa with people")
    """A smaller Cohen's kappa of grader and people: warns."""
    warn_auc: Share = Field(0.70, title="AUC with people")
    """A smaller chance that a response people call good outscores one they call bad: warns."""


class TopicLimits(_Limits, title="Topics"):
    """When a topic is a problem, and whose."""

    topic_min_count: Annotated[int, Field(ge=1)] = Field(4, title="Scores per topic")
    """Topics with fewer scores get no status of their own."""
    topic_few_prompts: Annotated[int, Field(ge=1)] = Field(12, title="Prompts per topic")
    """Topics with fewer prompts get a status, and a note that it is rough."""
    topic_margin: Annotated[float, Field(ge=0.0, le=10.0)] = Field(1.96, title="Topic: standard errors")
    """Standard errors by which a topic must lie outside the healthy range to be a problem."""
    topic_references: Annotated[int, Field(ge=1)] = Field(3, title="Topic: references")
    """Graded reference answers of a topic from which on they say whose fault its low mean is."""
    topic_right: Annotated[float, Field(ge=0.5, le=1.0)] = Field(0.70, title="Topic: references earn")
    """A topic whose reference answers earn this much pays right answers; below 1 minus this it does not."""
    topic_confirmed: Share = Field(0.90, title="Topic: confirmed above")
    """Pooled topics: a higher chance that the mean lies outside the band confirms the problem."""
    topic_pooled_prompts: Annotated[int, Field(ge=1)] = Field(4, title="Topic: prompts to pool")
    """Pooled topics with fewer prompts have too few to be confirmed."""


GROUPS: tuple[type[Frozen], ...] = (
    TreeLimits,
    HealthyLimits,
    SampleLimits,
    GroupLimits,
    TrainingLimits,
    AnchorLimits,
    ShapeLimits,
    PeopleLimits,
    TopicLimits,
)
"""The groups of numbers, in the order in which people read them."""

RENAMED = {
    "junk_lenient": "worthless_lenient",
    "junk_strict": "worthless_strict",
    "junk_z": "worthless_z",
    "warn_junk": "warn_worthless",
    "hackable_junk": "worthless_paid",
}
"""Names in older files, and what they are called now."""

ORDERED = (("mean_low", "mean_high"), ("healthy_mean_low", "healthy_mean_high"))
"""Pairs of numbers of which the first must be below the second."""


class Thresholds(
    # The last base comes first among the fields: pydantic collects them from the far end.
    TopicLimits,
    PeopleLimits,
    ShapeLimits,
    AnchorLimits,
    TrainingLimits,
    GroupLimits,
    SampleLimits,
    HealthyLimits,
    TreeLimits,
    title="Thresholds",
):
    """Every number that decides, with its source; and which evidence is left out.

    "Design" is the design document *Dry Run Validation*; the other defaults are measured or
    chosen in this project's statistics notes and warn rather than decide, unless said otherwise.
    In ``Thresholds.model_fields`` each number's ``title`` is its short name, and its ``description`` the text
    below it here.
    """

    without: tuple[Piece, ...] = ()
    """Evidence that is left out."""

    @classmethod
    def numbers(cls) -> tuple[str, ...]:
        """Names of the numbers, group by group: all fields but `without`."""
        return tuple(name for names in cls.groups().values() for name in names)

    @classmethod
    def groups(cls) -> dict[str, tuple[str, ...]]:
        """Names of the numbers by the title of their group."""
        return {group.model_config["title"] or "": tuple(group.model_fields) for group in GROUPS}

    @classmethod
    def strict(cls, **changed: Any) -> Thresholds:
        """The design document's decision tree alone: no other evidence, and no verdict ruled out by a gate.

        `changed` are numbers to be other than the document's.
        """
        open_gates = {"min_prompts": 1, "max_missing": 1.0, "max_out_of_range": 1.0}
        return cls.model_validate({**open_gates, **changed, "without": tuple(Piece)})

    def tree_alone(self) -> Thresholds:
        """`strict`, with the numbers that were changed here."""
        return Thresholds.strict(**self.model_dump(exclude_defaults=True, exclude={"without"}))

    @property
    def document_only(self) -> bool:
        """Whether every piece of evidence is left out."""
        return set(self.without) == set(Piece)

    @model_validator(mode="before")
    @classmethod
    def _older(cls, limits: Any) -> Any:
        """Names that older files have."""
        if not isinstance(limits, dict):
            return limits
        return {RENAMED.get(name, name): value for name, value in limits.items()}

    @model_validator(mode="after")
    def _ordered(self) -> Thresholds:
        for low, high in ORDERED:
            if getattr(self, low) >= getattr(self, high):
                raise ValueError(f"{low} must be below {high}")
        return self


class ProbeLimits(AnchorLimits):
    """The numbers above, and those that only a check of the grader needs; `docs/probes.md` says why.

    "Share" is of what the row's right answer earns, unless said otherwise. Chosen on graders of known
    faults (tests/probes/zoo) so that sound ones with partial credit, tolerance or dense scores pass.
    """

    partly_from: Share = 0.05
    partly_to: Share = 0.95
    """A wrong answer that earns more than the first and less than this was paid for being partly right."""
    partial_rows: Share = 0.10
    partial_kind: Share = 0.30
    """From these shares on, of all wrong answers and of one kind of them, the grader gives partial credit."""
    whole: Share = 0.98
    """A wrong answer that earns so much lost nothing, however close it is."""
    unchanged: Share = 0.90
    """A text to edit that earns so much as it stands leaves little to learn: a warning."""
    slack: Share = 0.15
    """A grader with partial credit may pay so much more than an answer resembles the right one."""
    chance: Share = 0.05
    """Lower end of the 95 % interval of a share of rows that is put down to chance."""
    few_hits: Annotated[int, Field(ge=1)] = 3
    """Fewer grades that show a flaw may be chance: they warn."""
    many: Share = 0.20
    """From this share of the rows on a finding blocks; below it warns."""
    fair_cost: Share = 0.5
    """One of n fields wrong must cost at least this part of 1/n, over all fields."""
    refused_rows: Share = 0.10
    """From this share of rows whose right answer is refused in every form on it blocks."""
    form_refused: Share = 0.25
    """From this share of rows on a refused form of the right answer is a finding."""
    guessable: Share = 0.5
    """One answer to all rows that is surely paid in a larger share of them needs no reading of the prompt."""
    few_samples: Annotated[int, Field(ge=1)] = 8
    """Fewer real responses that read as right, or as wrong, say nothing."""
    right_refused: Share = 0.15
    """From this share of real right responses refused on it blocks."""
    least_spread: Share = 0.02
    """All grades within so little: the grader says nothing."""
    style_gain: Share = 0.10
    """Dress or length that earns so much more is a bias. Statistics notes 2f."""
    moves: Share = 0.02
    """The largest move of a repeated grade that does not block."""
    judge_moves: Share = 0.30
    """The same where a model is the judge."""
    seconds: Annotated[float, Field(gt=0.0)] = 0.5
    """The longest that a usual grade may take."""
    long_seconds: Annotated[float, Field(gt=0.0)] = 1.0
    """The longest that the grade of a long or awkward answer may take."""
    growth: Annotated[float, Field(gt=1.0)] = 8.0
    """Text of three or four times the length may take this many times as long."""
    few_rows: Annotated[int, Field(ge=1)] = 3
    """With worthless text graded on fewer rows there is no verdict."""
