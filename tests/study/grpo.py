"""GRPO as trainers run it: group-normalised advantages, a clipped ratio, no KL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from tests.study.policy import Adam, Params, counted, decoded, encoded, log_likelihood, sample_codes

CHUNK, GROUP, MINI = 24, 8, 2
"""Prompts of a step, responses to each, and minibatches that a step's responses are trained in, once."""
STEPS, RATE, CLIP = 30, 1e-3, 0.2

Reward = Callable[[Sequence[str], Sequence[int]], NDArray[np.float64]]
"""Responses and the place of each one's prompt -> rewards."""


def advantages(rewards: NDArray[np.float64], scale: bool = True) -> NDArray[np.float64]:
    """Rewards less their group's mean, divided by its standard deviation if `scale`.

    Parameters
    ----------
    rewards : float64 array of shape (groups, responses)
    scale : bool
        False: as `scale_rewards=none` of TRL.
    """
    centred = rewards - rewards.mean(axis=1, keepdims=True)
    spread = rewards.std(axis=1, ddof=1, keepdims=True) + 1e-4
    found: NDArray[np.float64] = centred / spread if scale else centred
    return found


def clipped_loss(params: Params, prompts: Any, answers: Any, old: Any, advantage: Any) -> Any:
    """The clipped surrogate, averaged over the codes of all responses."""
    mask = counted(answers)
    ratio = jnp.exp((log_likelihood(params, prompts, answers, len(answers) // len(prompts)) - old) * mask)
    gain = jnp.minimum(ratio * advantage[:, None], jnp.clip(ratio, 1 - CLIP, 1 + CLIP) * advantage[:, None])
    return -(gain * mask).sum() / mask.sum()


_gradient = jax.jit(jax.grad(clipped_loss))


@dataclass(frozen=True, slots=True)
class Budget:
    """How long and how a policy is trained."""

    steps: int = STEPS
    rate: float = RATE
    scale: bool = True


def train(
    params: Params, prompts: Sequence[str], reward: Reward, seed: int, budget: Budget
) -> tuple[Params, list[float]]:
    """A policy after GRPO, and the mean reward of each step."""
    rng, optimiser, course = np.random.default_rng(seed), Adam(budget.rate), []
    codes, order = encoded(prompts), np.zeros(0, np.int64)
    for step in range(budget.steps):
        while order.size < CHUNK:
            order = np.concatenate([order, rng.permutation(len(prompts))])
        chosen, order = order[:CHUNK], order[CHUNK:]
        answers, old = sample_codes(params, codes[chosen], jax.random.key(seed * 100_003 + step), GROUP)
        places = np.repeat(chosen, GROUP)
        rewards = reward(decoded(np.asarray(answers)), places.tolist())
        advantage = advantages(rewards.reshape(CHUNK, GROUP), budget.scale).reshape(-1).astype(np.float32)
        for part in np.split(np.arange(CHUNK * GROUP), MINI):
            gradient = _gradient(
                params, codes[places[part[::GROUP]]], answers[part], old[part], advantage[part]
            )
            params = optimiser.step(params, gradient)
        course.append(float(rewards.mean()))
    return params, course
