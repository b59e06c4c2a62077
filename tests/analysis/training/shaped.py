"""Groups of which most differ in shaping alone."""

from __future__ import annotations

import numpy as np

from dryrun.analysis.observations import Observations

PROMPTS, K = 200, 8


def shaped_run(*, need: float = 3.0, gate: bool = False, seed: int = 2) -> Observations:
    """60 % of the prompts never right, 20 % always, 20 % mixed; reward 0.7 right + 0.3 short.

    In mixed groups long responses are right more often, by `need`; 0: length does not matter.
    """
    rng = np.random.default_rng(seed)
    length = rng.integers(20, 221, (PROMPTS, K)).astype(np.float64)
    chance = 1 / (1 + np.exp(-need * (length - 120) / 100))
    chance[: PROMPTS * 6 // 10], chance[PROMPTS * 8 // 10 :] = 0.0, 1.0
    right = (rng.random((PROMPTS, K)) < chance).astype(np.float64)
    short = 1 - length / 220
    reward = 0.7 * right + 0.3 * short * (right if gate else 1.0)
    return Observations.of(reward, lengths=length, parts={"right": right, "short": short})
