"""Numbers as people read them, and the document's words for each pattern.

Which findings block a run, and what to do about each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Pattern(StrEnum):
    """The five score distributions the design document names."""

    GOOD = "good"
    MEAN_TOO_LOW = "mean_too_low"
    MEAN_TOO_HIGH = "mean_too_high"
    LOW_VARIANCE = "low_variance"
    BIMODAL = "bimodal"


PATTERN_TITLES: Mapping[Pattern, str] = MappingProxyType(
    {
        Pattern.GOOD: "Good distribution",
        Pattern.MEAN_TOO_LOW: "Mean too low",
        Pattern.MEAN_TOO_HIGH: "Mean too high",
        Pattern.LOW_VARIANCE: "Low variance",
        Pattern.BIMODAL: "Bimodal",
    }
)


class DatasetQuality(StrEnum):
    """Are the prompts learnable?"""

    GOOD = "good"
    TOO_HARD = "too_hard"
    TOO_EASY = "too_easy"
    HOMOGENEOUS = "homogeneous"
    """Neither right answers nor junk are among the responses: all about equally good."""
    POLARISED = "polarised"
    """Each prompt is always right or always wrong."""
    BAD_REFERENCES = "bad_references"
    REFUSALS = "refusals"
    UNKNOWN = "unknown"
    """Behind a broken grader, or without anchors, the prompts cannot be judged."""


class GraderQuality(StrEnum):
    """Does the evaluation function work?"""

    GOOD = "good"
    TOO_STRICT = "too_strict"
    TOO_LENIENT = "too_lenient"
    CANNOT_DIFFERENTIATE = "cannot_differentiate"
    BINARY = "binary"
    HACKABLE = "hackable"
    NOISY = "noisy"
    DISAGREES = "disagrees_with_humans"
    UNKNOWN = "unknown"


class Part(StrEnum):
    """Which of the two things under test a cause lies in."""

    DATASET = "dataset"
    GRADER = "grader"


@dataclass(frozen=True, slots=True)
class Quality:
    """One quality line: what to call it and the sentence below.

    Attributes
    ----------
    word : str
        ``"Good"``, ``"Possibly too hard"``. Where scores alone leave two explanations open, both
        lines say "possibly".
    sentence : str
    """

    word: str
    sentence: str

    @property
    def firm(self) -> Quality:
        """The same without "possibly", for where evidence has decided."""
        word = self.word.removeprefix("Possibly ")
        return Quality(word[:1].upper() + word[1:], self.sentence)


@dataclass(frozen=True, slots=True)
class Cause:
    """A likely cause, as the problem screen lists it.

    Attributes
    ----------
    part : Part
    title : str
        ``"Prompts too difficult"``.
    effect : str
        The line below it: ``"Base model can't perform these tasks"``.
    solution : str
        What the document prescribes for it.
    """

    part: Part
    title: str
    effect: str
    solution: str


class ActionKind(StrEnum):
    """What a recommendation asks for, so that a page can put a button beside it."""

    REVIEW_SAMPLES = "review_samples"
    TRY_SFT = "try_sft"
    ADJUST_GRADER = "adjust_grader"
    CHANGE_DATASET = "change_dataset"
    MEASURE_MORE = "measure_more"


@dataclass(frozen=True, slots=True)
class Action:
    """A recommended action; `topic` is set when it concerns one topic only."""

    kind: ActionKind
    sentence: str
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a pattern means: both qualities, likely causes, what to do."""

    dataset: DatasetQuality
    grader: GraderQuality
    causes: tuple[Cause, ...] = ()
    actions: tuple[Action, ...] = ()


_REVIEW = Action(ActionKind.REVIEW_SAMPLES, "Review sample outputs to determine cause")

FINDINGS: Mapping[Pattern, Finding] = MappingProxyType(
    {
        Pattern.GOOD: Finding(DatasetQuality.GOOD, GraderQuality.GOOD),
        Pattern.MEAN_TOO_LOW: Finding(
            DatasetQuality.TOO_HARD,
            GraderQuality.TOO_STRICT,
            (
                Cause(
                    Part.DATASET,
                    "Prompts too difficult",
                    "Base model can't perform these tasks",
                    "Use SFT first to bootstrap capability",
                ),
                Cause(
                    Part.GRADER,
                    "Scoring too strict",
                    "Valid outputs marked as failures",
                    "Relax grader thresholds",
                ),
            ),
            (
                _REVIEW,
                Action(ActionKind.TRY_SFT, "If dataset issue: Use SFT fine-tuning"),
                Action(ActionKind.ADJUST_GRADER, "If grader issue: Adjust grader config"),
            ),
        ),
        Pattern.MEAN_TOO_HIGH: Finding(
            DatasetQuality.TOO_EASY,
            GraderQuality.TOO_LENIENT,
            (
                Cause(
                    Part.DATASET,
                    "Tasks too easy",
                    "Model already good",
                    "RFT may not help, consider harder tasks",
                ),
                Cause(
                    Part.GRADER,
                    "Scoring too lenient",
                    "Weak outputs marked as successes",
                    "Add stricter dimensions",
                ),
            ),
            (
                _REVIEW,
                Action(
                    ActionKind.CHANGE_DATASET, "If dataset issue: RFT may not help, consider harder tasks"
                ),
                Action(ActionKind.ADJUST_GRADER, "If grader issue: Add stricter dimensions"),
            ),
        ),
        Pattern.LOW_VARIANCE: Finding(
            DatasetQuality.UNKNOWN,
            GraderQuality.CANNOT_DIFFERENTIATE,
            (
                Cause(
                    Part.GRADER,
                    "Grader doesn't differentiate good from bad",
                    "All outputs get nearly the same score",
                    "Add more discriminating dimensions",
                ),
            ),
            (Action(ActionKind.ADJUST_GRADER, "Add more discriminating dimensions"),),
        ),
        Pattern.BIMODAL: Finding(
            DatasetQuality.GOOD,
            GraderQuality.BINARY,
            (
                Cause(
                    Part.GRADER,
                    "Grader is binary (pass/fail) instead of gradient",
                    "Nearly right outputs score like wrong ones",
                    "Add partial credit dimensions",
                ),
            ),
            (Action(ActionKind.ADJUST_GRADER, "Add partial credit dimensions"),),
        ),
    }
)
"""The document's causes, solutions and recommended actions for each pattern."""

