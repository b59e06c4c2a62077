"""Which samples a person should read.

Which responses a person should label next: few labels that tell much about the grader.

From the inspector's filters to the rollouts to show. Numbers in, positions out; no screen.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from dryrun.analysis.figures.statistics import (
    BIN_EDGES,
    DIGITS,
    HISTOGRAM_EDGES,
    bin_index,
    is_valid,
    mean,
    valid_scores,
)
from dryrun.analysis.observations import Observations
from dryrun.core.arrays import Bools, Floats, Ints

Rows = Ints
"""Positions in the observations."""

GROUP_SIZE = 5
"""Samples in each group, by the design document."""

EDGE_SCORE = 0.5
"""Where the design document looks for the grader's boundary."""


def review_groups(observations: Observations) -> dict[Show, tuple[int, ...]]:
    """The four groups of the design document, in its order: rows, the most telling first.

    Of each at most `GROUP_SIZE`, fewer if there are fewer scores.
    """
    centre = mean(np.sort(valid_scores(observations.score))) or 0.0
    score = observations.score
    keys = {
        Show.HIGHEST: -score,
        Show.LOWEST: score,
        Show.AROUND_MEAN: np.abs(score - centre),
        Show.EDGE_CASES: np.abs(score - EDGE_SCORE),
    }
    return {show: tuple(_first(observations, key).tolist()) for show, key in keys.items()}


def without_score(observations: Observations) -> Rows:
    """Rows with no usable score: not graded, or off the grader's declared scale."""
    return np.flatnonzero(~is_valid(observations.score)).astype(np.int64)


def _scored(observations: Observations) -> Rows:
    return np.flatnonzero(is_valid(observations.score)).astype(np.int64)


def _first(observations: Observations, key: Floats) -> Rows:
    """The rows with the smallest keys. Among equal keys, prompts that have fewest rows so far come first:
    five rollouts of one prompt teach less than five prompts."""
    rows = _scored(observations)
    keys, prompts = np.round(key[rows], DIGITS), observations.prompt[rows]
    turn = _turns(keys, prompts)
    order = np.lexsort((rows, prompts, turn, keys))
    return rows[order[:GROUP_SIZE]]


def _turns(keys: Floats, prompts: Ints) -> Ints:
    """How many rows of the same prompt come before each row when rows are sorted by key."""
    order = np.lexsort((keys, prompts))
    _, start, sizes = np.unique(prompts[order], return_index=True, return_counts=True)
    turn = np.empty(keys.size, dtype=np.int64)
    turn[order] = np.arange(keys.size) - np.repeat(start, sizes)
    return turn


SIZE = 20
"""The number of responses to label: enough for labels to enter the verdict."""
TURNS = (4, 0, 2, 4, 0, 1, 4, 0, 3)
"""The report's bins in turn. False accepts show among high scores and false rejects among low ones, so
these come most often; the middle is where the grader draws its line."""

LOOKED_AT = 1000
"""Rows looked at in each bin, in random order: enough to find another topic and prompt."""


def label_queue(
    observations: Observations,
    own: Set[int] = frozenset(),
    others: Set[int] = frozenset(),
    size: int = SIZE,
    seed: int = 0,
) -> list[int]:
    """Rows to label, in order: high scores, low ones and the boundary in turn, across topics and prompts.

    Within a bin the choice is by chance (seeded), which is what lets each label stand for its bin. What
    nobody labelled comes before what others did; a prompt and a topic seen least so far come first.

    Parameters
    ----------
    observations : Observations
    own, others : set of int
        Rows this person labelled already, which do not come again, and rows that others did.
    size : int
    seed : int

    Returns
    -------
    list of int
        Positions in the observations; fewer than `size` where there are fewer.
    """
    rows = np.flatnonzero(is_valid(observations.score)).astype(np.int64)
    bins = bin_index(observations.score[rows], BIN_EDGES)
    order = np.random.default_rng(seed).permutation(rows.size)
    rows, bins = rows[order], bins[order]
    free = ~np.isin(rows, sorted(own))
    known = np.isin(rows, sorted(others))
    seen = _Seen(observations, own)
    chosen: list[int] = []
    for pool in (free & ~known, free & known):
        _take(rows[pool], bins[pool], seen, chosen, size)
    return chosen


def _take(rows: Ints, bins: Ints, seen: _Seen, chosen: list[int], size: int) -> None:
    """Add rows to `chosen`, bins in turn, until there are `size`."""
    waiting = {number: rows[bins == number][:LOOKED_AT].tolist() for number in range(len(BIN_EDGES) - 1)}
    while len(chosen) < size and any(waiting.values()):
        for number in TURNS:
            if waiting[number] and len(chosen) < size:
                row = min(waiting[number], key=seen.of)
                waiting[number].remove(row)
                seen.note(row)
                chosen.append(row)


