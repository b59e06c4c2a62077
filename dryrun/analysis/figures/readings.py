"""What responses say, beside what they earn: right and paid, unpaid, right for another row, a refusal."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.redraw import Z95, Interval, independent_trials, wilson
from dryrun.analysis.figures.statistics import CONSTANT
from dryrun.core.arrays import Bools, Floats, Ints
from dryrun.core.text import percent

PAID = 0.5
"""A right answer that earns less is unpaid."""
LEAST = 30
"""With fewer responses that could be read, the shares say nothing."""
LEAST_EACH = 5
"""With fewer right, or fewer wrong, responses nothing shows whether scores follow right answers."""
NEARLY_ALL = 0.9
LEAST_PROMPTS = 8
"""With fewer prompts nothing shows how alike the responses to a prompt are, or that they fit other rows."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the responses that could be read, with its 95 % interval (Wilson, over prompts)."""

    value: float
    interval: Interval

    def __str__(self) -> str:
        low, high = percent(self.interval.low), percent(self.interval.high)
        return f"{percent(self.value)} ({low} to {high})"


@dataclass(frozen=True, slots=True)
class Readings:
    """Three shares that add up to 1.

    Attributes
    ----------
    right_paid, right_unpaid, not_right : Share
    read : int
        Responses whose answer is beyond doubt; others are in no share.
    as_asked_unpaid : Share or None
        Of `right_unpaid` those in the form that their prompt asks for; None where that was not kept.
    wrong_paid : float
        Share of the responses that are not right which are paid.
    """

    right_paid: Share
    right_unpaid: Share
    not_right: Share
    read: int
    as_asked_unpaid: Share | None = None
    wrong_paid: float = 0.0

    @property
    def right(self) -> float:
        """Share of right responses, paid or not."""
        return self.right_paid.value + self.right_unpaid.value


def readings(
    score: Floats, says: Floats, prompt: Ints | None = None, formed: Bools | None = None
) -> Readings | None:
    """The three shares; None with fewer than `LEAST` responses that could be read.

    None too where some are paid and a reader finds none right: tests or a query are references that nobody
    finds in a response.

    Parameters
    ----------
    score : float64 array of shape (n,)
        On 0..1; NaN where there is none.
    says : float64 array of shape (n,)
        1 for a response that is right, 0 for one that is not, NaN where a reader could doubt it.
    prompt : int64 array of shape (n,), optional
        Which prompt each answers: responses to one are alike. None: runs that did not keep it.
    formed : bool array of shape (n,), optional
        Which are right in the form that the prompt asks for.
    """
    known = np.isfinite(says) & np.isfinite(score)
    total = int(known.sum())
    if total < LEAST:
        return None
    right, paid = says[known] == 1.0, score[known] >= PAID
    if paid.any() and not right.any():
        return None

    def share(hits: Bools) -> Share:
        value = float(hits.mean())
        trials = total if prompt is None else independent_trials(hits, prompt[known])
        return Share(value, Interval(*wilson(value, trials)))

    return Readings(
        right_paid=share(right & paid),
        right_unpaid=share(right & ~paid),
        not_right=share(~right),
        read=total,
        as_asked_unpaid=None if formed is None else share(right & ~paid & formed[known]),
        wrong_paid=float((~right & paid).sum() / max((~right).sum(), 1)),
    )


@dataclass(frozen=True, slots=True)
class RightSpread:
    """How much the responses to one prompt differ in being right.

    Attributes
    ----------
    value : float
        Standard deviation within prompts, on 0..0.71: 0.5 where each is right as often as not.
    interval : Interval
        95 %, Wilson's of the chance that of two responses to a prompt one is right: twice the variance.
    """

    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Follows:
    """Whether scores follow right answers among real responses.

    Attributes
    ----------
    value : float
        Correlation of the score with being right, on -1..1.
    interval : Interval
        95 % by Fisher's z, whose error is that of leaving out one prompt after the other.
    spread : RightSpread or None
        None where prompts were not kept, or too few have two responses that were read.
    """

    value: float
    interval: Interval
    spread: RightSpread | None = None


