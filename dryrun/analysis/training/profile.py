"""The profile of a dataset: how often the model is right on each prompt, and the prompt's use in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import IntFlag, StrEnum

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.training.pass_rates import PassRates, pass_rates
from dryrun.core.arrays import Bools, Floats, Ints
from dryrun.core.thresholds import Thresholds

SURE = 0.80
"""Chance from which on a class counts as decided."""
MOST_BROKEN = 0.50
"""Where more of the references than this are refused, the form is to blame, not each reference."""


class OutcomeClass(StrEnum):
    """A prompt's use in group-relative training."""

    NEVER = "never"
    """Hardly ever right: no group to learn from. Teach it first, or leave it out."""
    LEARNABLE = "learnable"
    """Right at times."""
    ALWAYS = "always"
    """Hardly ever wrong: nothing left to learn."""
    SHAPING = "only shaping"
    """The outcome hardly ever differs, other parts of the reward do."""
    NOISY = "noisy"
    """The grader gave one response two different outcomes."""
    BROKEN = "broken reference"
    """The grader refuses the reference answer, or rows with the same prompt contradict each other."""
    UNKNOWN = "not measured"
    """No response with a score."""


CLASSES = tuple(OutcomeClass)


class RowFlag(IntFlag):
    """What else is known of a row."""

    REPEATED = 1
    """An earlier row has the same prompt and the same answer."""
    NEAR_DUPLICATE = 2
    """An earlier row nearly has."""
    CONTRADICTION = 4
    """A row with the same prompt has another answer."""
    ANSWER_IN_PROMPT = 8
    """The reference answer stands in the prompt, in more rows than chance explains."""
    RIGHT_UNPAID = 16
    """A response that a careful reader finds right goes unpaid."""
    CUT_OFF = 32
    """A response met the token limit."""
    REFUSED = 64
    """The model refused, or a filter withheld the response."""
    NO_SCORE = 128
    """A call or a grade failed."""
    UNSTABLE = 256
    """A second grading of the same response came out otherwise."""


FLAG_NAMES = {flag.value: (flag.name or "").lower() for flag in RowFlag}


@dataclass(frozen=True, slots=True)
class PromptCounts:
    """What was counted for each prompt; arrays of shape ``(prompts,)``.

    Attributes
    ----------
    key : bytes array (S32)
        Fingerprint of the row; equal rows have equal keys.
    row : int64 array
        Position in the dataset, from 0.
    topic : int64 array
        Position in `topics`.
    right, tried : int64 array
        Right responses, and all that the model ended by itself and that have a score.
    total, square : float64 array
        Sum of the scores of these on 0..1, and of their squares.
    differs : bool array
        Whether these scores differ.
    prompt_tokens, completion_tokens : float64 array
        Averages; NaN where the endpoint counts none.
    reference : float64 array
        What the grader pays for the reference answer on 0..1; NaN where not graded.
    alike : int64 array
        Equal for rows whose prompts are the same or nearly: the smallest position among them.
    flags : int64 array
        `RowFlag` bits.
    topics : tuple of str
    """

    key: NDArray[np.bytes_]
    row: Ints
    topic: Ints
    right: Ints
    tried: Ints
    total: Floats
    square: Floats
    differs: Bools
    prompt_tokens: Floats
    completion_tokens: Floats
    reference: Floats
    alike: Ints
    flags: Ints
    topics: tuple[str, ...]

    def at(self, places: NDArray[np.intp] | Ints | Bools) -> PromptCounts:
        """The counts at these places, or where a mask is true."""
        taken = {
            column.name: getattr(self, column.name)[places]
            for column in fields(self)
            if column.name != "topics"
        }
        return replace(self, **taken)


def joined_counts(parts: Sequence[PromptCounts]) -> PromptCounts:
    """Counts of several parts of a dataset, one behind the other."""
    topics = tuple(dict.fromkeys(name for part in parts for name in part.topics))
    number = {name: place for place, name in enumerate(topics)}
    codes = [np.array([number[name] for name in part.topics], np.int64)[part.topic] for part in parts]
    taken = {
        column.name: np.concatenate([getattr(part, column.name) for part in parts])
        for column in fields(PromptCounts)
        if column.name not in ("topics", "topic")
    }
    return PromptCounts(**taken, topic=np.concatenate(codes), topics=topics)


