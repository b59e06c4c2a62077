"""Does the grader read every part of an answer? Answers with one part wrong, beside the right ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.redraw import wilson
from dryrun.core.text import percent
from dryrun.core.thresholds import ProbeLimits, Thresholds


@dataclass(frozen=True, slots=True)
class UnreadPart:
    """A kind of answer that is wrong in part and earns as much as the right one.

    Attributes
    ----------
    kind : str
        What is wrong with it, as in ``"one field wrong: due"``.
    rows, tried : int
        Rows where it costs nothing, of those whose right answer is paid.
    low, high : float
        95 % interval of their share (Wilson).
    """

    kind: str
    rows: int
    tried: int
    low: float
    high: float

    def __str__(self) -> str:
        interval = f"{percent(self.low)} to {percent(self.high)}"
        return f"{self.kind} ({self.rows:,} of {self.tried:,} rows, {interval})"


def unread_parts(parts: Mapping[str, NDArray[np.float64]], limits: Thresholds) -> Iterator[UnreadPart]:
    """The kinds that cost nothing in most rows, chance excluded.

    Parameters
    ----------
    parts : mapping of str to float64 array of shape (n, 2)
        By kind, what the right answer of a row and the one that is wrong in part earn, on 0..1.
    limits : Thresholds
        `right_from` tells whether a right answer is paid.
    """
    whole = ProbeLimits().whole
    for kind, scores in parts.items():
        paid = scores[np.isfinite(scores).all(axis=1) & (scores[:, 0] >= limits.right_from)]
        if not len(paid):
            continue
        rows = int((paid[:, 1] >= whole * paid[:, 0]).sum())
        low, high = wilson(rows / len(paid), len(paid))
        if low >= limits.right_from:
            yield UnreadPart(kind, rows, len(paid), low, high)
