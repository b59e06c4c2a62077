"""How many responses to a prompt training should draw, and how long they may be: what more of it adds."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.groups import groups
from dryrun.analysis.figures.redraw import Interval
from dryrun.core.arrays import Bools, Floats, Ints
from dryrun.core.text import plural

SIZES = (2, 4, 8, 16, 32, 64)
LEAST = 4
"""The smallest size that is proposed: an advantage among two responses is noise."""
WORTH = 0.05
"""Doubling the group is worth it where this share of the groups begins to teach."""
FAR = 4
"""A size above this number of times the responses that a prompt has is never proposed: what it would add is a
guess."""


@dataclass(frozen=True, slots=True)
class GroupSize:
    """What groups of one size would be.

    Attributes
    ----------
    size : int
    usable : float
        Share of the groups whose rewards differ.
    interval : Interval
    responses : float or None
        Responses drawn for one group that teaches; None where none does.
    measured : float or None
        Responses that a prompt has, on average; None where the sizes follow from shrunk pass rates.
    """

    size: int
    usable: float
    interval: Interval
    responses: float | None
    measured: float | None

    @property
    def far(self) -> bool:
        """Whether so few responses were seen that the size is no proposal."""
        return self.measured is not None and self.size > FAR * self.measured


def possible_group_sizes(score: Floats, prompt: Ints) -> tuple[GroupSize, ...]:
    """Groups of each of `SIZES`; empty where no two prompts have two scores.

    Parameters
    ----------
    score : float64 array of shape (n,)
        On 0..1; NaN is left out.
    prompt : int64 array of shape (n,)
    """
    sizes = []
    for size in SIZES:
        measured = groups(score, prompt, size)
        if measured is None:
            return ()
        responses = size / measured.usable if measured.usable > 0 else None
        sizes.append(GroupSize(size, measured.usable, measured.usable_interval, responses, measured.rollouts))
    return tuple(sizes)


def sizes_by_rates(rate: Floats, learnability: Floats) -> tuple[GroupSize, ...]:
    """Groups of each of `SIZES` for prompts whose shrunk pass rates are known; empty without a prompt.

    Parameters
    ----------
    rate, learnability : float64 array of shape (prompts,)
        Posterior means of p and of p(1-p), as a profile has them. Rows that were chosen by them need no
        correction, which raw counts of the same responses would.

    Notes
    -----
    A posterior is taken as the beta distribution of the same mean and variance.
    """
    if not rate.size:
        return ()
    variance = np.maximum(rate - learnability - rate**2, 1e-9)
    strength = np.maximum(rate * (1 - rate) / variance - 1, 1e-9)
    sizes = []
    for size in SIZES:
        steps = np.arange(size)
        equal = sum(
            np.prod((share * strength + steps[:, None]) / (strength + steps[:, None]), axis=0)
            for share in (rate, 1 - rate)
        )
        mixed = 1 - equal
        usable, error = float(mixed.mean()), 1.96 * float(mixed.std()) / np.sqrt(len(mixed))
        around = Interval(max(usable - error, 0.0), min(usable + error, 1.0))
        sizes.append(GroupSize(size, usable, around, size / usable if usable > 0 else None, None))
    return tuple(sizes)


def proposed(sizes: tuple[GroupSize, ...]) -> GroupSize | None:
    """The smallest size from `LEAST` on that doubling improves by less than `WORTH`; none that is far."""
    enough = [size for size in sizes if size.size == LEAST or (size.size > LEAST and not size.far)]
    for size, doubled in itertools.pairwise(enough):
        if doubled.usable - size.usable < WORTH:
            return size
    return enough[-1] if enough else None


def proposal_words(sizes: tuple[GroupSize, ...]) -> str:
    """The proposal with its reason, in one sentence; ``""`` where nothing is proposed."""
    best = proposed(sizes)
    if best is None:
        return ""
    larger = next((size for size in sizes if size.size > best.size), None)
    words = f"{best.size} responses to a prompt"
    if larger is not None and larger.usable - best.usable < WORTH:
        return f"{words}: doubling that would add less than 5 of 100 groups that teach."
    if larger is None or best.measured is None:
        return f"{words}, the largest group looked at."
    seen = plural(round(best.measured), "response")
    return f"{words}: what more would add is not known from {seen} to each."


CUT_SHARE = 0.02
"""Share of responses that a proposed limit may cut."""
ROUNDING = 1e-9
STEP = 64
"""A proposed limit is a multiple of this number of tokens."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """The distribution of the lengths.

    Attributes
    ----------
    at : float64 array of shape (n,)
        Lengths at which a response ended by itself, in tokens, increasing.
    beyond : float64 array of shape (n,)
        Share of responses that are longer than each.
    longest : float
        The longest that was seen, cut or not; nothing is known beyond.
    responses, cut : int
    """

    at: Floats
    beyond: Floats
    longest: float
    responses: int
    cut: int

    def longer_than(self, limit: float) -> float | None:
        """Share of responses longer than `limit` tokens; None where it is not known."""
        if limit > self.longest or (limit == self.longest and self.beyond.size and self.beyond[-1] > 0):
            return 0.0 if self.beyond.size and self.beyond[-1] == 0 else None
        place = int(np.searchsorted(self.at, limit, side="right"))
        return 1.0 if place == 0 else float(self.beyond[place - 1])

    def mean(self, limit: float) -> float | None:
        """Mean number of tokens where responses are cut at `limit`; None where it is not known.

        The area under the share that is longer, from 0 to the limit.
        """
        whole = bool(self.beyond.size) and self.beyond[-1] == 0
        if limit > self.longest and not whole:
            return None
        edges = np.concatenate([[0.0], self.at[self.at < limit], [min(limit, self.longest)]])
        heights = np.concatenate([[1.0], self.beyond[self.at < limit]])
        return float(np.sum(np.diff(edges) * heights))

    def proposal(self, share: float = CUT_SHARE) -> int | None:
        """The least limit, a multiple of `STEP`, that cuts at most `share`; None where it is not known."""
        enough = np.flatnonzero(self.beyond <= share + ROUNDING)
        if not enough.size:
            return None
        return int(np.ceil(self.at[enough[0]] / STEP) * STEP)


def lengths_of(tokens: Floats, cut: Bools) -> Lengths | None:
    """Estimate it; None without a response.

    Parameters
    ----------
    tokens : float64 array of shape (n,)
        Length of each response; NaN is left out.
    cut : bool array of shape (n,)
        Whether it was cut at that length.

    References
    ----------
    Kaplan and Meier (1958), Nonparametric estimation from incomplete observations.
    """
    known = np.isfinite(tokens)
    tokens, cut = tokens[known], cut[known]
    if not tokens.size:
        return None
    at, place = np.unique(tokens, return_inverse=True)
    ended = np.bincount(place, ~cut, at.size)
    # At risk of ending at a length: all that are at least as long. A response cut there is among them.
    risk = tokens.size - np.searchsorted(np.sort(tokens), at, side="left")
    beyond: Floats = np.cumprod(1 - ended / risk).astype(np.float64)
    some = ended > 0
    return Lengths(at[some], beyond[some], float(tokens.max()), int(tokens.size), int(cut.sum()))