class _Seen:
    """How often each prompt and each topic was chosen."""

    def __init__(self, observations: Observations, own: Set[int]) -> None:
        self._prompt, self._topic = observations.prompt.tolist(), observations.topic.tolist()
        self._prompts: dict[int, int] = {}
        self._topics: dict[str, int] = {}
        for row in sorted(own):
            self.note(row)

    def of(self, row: int) -> tuple[int, int]:
        """For `row`: of its prompt, then of its topic."""
        return self._prompts.get(self._prompt[row], 0), self._topics.get(self._topic[row], 0)

    def note(self, row: int) -> None:
        """It was chosen."""
        prompt, topic = self._prompt[row], self._topic[row]
        self._prompts[prompt] = self._prompts.get(prompt, 0) + 1
        self._topics[topic] = self._topics.get(topic, 0) + 1


class Show(StrEnum):
    """What the table of samples shows: all, the design document's four groups, or a fault to look into."""

    ALL = "all"
    HIGHEST = "highest"
    LOWEST = "lowest"
    AROUND_MEAN = "around_mean"
    EDGE_CASES = "edge_cases"
    UNPAID = "unpaid"
    WITHOUT_SCORE = "without_score"


TITLES = {
    Show.ALL: "All",
    Show.HIGHEST: "5 highest",
    Show.LOWEST: "5 lowest",
    Show.AROUND_MEAN: "5 around mean",
    Show.EDGE_CASES: "Edge cases (0.5)",
    Show.UNPAID: "Right but unpaid",
    Show.WITHOUT_SCORE: "Without a score",
}

WHY = {
    Show.ALL: "",
    Show.HIGHEST: "Are they actually good? (detect reward hacking)",
    Show.LOWEST: "Are they actually bad? (detect over-strict grader)",
    Show.AROUND_MEAN: "Typical performance",
    Show.EDGE_CASES: "Grader boundary behavior",
    Show.UNPAID: "Responses that end in the right answer and earn less than half",
    Show.WITHOUT_SCORE: "Calls that failed, responses that could not be graded, rewards off the scale",
}


class Sort(StrEnum):
    """The order of samples that are not a group of the design document."""

    LOWEST = "lowest"
    HIGHEST = "highest"
    LONGEST = "longest"
    SHORTEST = "shortest"
    DRAWN = "drawn"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rollouts may be shown.

    Attributes
    ----------
    topic : str or None
        None: all topics. ``""``: rows without one.
    bins : tuple of int
        Bars of the histogram; empty: all.
    """

    topic: str | None = None
    bins: tuple[int, ...] = ()


def choose(
    observations: Observations,
    show: Show,
    filters: Filters,
    sort: Sort = Sort.LOWEST,
    among: Rows | None = None,
) -> Rows:
    """Positions of the rollouts to show, in order.

    Parameters
    ----------
    observations : Observations
    show : Show
        A group is formed of what the filters leave: the five highest *of that topic*. Which responses are
        right but unpaid has to be read in them: give those as `among`.
    filters : Filters
        Bars do not apply to `Show.WITHOUT_SCORE`.
    sort : Sort
        Groups have an order of their own, the most telling first.
    among : int64 array, optional
        Only these may be shown; default: all.

    Returns
    -------
    int64 array
    """
    mask = _mask(observations, filters, show)
    if among is not None:
        mask &= np.isin(np.arange(mask.size), among)
    kept = np.flatnonzero(mask).astype(np.int64)
    part = observations.at(kept)
    if (rows := review_groups(part).get(show)) is not None:
        return kept[np.array(rows, dtype=np.int64)]
    if show is Show.WITHOUT_SCORE:
        kept, part = kept[without_score(part)], observations.at(kept[without_score(part)])
    return kept[_sorted(part, sort)]


def _sorted(part: Observations, sort: Sort) -> Rows:
    """Positions in order; what has no figure to go by stands last."""
    rows = np.arange(part.score.size, dtype=np.int64)
    if sort is Sort.DRAWN:
        return rows
    by = part.length if sort in (Sort.LONGEST, Sort.SHORTEST) else np.round(part.score, DIGITS)
    return np.lexsort((rows, -by if sort in (Sort.LONGEST, Sort.HIGHEST) else by)).astype(np.int64)


def _mask(observations: Observations, filters: Filters, show: Show) -> Bools:
    mask = np.ones(observations.score.size, dtype=np.bool_)
    if filters.topic is not None:
        mask &= np.asarray(observations.topic == filters.topic, dtype=np.bool_)
    if filters.bins and show is not Show.WITHOUT_SCORE:
        valid = is_valid(observations.score)
        bars = np.full(observations.score.size, -1, dtype=np.int64)
        bars[valid] = bin_index(np.clip(observations.score[valid], 0.0, 1.0), HISTOGRAM_EDGES)
        mask &= np.isin(bars, filters.bins)
    return mask
