"""How much of the run there is to judge: responses, scores, what is missing, and prompts that a server cut.

A server whose context is too small for a prompt may silently drop what does not fit and answer the rest with
status 200. Its count of prompt tokens gives it away: prompts of different lengths count the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dryrun.analysis.figures.statistics import is_valid
from dryrun.analysis.observations import Observations
from dryrun.core.arrays import Bools, Floats
from dryrun.core.records import SampleOutcome

SHOWN = 5
"""Different rewards off the scale that are named."""


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
    outcomes : mapping of SampleOutcome to int
        Rollouts by outcome; every outcome is named, zero or not.
    grader_errors : int
        Grades that carry an error, those that count as 0 by the grader's own rule among them.
    commonest_error : str
        What most of these say.
    duplicate_rows : int
        Drawn rows that repeat an earlier one word for word.
    unstable : tuple of int
        Dataset rows of rollouts that got another score when graded again.
    truths : int
        Rewards that were `True` or `False`.
    off_scale : tuple of (float, int)
        Rewards that lie off the run's scale and how often each came, the commonest first, at most `SHOWN`.
    holding : (float, float) or None
        A scale that would hold every reward; None where all lie on the run's own.
    answered_by : tuple of (str, int)
        Models that answered, the commonest first, and how often; ``""`` for the one asked for, or none named.
    """

    prompts: int
    prompts_scored: int
    responses: int
    scored: int
    missing: int
    out_of_range: int
    outcomes: Mapping[SampleOutcome, int]
    grader_errors: int
    commonest_error: str = ""
    duplicate_rows: int = 0
    unstable: tuple[int, ...] = ()
    truths: int = 0
    off_scale: tuple[tuple[float, int], ...] = ()
    holding: tuple[float, float] | None = None
    answered_by: tuple[tuple[str, int], ...] = ()

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


def _off_scale(observations: Observations) -> tuple[tuple[float, int], ...]:
    low, high = observations.reward_range
    score = observations.score
    off = score[np.isfinite(score) & ~is_valid(score)] * (high - low) + low
    values, counts = np.unique(off.round(6), return_counts=True)
    return tuple((float(values[place]), int(counts[place])) for place in np.argsort(-counts, kind="stable"))


def _holding(scale: tuple[float, float], rewards: Sequence[float]) -> tuple[float, float] | None:
    """The scale widened to whole numbers around these rewards."""
    if not rewards:
        return None
    return (
        scale[0] if min(rewards) >= scale[0] else float(np.floor(min(rewards))),
        scale[1] if max(rewards) <= scale[1] else float(np.ceil(max(rewards))),
    )


BELIEVABLE = 1e6
"""A reward beyond this is a sentinel; it stays off the scale."""


def as_pay(rewards: Floats, scale: tuple[float, float]) -> Floats:
    """Rewards as what they pay, on 0..1.

    Where a scale has penalties a reward of 0 pays nothing, and no more does one below it: with -0.5 for a
    missing tag, 0 for a wrong answer and 1 for a right one, the wrong answer is not paid a third.

    Parameters
    ----------
    rewards : array of float
        NaN where there is none, and in the result.
    scale : (float, float)
    """
    low, high = scale
    if low < 0.0 < high:
        return np.asarray(np.maximum(rewards, 0.0) / high)
    return np.asarray((rewards - low) / (high - low))


COSTS = (-1.0, 0.0)
"""The scale assumed of rewards that are 0 at best, until some below 0 are seen."""


def observed_scale(scale: tuple[float, float], rewards: Floats, rare: float) -> tuple[float, float]:
    """The scale widened to hold these rewards, `COSTS` made to fit them; ends that are new have two digits.

    Parameters
    ----------
    scale : (float, float)
        What was assumed, without anybody having declared it.
    rewards : array of float, shape (n,)
        As the grader gave them; NaN where there is none.
    rare : float
        Share of the rewards that may lie off the scale without widening it.
    """
    known = rewards[np.abs(rewards) < BELIEVABLE]  # NaN is left out too
    low, high = scale
    least, most = float(known.min(initial=0.0)), float(known.max(initial=-math.inf))
    if scale == COSTS and least < 0.0 and most <= 0.0:
        return _outward(least), 0.0
    off = np.count_nonzero((known < low) | (known > high))
    if off <= rare * known.size:
        return scale
    if most <= 0.0:  # log-probabilities, penalties
        return min(low, _outward(least)), 0.0
    return (low if least >= low else _outward(least)), (high if most <= high else _outward(most))