@dataclass(frozen=True, slots=True)
class DatasetProfile:
    """A dataset, prompt by prompt; arrays of shape ``(prompts,)``.

    Attributes
    ----------
    counts : PromptCounts
    rates : PassRates
        After shrinkage.
    kind : int64 array
        Position in `CLASSES`.
    sure : float64 array
        Posterior chance of that class; NaN where it follows from evidence other than counts.
    """

    counts: PromptCounts
    rates: PassRates
    kind: Ints
    sure: Floats

    def __len__(self) -> int:
        return len(self.kind)

    def at(self, places: Ints) -> DatasetProfile:
        """The rows at these places."""
        return DatasetProfile(
            self.counts.at(places), self.rates.at(places), self.kind[places], self.sure[places]
        )

    @property
    def mean(self) -> Floats:
        """Mean score on 0..1; NaN without one."""
        return _ratio(self.counts.total, self.counts.tried)

    @property
    def spread(self) -> Floats:
        """Standard deviation of a prompt's scores (ddof = 1); NaN with fewer than two."""
        counts, tried = self.counts, self.counts.tried
        square = counts.square - _ratio(counts.total * counts.total, tried)
        return np.sqrt(np.maximum(_ratio(square, tried - 1), 0.0))

    @property
    def undecided(self) -> Bools:
        """Prompts whose class more responses could change; those without a score are among them."""
        counted = np.isin(self.kind, [CLASSES.index(outcome) for outcome in COUNTED])
        return counted & ~(self.sure >= SURE)

    def of(self, *kinds: OutcomeClass) -> Bools:
        """Which prompts are of these classes."""
        return np.isin(self.kind, [CLASSES.index(outcome) for outcome in kinds])

    def sizes(self) -> dict[OutcomeClass, int]:
        """Prompts of each class."""
        often = np.bincount(self.kind, minlength=len(CLASSES)).tolist()
        return dict(zip(CLASSES, often, strict=True))


COUNTED = (
    *(OutcomeClass.NEVER, OutcomeClass.LEARNABLE, OutcomeClass.ALWAYS),
    *(OutcomeClass.SHAPING, OutcomeClass.UNKNOWN),
)
"""Classes that follow from counts alone."""


def profile_of(counts: PromptCounts, group: int = 8) -> DatasetProfile:
    """Shrink the pass rates and name each prompt's class.

    Parameters
    ----------
    counts : PromptCounts
    group : int
        Responses to a prompt in training, 2 or more.
    """
    rates = pass_rates(counts.right, counts.tried, counts.topic, group)
    chances = np.column_stack([rates.never, 1 - rates.never - rates.always, rates.always])
    kind = chances.argmax(axis=1)  # CLASSES begins with never, learnable, always
    sure = chances[np.arange(len(kind)), kind] if len(kind) else np.zeros(0)
    equal = (kind != CLASSES.index(OutcomeClass.LEARNABLE)) & counts.differs
    kind[equal] = CLASSES.index(OutcomeClass.SHAPING)
    untried, noisy, broken = counts.tried == 0, _flagged(counts, RowFlag.UNSTABLE), broken_references(counts)
    for where, name in (
        (untried, OutcomeClass.UNKNOWN),
        (noisy, OutcomeClass.NOISY),
        (broken, OutcomeClass.BROKEN),
    ):
        kind[where] = CLASSES.index(name)
        sure = np.where(where, np.nan, sure)
    return DatasetProfile(counts, rates, kind.astype(np.int64), sure)


def broken_references(counts: PromptCounts) -> Bools:
    """Rows whose reference answer cannot be right as it stands.

    The grader refuses it though it takes most others in the same form, and no response to the prompt was
    right; or a row with the same prompt has another answer.
    """
    graded = np.isfinite(counts.reference)
    refused = graded & (counts.reference < Thresholds().right_from)
    trusted = graded.any() and refused.sum() <= MOST_BROKEN * graded.sum()
    contradicts = _flagged(counts, RowFlag.CONTRADICTION)
    return contradicts | (refused & (counts.right == 0)) if trusted else contradicts


def flag_words(flags: int) -> list[str]:
    """The names of the flags that are set."""
    return [name for value, name in FLAG_NAMES.items() if flags & value]


def _flagged(counts: PromptCounts, flag: RowFlag) -> Bools:
    set_: Bools = (counts.flags & flag.value) != 0
    return set_


def _ratio(above: Floats, below: Ints) -> Floats:
    shares: Floats = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return shares
