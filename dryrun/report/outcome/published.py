"""Trainings that others published, as far as their figures go; they stand in ``published.yaml``.

Nobody published several responses to each prompt, so no Signal Index and no share of mixed groups is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """One training.

    Attributes
    ----------
    name, source, url : str
    came : str
        The outcome beyond the figures.
    start, end : tuple of float
        Mean scores on 0..1 before and after, one for each time it was measured; empty where not published.
    foretold : str
        What the decision tree says of the figures before training.
    missing : tuple of str
        What was not published.
    """

    name: str
    source: str
    url: str
    came: str
    start: tuple[float, ...] = ()
    end: tuple[float, ...] = ()
    foretold: str = ""
    missing: tuple[str, ...] = ()

    @property
    def gain(self) -> float | None:
        """Mean of `end` less mean of `start`; None where one was not published."""
        return float(np.mean(self.end) - np.mean(self.start)) if self.start and self.end else None

    @property
    def gain_error(self) -> float | None:
        """Its standard error by the repeated measurements; None where one of them was not repeated."""
        if min(len(self.start), len(self.end)) < 2:
            return None
        return math.sqrt(sum(np.var(side, ddof=1) / len(side) for side in (self.start, self.end)))


PUBLISHED = TypeAdapter(tuple[PublishedRun, ...]).validate_python(
    yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
)
"""What was found in November 2026."""
