"""What a sample of N prompts with k responses each will be able to tell, before a call is paid for.

Formulas and measured error rates are those of the project's statistics notes, section 2i.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from dryrun.analysis.figures.groups import GROUP, groups, usable_share
from dryrun.analysis.figures.redraw import Z95_ROUNDED
from dryrun.analysis.figures.statistics import DIGITS, is_valid
from dryrun.analysis.observations import Observations

DISTANCE = 0.02
"""The distance from a threshold at which a mean is to be told apart: 0.08 from 0.10."""
MEAN, STD, PASS_FAIL_STD, ICC = 0.42, 0.21, 0.49, 0.5
"""Assumed where nothing is known: mean and spread of the design document's GO example, the widest spread of a
pass/fail grader, and half of the variance between prompts."""
SIMULATED = 500
"""Prompts in a simulation, at most: beyond, errors shrink with the root of their number."""
DRAWS = 400
GRID_PROMPTS = (100, 200, 300, 500)
GRID_ROLLOUTS = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Spread:
    """What is assumed, or known, about the scores to come.

    Attributes
    ----------
    mean : float
    within, between : float
        Standard deviations within and between prompts.
    learned : bool
        From an earlier run; else assumed.
    split : bool
        Whether `within` and `between` were measured apart, which takes 2 responses per prompt.
    """

    mean: float
    within: float
    between: float
    learned: bool = False
    split: bool = True

    @property
    def icc(self) -> float:
        """Share of the variance that lies between prompts."""
        whole = self.within**2 + self.between**2
        return self.between**2 / whole if whole > 0 else 0.0

    @property
    def std(self) -> float:
        """Standard deviation of single scores."""
        return math.hypot(self.within, self.between)


@dataclass(frozen=True, slots=True)
class Foresight:
    """What N prompts with k responses each will tell.

    Attributes
    ----------
    prompts, rollouts : int
    mean : float
        Half the width of the 95 % interval of the mean.
    side : float
        Chance that a mean `DISTANCE` below the threshold is seen below it.
    usable : float or None
        Half the width of the 95 % interval of the share of prompts that would give a signal in training
        groups; None at k = 1, which cannot see it.
    """

    prompts: int
    rollouts: int
    mean: float
    side: float
    usable: float | None


def assumed(pass_fail: bool) -> Spread:
    """Where no earlier run tells: the prior defaults."""
    std = PASS_FAIL_STD if pass_fail else STD
    return Spread(MEAN, std * math.sqrt(1 - ICC), std * math.sqrt(ICC))


def learned(observed: Observations) -> Spread | None:
    """From the scores of an earlier run; None with fewer than two prompts."""
    valid = is_valid(observed.score)
    score, prompt = observed.score[valid], observed.prompt[valid]
    if np.unique(prompt).size < 2:
        return None
    grouped = groups(score, prompt)
    mean = float(score.mean())
    if grouped is not None:
        return Spread(mean, grouped.within, grouped.between, learned=True)
    std = float(np.round(score, DIGITS).std(ddof=1))
    return Spread(mean, std * math.sqrt(1 - ICC), std * math.sqrt(ICC), learned=True, split=False)


def foresee(
    prompts: int, rollouts: int, spread: Spread, limit: float = 0.10, group: int = GROUP
) -> Foresight:
    """What a sample of this size will tell.

    Parameters
    ----------
    prompts, rollouts : int
        N and k, 1 or more.
    spread : Spread
    limit : float
        The threshold that a mean is to be told apart from; the decision tree's lower one.
    group : int
        Responses per prompt in training.
    """
    near = at_mean(spread, max(limit - DISTANCE, 0.0))
    return Foresight(
        prompts,
        rollouts,
        mean=mean_half_width(prompts, rollouts, spread),
        side=right_side(prompts, rollouts, near),
        usable=usable_half_width(prompts, rollouts, spread, group),
    )


def standard_error(prompts: int, rollouts: int, spread: Spread) -> float:
    """Standard error of the mean: sqrt((between² + within² / k) / N)."""
    return math.sqrt((spread.between**2 + spread.within**2 / rollouts) / prompts)


def mean_half_width(prompts: int, rollouts: int, spread: Spread) -> float:
    """Half the mean's 95 % interval (normal)."""
    return Z95_ROUNDED * standard_error(prompts, rollouts, spread)


def right_side(prompts: int, rollouts: int, spread: Spread, distance: float = DISTANCE) -> float:
    """Chance that a true mean `distance` off a threshold is seen on its own side (normal)."""
    error = standard_error(prompts, rollouts, spread)
    return 0.5 * math.erfc(-distance / error / math.sqrt(2)) if error > 0 else 1.0


def at_mean(spread: Spread, mean: float) -> Spread:
    """The same at another mean: no wider than scores of 0 and 1 with that mean can be."""
    widest = math.sqrt(max(mean * (1 - mean), 0.0))
    factor = min(1.0, widest / spread.std) if spread.std > 0 else 1.0
    return replace(spread, mean=mean, within=spread.within * factor, between=spread.between * factor)


@lru_cache(maxsize=256)
def usable_half_width(
    prompts: int, rollouts: int, spread: Spread, group: int = GROUP, seed: int = 0
) -> float | None:
    """Half the 95 % interval of the usable share, by simulation of a pass/fail grader; None at k = 1.

    Success rates of prompts follow the Beta distribution with the spread's mean and ICC; the share is
    estimated as in a run (`dryrun.analysis.figures.groups.usable_share`).
    """
    if rollouts < 2:
        return None
    size = min(prompts, SIMULATED)
    rng = np.random.default_rng(seed)
    mean, icc = min(max(spread.mean, 0.01), 0.99), min(max(spread.icc, 0.01), 0.99)
    strength = (1 - icc) / icc
    rates = rng.beta(mean * strength, (1 - mean) * strength, size=(DRAWS, size))
    index, counts = np.repeat(np.arange(size), rollouts), np.full(size, float(rollouts))
    shares = [
        usable_share(
            (rng.random(size * rollouts) < np.repeat(row, rollouts)).astype(float), index, counts, group
        )
        for row in rates
    ]
    return Z95_ROUNDED * float(np.std(shares)) * math.sqrt(size / prompts)
