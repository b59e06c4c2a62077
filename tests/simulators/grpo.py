"""GRPO on a policy of answer kinds: a fixed budget, advantages normalised in each group."""

from __future__ import annotations

import numpy as np

from tests.simulators.graders import Grader
from tests.simulators.policy import ACTIONS, RIGHT, Floats, Learner

STEPS, BATCH, GROUP = 160, 32, 8
EPSILON = 1e-4
"""Added to a group's standard deviation, as TRL does."""


def advantages(score: Floats) -> Floats:
    """``(r - mean) / (std + eps)`` of each group; `score` has shape (prompts, group)."""
    centred = score - score.mean(axis=1, keepdims=True)
    scaled: Floats = centred / (score.std(axis=1, ddof=1, keepdims=True) + EPSILON)
    return scaled


def train(policy: Learner, grader: Grader, rng: np.random.Generator, rate: float = 1.0) -> float:
    """Train it in place; the change of its true accuracy."""
    before, prompts = policy.accuracy(), policy.taught
    for _ in range(STEPS):
        chosen = rng.choice(prompts, BATCH, replace=False)
        actions = policy.sample(chosen, GROUP, rng)
        worth = advantages(grader.grade(chosen[:, None], actions, rng))
        slope = np.zeros((BATCH, ACTIONS))
        # Advantages of a group sum to 0, so the softmax's own term falls out.
        np.add.at(slope, (np.arange(BATCH)[:, None], actions), worth / GROUP)
        policy.climb(chosen, slope, rate)
    return policy.accuracy() - before


def oracle(policy: Learner, grader: Grader, rng: np.random.Generator, groups: int = 2000) -> float:
    """How far advantages point to right answers: what one would know with the truth of every response."""
    chosen = policy.taught[rng.integers(0, policy.taught.size, groups)]
    actions = policy.sample(chosen, GROUP, rng)
    worth = advantages(grader.grade(chosen[:, None], actions, rng))
    right = RIGHT[actions]
    return float((worth * (right - right.mean(axis=1, keepdims=True))).mean())
