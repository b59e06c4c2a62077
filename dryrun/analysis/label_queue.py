"""Which responses a person should label next: few labels that tell much about the grader."""

from __future__ import annotations

from collections.abc import Set

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.statistics import BIN_EDGES, bin_index, is_valid
from dryrun.analysis.observations import Observations

SIZE = 20
"""So many labels enter the verdict."""
TURNS = (4, 0, 2, 4, 0, 1, 4, 0, 3)
"""The report's bins in turn. False accepts show among high scores and false rejects among low ones, so
these come most often; the middle is where the grader draws its line."""

LOOKED_AT = 1000
"""Of each bin, in random order: enough to find another topic and prompt in."""

Ints = NDArray[np.int64]


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
        self._prompt, self._topic = observations.prompt, observations.topic
        self._prompts: dict[int, int] = {}
        self._topics: dict[str, int] = {}
        for row in sorted(own):
            self.note(row)

    def of(self, row: int) -> tuple[int, int]:
        """For `row`: of its prompt, then of its topic."""
        return self._prompts.get(int(self._prompt[row]), 0), self._topics.get(str(self._topic[row]), 0)

    def note(self, row: int) -> None:
        """It was chosen."""
        prompt, topic = int(self._prompt[row]), str(self._topic[row])
        self._prompts[prompt] = self._prompts.get(prompt, 0) + 1
        self._topics[topic] = self._topics.get(topic, 0) + 1