def follows(score: Floats, says: Floats, prompt: Ints | None = None) -> Follows | None:
    """The correlation; None with too few right or wrong responses or prompts, or one score for all.

    Parameters
    ----------
    score, says, prompt : arrays of shape (n,)
        As for `readings`. Without `prompt` half of the responses are counted, since they are alike.
    """
    known = np.isfinite(says) & np.isfinite(score)
    score, right = score[known], says[known] == 1.0
    few = min(int(right.sum()), int((~right).sum())) < LEAST_EACH
    if right.size < LEAST or few or float(np.ptp(score)) <= CONSTANT:
        return None
    value = float(np.corrcoef(score, right)[0, 1])
    error, spread = 1 / math.sqrt(right.size / 2 - 3), None
    if prompt is not None:
        _, index = np.unique(prompt[known], return_inverse=True)
        if index.max() + 1 < LEAST_PROMPTS:
            return None
        error = max(_error_over_prompts(score, right, index), 1 / math.sqrt(right.size - 3))
        spread = _spread_within(right, index)
    z, half = float(_fisher(value)), Z95 * error
    return Follows(value, Interval(math.tanh(z - half), math.tanh(z + half)), spread)


def _fisher(correlation: Floats | float) -> Floats:
    """Fisher's z, which has no end at a correlation of 1."""
    z: Floats = np.arctanh(np.clip(correlation, -0.999, 0.999))
    return z


def _spread_within(right: Bools, index: Ints) -> RightSpread | None:
    """Of the pooled variance of being right within prompts (n - 1 in each denominator)."""
    count, hits = np.bincount(index), np.bincount(index, right)
    several = count >= 2
    if several.sum() < LEAST_PROMPTS:
        return None
    count, hits = count[several], hits[several]
    trials = int((count - 1).sum())
    one_of_two = 2 * float((hits - hits**2 / count).sum()) / trials
    low, high = wilson(min(one_of_two, 1.0), trials)
    return RightSpread(math.sqrt(one_of_two / 2), Interval(math.sqrt(low / 2), math.sqrt(high / 2)))


def _error_over_prompts(score: Floats, right: Bools, index: Ints) -> float:
    """Standard error of Fisher's z by the jackknife over prompts (Efron and Tibshirani 1993, chapter 11)."""
    x, y = score - score.mean(), right - right.mean()
    sums = [np.bincount(index, part) for part in (np.ones_like(x), x, y, x * x, y * y, x * y)]
    n, sx, sy, xx, yy, xy = (each.sum() - each for each in sums)
    spread = np.sqrt(np.maximum((xx - sx * sx / n) * (yy - sy * sy / n), 0.0))
    z = _fisher(np.where(spread > CONSTANT, (xy - sx * sy / n) / np.maximum(spread, CONSTANT), 0.0))
    return float(np.sqrt((z.size - 1) * ((z - z.mean()) ** 2).mean()))


Z_ELSEWHERE = 2.58
"""Standard errors by which responses must fit other rows more often than chance (99 %, two-sided)."""
LEAST_DISTINCT = 20
"""With fewer different references nothing is said of responses that fit another row."""
TIMES_CHANCE, AGREEING = 2.0, 0.8


