"""What the analysis sees of a run: numbers and labels, one row per rollout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Observations:
    """The scores of a run in long form; all arrays have shape ``(n_rollouts,)``.

    Attributes
    ----------
    score : float64 array
        Reward mapped to 0..1 by the run's reward range; NaN where there is no grade.
    prompt : int64 array
        Which unique prompt the rollout answers, from 0. The unit of re-sampling.
    topic : object array of str
        The prompt's topic, ``""`` if it has none.
    outcome : object array of str
        `SampleOutcome` values.
    length : float64 array
        Length of the response in tokens, or in characters where tokens are not counted; NaN if unknown.
    grader_error : bool array
        Whether the grade carries an error (its score may be 0 by the grader's rule).
    """

    score: NDArray[np.float64]
    prompt: NDArray[np.int64]
    topic: NDArray[np.object_]
    outcome: NDArray[np.object_]
    length: NDArray[np.float64]
    grader_error: NDArray[np.bool_]
