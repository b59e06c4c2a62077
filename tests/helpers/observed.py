"""Observations made by hand, and scores of a wanted mean and spread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from dryrun.analysis.figures.statistics import Scores
from dryrun.analysis.observations import Observations


def observe(
    scores: ArrayLike,
    *,
    rollouts: int = 1,
    topics: Sequence[str] | str = "",
    outcomes: Sequence[str] | str = "answered",
    errors: int = 0,
    prompts: ArrayLike | None = None,
) -> Observations:
    """Rollout ``i`` answers prompt ``i // rollouts``; the first `errors` grades carry a grader error."""
    score = np.asarray(scores, dtype=np.float64)
    return Observations(
        score=score,
        prompt=np.arange(score.size) // rollouts if prompts is None else np.asarray(prompts, dtype=np.int64),
        topic=_labels(topics, score.size),
        outcome=_labels(outcomes, score.size),
        length=np.full(score.size, np.nan),
        grader_error=np.arange(score.size) < errors,
    )


def shuffled(observations: Observations, seed: int) -> Observations:
    """The same rollouts in another order."""
    order = np.random.default_rng(seed).permutation(observations.score.size)
    return Observations(
        observations.score[order],
        observations.prompt[order],
        observations.topic[order],
        observations.outcome[order],
        observations.length[order],
        observations.grader_error[order],
    )


def beta_scores(mean: float, std: float, n: int = 300) -> Scores:
    """`n` evenly spaced quantiles of the Beta distribution with this mean and spread."""
    weight = mean * (1 - mean) / std**2 - 1
    quantiles = (np.arange(n) + 0.5) / n
    return np.asarray(scipy.stats.beta.ppf(quantiles, mean * weight, (1 - mean) * weight), dtype=np.float64)


def _labels(values: Sequence[str] | str, size: int) -> NDArray[np.object_]:
    labels = np.empty(size, dtype=object)
    labels[:] = values
    return labels
