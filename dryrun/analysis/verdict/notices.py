"""A reason or a warning: a code for machines and one plain sentence, with its number, for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    MISPLACED = "misplaced_references"
    AROUND_ANSWERS = "around_answers"
    UNREAD_CALLS = "unread_calls"
    REASONING_ALONE = "reasoning_alone"
    REPEATED = "repeated_text"
    FILTERED = "filtered"
    RIGHT_UNPAID = "right_unpaid"
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
