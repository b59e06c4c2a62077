"""How much of the run there is to judge: responses, scores, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.statistics import is_valid
from dryrun.analysis.observations import Observations
from dryrun.core.records import SampleOutcome


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was asked, answered and graded.

    Attributes
    ----------
    prompts : int
        Unique prompts asked.
    prompts_scored : int
        Unique prompts with at least one valid score: the sample size of the run.
    responses : int
        Rollouts, whatever became of them.
    scored : int
        Rollouts with a valid score.
    missing : int
        Rollouts without a grade: the call or the grader failed.
    out_of_range : int
        Rollouts whose score lies outside 0..1.
    rollouts : int
        Responses to the prompt that has most.
    outcomes : mapping of SampleOutcome to int
        Rollouts by outcome; every outcome is named, zero or not.
    grader_errors : int
        Grades that carry an error, those that count as 0 by the grader's own rule among them.
    duplicate_rows : int
        Drawn rows that repeat an earlier one word for word.
    unstable : tuple of int
        Dataset rows of rollouts that got another score when graded again.
    truths : int
        Rewards that were `True` or `False`.
    """

    prompts: int
    prompts_scored: int
    responses: int
    scored: int
    missing: int
    out_of_range: int
    rollouts: int
    outcomes: Mapping[SampleOutcome, int]
    grader_errors: int
    duplicate_rows: int = 0
    unstable: tuple[int, ...] = ()
    truths: int = 0

    def share(self, count: int) -> float:
        """`count` as a share of all responses; 0 if there are none."""
        return count / self.responses if self.responses else 0.0

    @property
    def missing_share(self) -> float:
        """Share of responses whose score can be used for nothing: not graded, or off the scale."""
        return self.share(self.responses - self.scored)

    @property
    def duplicate_share(self) -> float:
        """Share of drawn rows that repeat an earlier one."""
        rows = self.prompts + self.duplicate_rows
        return self.duplicate_rows / rows if rows else 0.0


def cover(observations: Observations, duplicate_rows: int = 0) -> Coverage:
    """Count what there is to judge.

    Parameters
    ----------
    observations : Observations
        May be empty.
    duplicate_rows : int
        Drawn rows that repeat an earlier one; observations know unique prompts only.
    """
    valid = is_valid(observations.score)
    missing = int(np.count_nonzero(~np.isfinite(observations.score)))
    scored = int(np.count_nonzero(valid))
    _, per_prompt = np.unique(observations.prompt, return_counts=True)
    return Coverage(
        prompts=int(per_prompt.size),
        prompts_scored=int(np.unique(observations.prompt[valid]).size),
        responses=int(observations.score.size),
        scored=scored,
        missing=missing,
        out_of_range=int(observations.score.size) - missing - scored,
        rollouts=int(per_prompt.max()) if per_prompt.size else 0,
        outcomes={
            outcome: int(np.count_nonzero(observations.outcome == outcome.value)) for outcome in SampleOutcome
        },
        grader_errors=int(np.count_nonzero(observations.grader_error)),
        duplicate_rows=duplicate_rows,
        unstable=observations.unstable,
        truths=observations.truths,
    )