NOTHING_BROKEN = Finding(DatasetQuality.UNKNOWN, GraderQuality.UNKNOWN)

GRADER_FAILS = Finding(
    DatasetQuality.UNKNOWN,
    GraderQuality.UNKNOWN,
    (
        Cause(
            Part.GRADER,
            "Grader fails on responses",
            "Each failure counts as 0, whatever the response is worth",
            "Mend the grader and score the stored responses again",
        ),
    ),
    (Action(ActionKind.ADJUST_GRADER, "Read a sample with a grader error, and mend the grader first"),),
)
"""What comes before the pattern's own causes where the grader's failures lower the mean."""

DATASET_LINES: Mapping[DatasetQuality, Quality] = MappingProxyType(
    {
        DatasetQuality.GOOD: Quality("Good", "Base model can partially solve tasks"),
        DatasetQuality.TOO_HARD: Quality("Possibly too hard", "Base model can't perform these tasks"),
        DatasetQuality.TOO_EASY: Quality("Possibly too easy", "Model already good"),
        DatasetQuality.HOMOGENEOUS: Quality("Possibly all alike", "All responses are about equally good"),
        DatasetQuality.POLARISED: Quality("Polarised", "Each prompt is always right or always wrong"),
        DatasetQuality.BAD_REFERENCES: Quality("Bad references", "Reference answers fail their own grader"),
        DatasetQuality.REFUSALS: Quality("Refused", "The model refuses too many prompts"),
        DatasetQuality.UNKNOWN: Quality("Unknown", "The scores do not tell"),
    }
)

GRADER_LINES: Mapping[GraderQuality, Quality] = MappingProxyType(
    {
        GraderQuality.GOOD: Quality("Good", "Scores differentiate outputs well"),
        GraderQuality.TOO_STRICT: Quality("Possibly too strict", "Valid outputs marked as failures"),
        GraderQuality.TOO_LENIENT: Quality("Possibly too lenient", "Weak outputs marked as successes"),
        GraderQuality.CANNOT_DIFFERENTIATE: Quality(
            "Cannot differentiate", "Grader doesn't differentiate good from bad"
        ),
        GraderQuality.BINARY: Quality("Binary", "Grader is binary (pass/fail) instead of gradient"),
        GraderQuality.HACKABLE: Quality("Hackable", "Worthless answers earn as much as real ones"),
        GraderQuality.NOISY: Quality("Noisy", "The same response earns another score when graded again"),
        GraderQuality.DISAGREES: Quality("Disagrees with people", "People judge its responses otherwise"),
        GraderQuality.UNKNOWN: Quality("Unknown", "The scores do not tell"),
    }
)


BROKEN = {
    GraderQuality.TOO_STRICT,
    GraderQuality.TOO_LENIENT,
    GraderQuality.CANNOT_DIFFERENTIATE,
    GraderQuality.HACKABLE,
    GraderQuality.DISAGREES,
}


RE_SCORE = "Then re-score the stored responses (Adjust Grader): no call is made."
MEND_ERROR = f"Mend the grader's error first: most grades carry one, and each of them counts as 0. {RE_SCORE}"
NEXT: dict[DatasetQuality | GraderQuality, str] = {
    GraderQuality.TOO_STRICT: f"Loosen the grader until your reference answers earn the maximum. {RE_SCORE}",
    GraderQuality.TOO_LENIENT: f"Make the grader refuse wrong and empty answers. {RE_SCORE}",
    GraderQuality.CANNOT_DIFFERENTIATE: f"Make the grader tell right answers from junk. {RE_SCORE}",
    GraderQuality.HACKABLE: f"Close that hole in the grader. {RE_SCORE}",
    GraderQuality.NOISY: "Average several grades, or make the rubric concrete and the judge's temperature 0.",
    GraderQuality.DISAGREES: f"Read where people and grader differ, and mend the grader. {RE_SCORE}",
    DatasetQuality.TOO_HARD: "Use easier prompts, or teach the basics by SFT first.",
    DatasetQuality.TOO_EASY: "Use harder prompts: there is nothing left to learn.",
    DatasetQuality.HOMOGENEOUS: "Add prompts of other difficulty.",
    DatasetQuality.POLARISED: "Drop prompts that are always right or always wrong.",
    DatasetQuality.BAD_REFERENCES: "Mend the reference answers that fail, or drop their rows.",
    DatasetQuality.REFUSALS: "Reword the prompts, or use another base model.",
}
"""What to do about each finding."""
