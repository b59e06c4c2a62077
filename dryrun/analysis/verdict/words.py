"""What a verdict is made of: qualities, patterns, causes and actions, each with its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Self


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


class _Described(StrEnum):
    """A quality and all its words, so that it has one meaning wherever it stands.

    Attributes
    ----------
    line : Quality
    fault : str
        What it is called as the cause of a NO-GO; ``""`` where it is none.
    next_step : str
        What to do about it.
    """

    line: Quality
    fault: str
    next_step: str

    def __new__(cls, value: str, word: str, sentence: str, fault: str = "", next_step: str = "") -> Self:
        """Keep `value` as the stored text, the words beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.line, member.fault, member.next_step = Quality(word, sentence), fault, next_step
        return member


RE_SCORE = "Then re-score the stored responses (Adjust Grader): no call is made."


class DatasetQuality(_Described):
    """Are the prompts learnable?"""

    GOOD = ("good", "Good", "Base model can partially solve tasks")
    TOO_HARD = (
        "too_hard",
        "Possibly too hard",
        "Base model can't perform these tasks",
        "Prompts too hard",
        "Use easier prompts, or teach the basics by SFT first.",
    )
    TOO_EASY = (
        "too_easy",
        "Possibly too easy",
        "Model already good",
        "Prompts too easy",
        "Use harder prompts.",
    )
    HOMOGENEOUS = (
        "homogeneous",
        "Possibly all alike",
        "All responses are about equally good",
        "Responses all alike",
        "Add prompts of other difficulty.",
    )
    """Neither right nor worthless answers are among the responses: all about equally good."""
    POLARISED = (
        "polarised",
        "Polarised",
        "Each prompt is always right or always wrong",
        "Prompts always right or always wrong",
        "Drop prompts that are always right or always wrong.",
    )
    BAD_REFERENCES = (
        "bad_references",
        "Bad references",
        "Reference answers fail their own grader",
        "Bad reference answers",
        "Mend the reference answers that fail, or drop their rows.",
    )
    MISPLACED = (
        "misplaced_references",
        "Misplaced references",
        "Right responses are held against another row's answer",
        "The references do not belong to their prompts",
        "Join prompts and references anew, by an id and not by their place in the file. Responses from "
        "elsewhere may have changed places as well.",
    )
    REFUSALS = (
        "refusals",
        "Refused",
        "The model refuses too many prompts",
        "Prompts refused",
        "Reword the prompts, or use another base model.",
    )
    UNKNOWN = ("unknown", "Unknown", "The scores do not tell")
    """Behind a broken grader, or without anchors, the prompts cannot be judged."""


READ_OFF = (DatasetQuality.MISPLACED, DatasetQuality.REFUSALS)
"""Causes that the responses themselves show, whatever the grader is."""


class GraderQuality(_Described):
    """Does the evaluation function work?"""

    GOOD = ("good", "Good", "Scores differentiate outputs well")
    TOO_STRICT = (
        "too_strict",
        "Possibly too strict",
        "Valid outputs marked as failures",
        "Grader too strict",
        f"Loosen the grader until your reference answers earn the maximum. {RE_SCORE}",
    )
    TOO_LENIENT = (
        "too_lenient",
        "Possibly too lenient",
        "Weak outputs marked as successes",
        "Grader too lenient",
        f"Make the grader refuse wrong and empty answers. {RE_SCORE}",
    )
    CANNOT_DIFFERENTIATE = (
        "cannot_differentiate",
        "Cannot differentiate",
        "Grader doesn't differentiate good from bad",
        "Grader cannot tell good from bad",
        f"Make the grader tell right answers from worthless ones. {RE_SCORE}",
    )
    BINARY = ("binary", "Binary", "Grader is binary (pass/fail) instead of gradient")
    FAILS = (
        "fails",
        "Fails",
        "It raises an error on most responses",
        "Grader fails",
        f"Mend the grader's error first: most grades carry one, and each of them counts as 0. {RE_SCORE}",
    )
    INVERTED = (
        "inverted",
        "Inverted",
        "Wrong answers earn more than right ones",
        "Grader inverted",
        f"Turn the comparison round: a distance must be subtracted from 1. {RE_SCORE}",
    )
    HACKABLE = (
        "hackable",
        "Hackable",
        "Worthless answers earn as much as real ones",
        "Grader hackable",
        f"Close that hole in the grader. {RE_SCORE}",
    )
    NOISY = (
        "noisy",
        "Noisy",
        "The same response earns another score when graded again",
        "Grader too noisy",
        "Average several grades, or make the rubric concrete and the judge's temperature 0.",
    )
    UNLEARNS = (
        "unlearns",
        "Pays against right answers",
        "Most groups are paid for shaping that leads away from right answers",
        "Grader pays against right answers",
        f"Pay the other parts only where the outcome is right, or take them out. {RE_SCORE}",
    )
    DISAGREES = (
        "disagrees_with_humans",
        "Disagrees with people",
        "People judge its responses otherwise",
        "Grader disagrees with people",
        f"Read where people and grader differ, and mend the grader. {RE_SCORE}",
    )
    UNKNOWN = ("unknown", "Unknown", "The scores do not tell")


class BlamedPart(StrEnum):
    """The part under test, dataset or grader, that a cause lies in."""

    DATASET = "dataset"
    GRADER = "grader"