@dataclass(frozen=True, slots=True)
class Misplaced:
    """Prompts whose responses are right by another row's reference answer.

    Attributes
    ----------
    prompts : int
        Prompts that could be read: with a reference of their own and a response that gives an answer.
    own : int
        Those with a response that is right by their own reference.
    elsewhere : int
        Those with none, and with one that is right by another row's reference. References that stand in
        the prompt do not count.
    claimed : int
        Different references among those.
    distinct : int
        Different references of all rows.
    chance : float
        How often an answer to another prompt of this kind would be one of the references by chance.
    numeric : bool
        Whether most references are numbers. Names may come from a closed list.
    agreeing : float
        Share of these responses that give the answer of the same other row as most to their prompt. Where
        it is small each response belongs elsewhere, not the reference.
    pairs : tuple of (int, int)
        Dataset rows (from 1): the prompt's, and the one whose reference its response gives.
    """

    prompts: int
    own: int
    elsewhere: int
    claimed: int
    distinct: int
    chance: float
    numeric: bool
    agreeing: float = 1.0
    pairs: tuple[tuple[int, int], ...] = ()

    @property
    def share(self) -> float:
        """Share of the prompts whose responses fit another row."""
        return self.elsewhere / self.prompts if self.prompts else 0.0

    @property
    def surely(self) -> bool:
        """Whether responses fit other rows far more often than chance.

        Wrong guesses from a closed list hit other rows' references too, but they hit some of them
        several times (the occupancy problem); answers to rows that changed places hit each of them once.
        """
        if self.elsewhere < LEAST_PROMPTS or self.distinct < LEAST_DISTINCT or self.agreeing < AGREEING:
            return False
        low, _ = wilson(self.share, self.prompts, Z_ELSEWHERE)
        return low > TIMES_CHANCE * self.chance and (self.numeric or self._one_to_one)

    @property
    def _one_to_one(self) -> bool:
        """Whether more different references are hit than guesses among them would hit."""
        names, guesses = self.distinct, self.elsewhere
        missed, both = (1 - 1 / names) ** guesses, (1 - 2 / names) ** guesses
        spread = math.sqrt(max(names * missed + names * (names - 1) * both - (names * missed) ** 2, 0.0))
        return self.claimed > names * (1 - missed) + Z_ELSEWHERE * spread

    @property
    def mostly(self) -> bool:
        """Whether they fit other rows surely, and more often than their own."""
        return self.surely and self.elsewhere > self.own

    @property
    def step(self) -> int | None:
        """By how many rows the references are displaced, where that is nearly always the same."""
        steps = [other - row for row, other in self.pairs]
        if not steps:
            return None
        usual = max(set(steps), key=steps.count)
        return usual if steps.count(usual) >= 0.8 * len(steps) and len(steps) >= LEAST_PROMPTS else None


SHOWN_ROWS = 8


@dataclass(frozen=True, slots=True)
class Refusals:
    """Responses that refuse and are not paid for it; where refusing is right, the grader pays it.

    Attributes
    ----------
    share : Share
        Of the responses that were read.
    count, read : int
    rows : tuple of int
        Dataset rows (from 1) of some of them.
    rest : float or None
        Mean score of the others, on 0..1; None where there is no other.
    """

    share: Share
    count: int
    read: int
    rows: tuple[int, ...]
    rest: float | None

    @property
    def where(self) -> str:
        """The rows in words: ``"rows 3, 7, ..."``."""
        more = ", ..." if self.count > len(self.rows) else ""
        return f"rows {', '.join(map(str, self.rows))}{more}"


def refusals(score: Floats, refusing: Bools, prompt: Ints, row: Ints) -> Refusals | None:
    """Count them; None with fewer than `LEAST` responses.

    Parameters
    ----------
    score : float64 array of shape (n,)
        On 0..1.
    refusing : bool array of shape (n,)
    prompt, row : int64 array of shape (n,)
        The prompt of each, and its dataset row (from 1).
    """
    if score.size < LEAST:
        return None
    hits = refusing & (score < PAID)
    value = float(hits.mean())
    interval = Interval(*wilson(value, independent_trials(hits, prompt)))
    rest = score[~hits & np.isfinite(score)]
    return Refusals(
        share=Share(value, interval),
        count=int(hits.sum()),
        read=int(score.size),
        rows=tuple(np.unique(row[hits])[:SHOWN_ROWS].tolist()),
        rest=float(rest.mean()) if rest.size else None,
    )


@dataclass(frozen=True, slots=True)
class Repeated:
    """One text that nearly all responses are, whatever the prompt; or a server's error that some are.

    Attributes
    ----------
    text : str
        Untrusted: never Markdown or HTML.
    share : float
        Of the responses that were read.
    prompts : int
        Different prompts that were answered so.
    """

    text: str
    share: float
    prompts: int

    @property
    def nearly_all(self) -> bool:
        """Whether it explains the whole run."""
        return self.share >= NEARLY_ALL