def with_penalties(scale: tuple[float, float], rewards: Floats, rare: float) -> tuple[float, float]:
    """The scale with a lower end below 0 where rewards are penalties: no lower than the scale is high.

    A reward further down shows a formula without a floor, and stays off the scale.

    Parameters
    ----------
    scale : (float, float)
        What was assumed, without anybody having declared it.
    rewards : array of float, shape (n,)
        NaN where there is none.
    rare : float
        Share of the rewards that may be negative without being penalties.
    """
    low, high = scale
    known = rewards[np.isfinite(rewards)]
    if low < 0.0 or np.count_nonzero(known < low) <= rare * known.size:
        return scale
    least = float(known.min())
    return (least, high) if least >= -high else scale


def _outward(value: float) -> float:
    """Away from 0 to the next number of two significant digits."""
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return round(math.copysign(math.ceil(round(abs(value) / step, 6)) * step, value), 9)


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
    off_scale = _off_scale(observations)
    return Coverage(
        prompts=int(np.unique(observations.prompt).size),
        prompts_scored=int(np.unique(observations.prompt[valid]).size),
        responses=int(observations.score.size),
        scored=scored,
        missing=missing,
        out_of_range=int(observations.score.size) - missing - scored,
        outcomes={
            outcome: int(np.count_nonzero(observations.outcome == outcome.value)) for outcome in SampleOutcome
        },
        grader_errors=int(np.count_nonzero(observations.grader_error)),
        commonest_error=observations.commonest_error,
        duplicate_rows=duplicate_rows,
        unstable=observations.unstable,
        truths=observations.truths,
        off_scale=off_scale[:SHOWN],
        answered_by=observations.answered_by,
        holding=_holding(observations.reward_range, [reward for reward, _ in off_scale]),
    )


LEAST_TOKENS = 256
"""Shorter prompts are not looked at: few tokens are the same number by chance."""
ALIKE = 0.98
"""Counts from this share of the largest on are the same."""
LEAST_PROMPTS = 3
DIFFERENT = 1.1
"""Where the longest of them is this many times as long as the shortest, their bytes per token need only be
`FAR` from those of other prompts, else `VERY_FAR`."""
USUAL_BYTES = 4.5
"""Bytes of a token of English; for runs in which every prompt is cut."""
FAR, VERY_FAR = 1.25, 2.5
"""A cut prompt has more than this many times the bytes per counted token of the others."""


def text_bytes(messages: Iterable[Mapping[str, Any]]) -> int:
    """Bytes of text in messages: pictures and sound, which cost tokens of another kind, are left out."""
    size = 0
    for message in messages:
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content}]
        texts = (part.get("text") for part in parts if isinstance(part, dict))
        size += sum(len(text.encode("utf-8", "replace")) for text in texts if isinstance(text, str))
    return size


def largest_count(tokens: Floats) -> Bools:
    """Rollouts whose prompt counts about the largest number of tokens; none where that is small.

    Parameters
    ----------
    tokens : float64 array of shape (n_rollouts,)
        Prompt tokens as the server counted them; NaN where it did not.
    """
    known = tokens[np.isfinite(tokens)]
    if not known.size or known.max() < LEAST_TOKENS:
        return np.zeros(tokens.shape, bool)
    largest: Bools = np.nan_to_num(tokens) >= ALIKE * known.max()
    return largest


def cut_prompts(
    tokens: Sequence[float] | Floats,
    sizes: Sequence[float] | Floats,
    others: float | None = None,
) -> Bools:
    """Which prompts the server has cut, of those that count about the largest number of tokens.

    Parameters
    ----------
    tokens, sizes : arrays of shape (n_prompts,)
        Tokens as the server counted them, and bytes of text.
    others : float, optional
        Bytes per token of the run's shorter prompts.
    """
    count, size = np.asarray(tokens, float), np.asarray(sizes, float)
    per_token = size / np.maximum(count, 1.0)
    usual = others or USUAL_BYTES
    far: Bools = per_token > FAR * usual
    if np.unique(size[far]).size >= LEAST_PROMPTS and size[far].max() < DIFFERENT * size[far].min():
        far = per_token > VERY_FAR * usual
    if np.unique(size[far]).size < LEAST_PROMPTS:
        far = np.zeros(count.shape, bool)
    return far
