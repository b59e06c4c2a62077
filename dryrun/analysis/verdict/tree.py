"""The design document's decision tree and healthy ranges, and the codes of what stands beside its verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from dryrun.analysis.figures.statistics import Statistics, above, below
from dryrun.core.thresholds import Thresholds


class Branch(StrEnum):
    """Where the decision tree ends."""

    MEAN_TOO_LOW = "mean_too_low"
    MEAN_TOO_HIGH = "mean_too_high"
    LOW_VARIANCE = "low_variance"
    PROCEED = "proceed"


def decide(mean: float, std: float, thresholds: Thresholds) -> Branch:
    """The decision tree, in the document's order: mean too low, mean too high, spread too small.

    Parameters
    ----------
    mean, std : float
        Finite; of pooled valid scores on 0..1, std with ddof = 1. Not the rounded figures on the screen.
    thresholds : Thresholds

    Raises
    ------
    ValueError
        `mean` or `std` is not finite. Every comparison with NaN is false, so the tree would say GO.
    """
    if not (math.isfinite(mean) and math.isfinite(std)):
        raise ValueError("the decision tree needs a finite mean and a finite std")
    if below(mean, thresholds.mean_low):
        return Branch.MEAN_TOO_LOW
    if above(mean, thresholds.mean_high):
        return Branch.MEAN_TOO_HIGH
    if below(std, thresholds.std_low):
        return Branch.LOW_VARIANCE
    return Branch.PROCEED


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table of key metrics.

    Attributes
    ----------
    metric : str
        ``"Mean"``, ``"Std"``, ``"Min"``, ``"Max"``.
    value : float or None
    range : str
        The healthy range as text, e.g. ``"0.20 - 0.80"``.
    ok : bool or None
        Whether the value is inside; None if there is no value.
    meaning : str
        What the metric tells.
    note : bool
        The row informs and never warns. True for min and max: nearly every sound grader gives some
        response a 0 or a 1, the document's own GO report included.
    """

    metric: str
    value: float | None
    range: str
    ok: bool | None
    meaning: str
    note: bool = False


def healthy_checks(statistics: Statistics, thresholds: Thresholds) -> tuple[Check, ...]:
    """The document's key metrics beside their healthy ranges, in its order."""
    low, high, spread = thresholds.healthy_mean_low, thresholds.healthy_mean_high, thresholds.healthy_std
    mean, std, least, most = statistics.mean, statistics.std, statistics.min, statistics.max
    return (
        Check(
            "Mean",
            mean,
            f"{low:.2f} - {high:.2f}",
            None if mean is None else not (below(mean, low) or above(mean, high)),
            "Average performance",
        ),
        Check(
            "Std",
            std,
            f"> {spread:.2f}",
            None if std is None else above(std, spread),
            "Grader differentiates outputs",
        ),
        Check(
            "Min",
            least,
            "> 0.0",
            None if least is None else least > 0.0,
            _least_means(least, most),
            note=True,
        ),
        Check("Max", most, "< 1.0", None if most is None else most < 1.0, _most_means(most), note=True),
    )


def _least_means(least: float | None, most: float | None) -> str:
    """The document's words where they are true: zeros alone solve nothing."""
    if least is None or least > 0.0:
        return "Some tasks are solvable"
    return "Some responses earn nothing" if most else "No response earns anything"


def _most_means(most: float | None) -> str:
    if most is None or 0.0 < most < 1.0:
        return "Room for improvement"
    return "Some responses earn the maximum" if most else "No response earns anything"


class NoticeCode(StrEnum):
    """What a notice is about."""

    MEAN_TOO_LOW = "mean_too_low"
    MEAN_TOO_HIGH = "mean_too_high"
    LOW_VARIANCE = "low_variance"
    PROCEED = "proceed"
    TOO_FEW_PROMPTS = "too_few_prompts"
    TOO_MANY_MISSING = "too_many_missing"
    GRADER_SCALE = "grader_scale"
    NO_SPREAD = "no_spread"
    MEAN_BELOW_HEALTHY = "mean_below_healthy"
    MEAN_ABOVE_HEALTHY = "mean_above_healthy"
    STD_BELOW_HEALTHY = "std_below_healthy"
    BIMODAL = "bimodal"
    BINARY = "binary"
    FLOOR = "floor"
    CEILING = "ceiling"
    MISSING = "missing"
    OUT_OF_RANGE = "out_of_range"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    REFUSED = "refused"
    REFUSING = "refusing"
    MANY_REFUSING = "many_refusing"
    GRADER_ERRORS = "grader_errors"
    GRADER_UNSTABLE = "grader_unstable"
    GRADER_TRUTHS = "grader_truths"
    FEW_PROMPTS = "few_prompts"
    SEVERAL_MODELS = "several_models"
    ANOTHER_MODEL = "another_model"
    MISPLACED = "misplaced_references"
    AROUND_ANSWERS = "around_answers"
    UNREAD_CALLS = "unread_calls"
    REASONING_ALONE = "reasoning_alone"
    MISREAD = "misread_field"
    UNNAMED = "unnamed_labels"
    CONTRADICTED = "contradictory_rows"
    UNREFERENCED = "rows_without_reference"
    COPIED = "copied_prompts"
    REPEATED = "repeated_text"
    FILTERED = "filtered"
    RIGHT_UNPAID = "right_unpaid"
    NO_MORE_THAN_GUESSED = "no_more_than_guessed"
    DUPLICATES = "duplicates"
    TOPIC_PROBLEM = "topic_problem"
    FEW_USABLE = "few_usable"
    MOSTLY_SHAPING = "mostly_shaping"
    WEAK_SIGNAL = "weak_signal"
    LOW_CEILING = "low_ceiling"
    BRITTLE = "brittle"
    WORTHLESS_PAID = "worthless_paid"
    ANYTHING_PAID = "anything_paid"
    FORM_PAID = "form_paid"
    FORM_PAYS_MOST = "form_pays_most"
    HEDGED_PAID = "hedged_paid"
    PARTS_UNREAD = "parts_unread"
    OUTWEIGHED = "outweighed"
    FAILING_REFERENCES = "failing_references"
    NOISY_GRADER = "noisy_grader"
    LENGTH_BIAS = "length_bias"
    FEW_LEVELS = "few_levels"
    MODAL = "modal"


@dataclass(frozen=True, slots=True)
class Notice:
    """A reason for the verdict, or a warning beside it.

    Attributes
    ----------
    code : NoticeCode
    sentence : str
        One sentence that carries its number.
    value : float or None
        The number, unrounded.
    limit : float or None
        What it was compared with.
    topic : str or None
        The topic it concerns, if it concerns one.
    """

    code: NoticeCode
    sentence: str
    value: float | None = None
    limit: float | None = None
    topic: str | None = None
