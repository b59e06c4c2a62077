"""Topics by partial pooling: is a topic's mean outside the healthy band, or was its sample unlucky?

Normal-normal empirical Bayes with DerSimonian and Laird's between-topic variance (1986); each topic's
own variance is shrunk toward the common one with `PSEUDO` observations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.redraw import Z95_ROUNDED
from dryrun.core.arrays import Floats, Ints
from dryrun.core.thresholds import Thresholds

PSEUDO = 4.0
"""Observations of the common variance that each topic's own is mixed with."""


@dataclass(frozen=True, slots=True)
class PooledTopic:
    """One topic after pooling.

    Attributes
    ----------
    topic : str
    pooled, low, high : float
        Posterior mean and 95 % interval.
    evidence : str
        ``"confirmed"`` (outside the band, probability above 0.90), ``"watch"``, ``"too few"`` or ``""``.
    """

    topic: str
    pooled: float
    low: float
    high: float
    evidence: str


def pooled_topics(
    score: Floats, prompt: Ints, topic: NDArray[np.object_], thresholds: Thresholds
) -> tuple[PooledTopic, ...]:
    """Every named topic, in order of name.

    The band is the healthy one; where the whole run lies outside that, the wider one of the decision
    tree, else every topic would light up.
    """
    names, sizes, means, variances = _topics(score, prompt, topic)
    if not names:
        return ()
    whole = float(np.nanmean(score)) if np.isfinite(score).any() else 0.5
    band = thresholds.healthy_mean_low, thresholds.healthy_mean_high
    if not band[0] <= whole <= band[1]:
        band = thresholds.mean_low, thresholds.mean_high
    pooled = []
    posterior = _posterior(means, variances)
    for name, size, mean, (center, error) in zip(names, sizes, means, posterior, strict=True):
        outside = _normal(band[0], center, error) + 1 - _normal(band[1], center, error)
        evidence = ""
        if size < thresholds.topic_pooled_prompts:
            evidence = "too few"
        elif outside > thresholds.topic_confirmed:
            evidence = "confirmed"
        elif not band[0] <= mean <= band[1]:
            evidence = "watch"
        half = Z95_ROUNDED * error
        pooled.append(PooledTopic(name, center, center - half, center + half, evidence))
    return tuple(pooled)


def _topics(
    score: Floats, prompt: Ints, topic: NDArray[np.object_]
) -> tuple[list[str], list[int], Floats, Floats]:
    """Names, numbers of prompts, means of prompt means, and variances of these means."""
    valid = np.isfinite(score)
    _, first, index = np.unique(prompt[valid], return_index=True, return_inverse=True)
    if not first.size:
        return [], [], np.zeros(0), np.zeros(0)
    means = np.bincount(index, score[valid]) / np.bincount(index)
    topic_of = topic[valid][first]  # a prompt has one topic: that of its first score
    names = sorted({name for name in topic_of if name})
    parts = [means[topic_of == name] for name in names]
    if not parts:
        return [], [], np.zeros(0), np.zeros(0)
    freedom = sum(part.size - 1 for part in parts)
    common = sum(float(((part - part.mean()) ** 2).sum()) for part in parts) / max(freedom, 1)
    variances = [
        (float(((part - part.mean()) ** 2).sum()) + PSEUDO * common) / (part.size - 1 + PSEUDO) / part.size
        for part in parts
    ]
    sizes = [part.size for part in parts]
    return names, sizes, np.array([part.mean() for part in parts]), np.array(variances)


def _posterior(means: Floats, variances: Floats) -> Sequence[tuple[float, float]]:
    """Posterior mean and standard deviation of each topic's mean."""
    weights = 1 / np.maximum(variances, 1e-9)
    center = float((weights * means).sum() / weights.sum())
    excess = float((weights * (means - center) ** 2).sum()) - (means.size - 1)
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    between = max(excess / scale, 0.0) if scale > 0 else 0.0
    whole = 1 / (np.maximum(variances, 1e-9) + between)
    grand = float((whole * means).sum() / whole.sum())
    trust = between / (between + np.maximum(variances, 1e-9))
    pooled = grand + trust * (means - grand)
    error = np.sqrt(trust * np.maximum(variances, 1e-9) + (1 - trust) ** 2 / whole.sum())
    return list(zip(pooled.tolist(), error.tolist(), strict=True))


def _normal(at: float, mean: float, error: float) -> float:
    return 0.5 * math.erfc((mean - at) / max(error, 1e-9) / math.sqrt(2))