@dataclass(frozen=True, slots=True)
class Cause:
    """A likely cause, as the problem screen lists it.

    Attributes
    ----------
    part : BlamedPart
    title : str
        ``"Prompts too difficult"``.
    effect : str
        The line below it: ``"Base model can't perform these tasks"``.
    solution : str
        What the document prescribes for it.
    """

    part: BlamedPart
    title: str
    effect: str
    solution: str


def cause_name(part: str, title: str) -> str:
    """A cause with the part it lies in, which is named once: ``"Grader hackable"``, ``"Dataset: ..."``."""
    return title if title.casefold().startswith(part) else f"{part.capitalize()}: {title}"


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
class Meaning:
    """What a pattern means: both qualities, likely causes, what to do."""

    dataset: DatasetQuality
    grader: GraderQuality
    causes: tuple[Cause, ...] = ()
    actions: tuple[Action, ...] = ()


_REVIEW = Action(ActionKind.REVIEW_SAMPLES, "Review sample outputs to determine cause")
CONFIRM = Action(ActionKind.REVIEW_SAMPLES, "Review sample outputs to confirm the cause")
"""The same where the evidence names the cause."""

FINDINGS: Mapping[Pattern, Meaning] = MappingProxyType(
    {
        Pattern.GOOD: Meaning(DatasetQuality.GOOD, GraderQuality.GOOD),
        Pattern.MEAN_TOO_LOW: Meaning(
            DatasetQuality.TOO_HARD,
            GraderQuality.TOO_STRICT,
            (
                Cause(
                    BlamedPart.DATASET,
                    "Prompts too difficult",
                    DatasetQuality.TOO_HARD.line.sentence,
                    "Use SFT first to bootstrap capability",
                ),
                Cause(
                    BlamedPart.GRADER,
                    "Scoring too strict",
                    GraderQuality.TOO_STRICT.line.sentence,
                    "Relax grader thresholds",
                ),
            ),
            (
                _REVIEW,
                Action(ActionKind.TRY_SFT, "If dataset issue: Use SFT fine-tuning"),
                Action(ActionKind.ADJUST_GRADER, "If grader issue: Adjust grader config"),
            ),
        ),
        Pattern.MEAN_TOO_HIGH: Meaning(
            DatasetQuality.TOO_EASY,
            GraderQuality.TOO_LENIENT,
            (
                Cause(
                    BlamedPart.DATASET,
                    "Tasks too easy",
                    DatasetQuality.TOO_EASY.line.sentence,
                    "RFT may not help, consider harder tasks",
                ),
                Cause(
                    BlamedPart.GRADER,
                    "Scoring too lenient",
                    GraderQuality.TOO_LENIENT.line.sentence,
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
        Pattern.LOW_VARIANCE: Meaning(
            DatasetQuality.UNKNOWN,
            GraderQuality.CANNOT_DIFFERENTIATE,
            (
                Cause(
                    BlamedPart.GRADER,
                    GraderQuality.CANNOT_DIFFERENTIATE.line.sentence,
                    "All outputs get nearly the same score",
                    "Add more discriminating dimensions",
                ),
            ),
            (Action(ActionKind.ADJUST_GRADER, "Add more discriminating dimensions"),),
        ),
        Pattern.BIMODAL: Meaning(
            DatasetQuality.GOOD,
            GraderQuality.BINARY,
            (
                Cause(
                    BlamedPart.GRADER,
                    GraderQuality.BINARY.line.sentence,
                    "Nearly right outputs score like wrong ones",
                    "Add partial credit dimensions",
                ),
            ),
            (Action(ActionKind.ADJUST_GRADER, "Add partial credit dimensions"),),
        ),
    }
)
"""The document's causes, solutions and recommended actions for each pattern."""

NOTHING_BROKEN = Meaning(DatasetQuality.UNKNOWN, GraderQuality.UNKNOWN)

GRADER_FAILS = Meaning(
    DatasetQuality.UNKNOWN,
    GraderQuality.UNKNOWN,
    (
        Cause(
            BlamedPart.GRADER,
            "Grader fails on responses",
            "Each failure counts as 0, whatever the response is worth",
            "Mend the grader and score the stored responses again",
        ),
    ),
    (Action(ActionKind.ADJUST_GRADER, "Read a sample with a grader error, and mend the grader first"),),
)
"""What comes before the pattern's own causes where the grader's failures lower the mean."""

BROKEN = {
    GraderQuality.TOO_STRICT,
    GraderQuality.TOO_LENIENT,
    GraderQuality.CANNOT_DIFFERENTIATE,
    GraderQuality.FAILS,
    GraderQuality.INVERTED,
    GraderQuality.HACKABLE,
    GraderQuality.UNLEARNS,
    GraderQuality.DISAGREES,
}
"""What blocks a run by itself."""

PAYS_OTHERS = (GraderQuality.INVERTED, GraderQuality.HACKABLE, GraderQuality.FAILS, GraderQuality.TOO_LENIENT)
"""A reward of these is no sign of a right answer."""


def tells_of_model(dataset: str, grader: str) -> bool:
    """Whether scores say what the model can do: not behind a broken grader or others' references."""
    return dataset not in (DatasetQuality.UNKNOWN, DatasetQuality.MISPLACED) and grader not in PAYS_OTHERS
