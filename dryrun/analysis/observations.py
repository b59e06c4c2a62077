"""What the analysis sees of a run: numbers and labels, one row per rollout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dryrun.core.arrays import Bools, Floats, Ints
from dryrun.core.records import SampleOutcome

DECIMALS = 6
Measured = TypeVar("Measured")


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
        Whether the grade carries an error (its score may be 0 by the grader's rule). Mere remarks
        about a grade, such as `unstable` and `truths`, are no errors.
    unstable : tuple of int
        Dataset rows (from 1) of rollouts that got another score when they were graded a second time.
    truths : int
        Rewards that were `True` or `False`, counted as 1 and 0.
    commonest_error : str
        What most of the grades with an error say, in letters that no page interprets; ``""`` if unknown.
    parts : mapping of str to float64 array
        Parts of the reward by name, on their own scales; NaN where a grade has none.
    answered_by : tuple of (str, int)
        Models that the endpoint named in its answers, the commonest first, and how many each gave; ``""`` for
        the one asked for, or none named.
    reward_range : tuple of float
        The grader's scale, which `score` is mapped from.
    """

    score: Floats
    prompt: Ints
    topic: NDArray[np.object_]
    outcome: NDArray[np.object_]
    length: Floats
    grader_error: Bools
    unstable: tuple[int, ...] = ()
    truths: int = 0
    commonest_error: str = ""
    parts: Mapping[str, Floats] = field(default_factory=dict)
    reward_range: tuple[float, float] = (0.0, 1.0)
    answered_by: tuple[tuple[str, int], ...] = ()
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, name: str, measure: Callable[[], Measured]) -> Measured:
        """What `measure` finds in these rollouts and nothing else, found once and kept with them by its name.

        A threshold that is moved judges the same rollouts again.
        """
        if name not in self._kept:
            self._kept[name] = measure()
        figure: Measured = self._kept[name]
        return figure

    def share_of(self, *outcomes: SampleOutcome) -> float:
        """Share of the rollouts that ended in one of these; 0 without rollouts."""
        names = [str(outcome) for outcome in outcomes]
        return self.once(f"share of {names}", lambda: self._share_of(names))

    def _share_of(self, names: list[str]) -> float:
        return float(np.isin(self.outcome, names).mean()) if self.outcome.size else 0.0

    @property
    def lengths_differ(self) -> bool:
        """Whether the responses to most prompts are of several lengths, so that they are not the same."""
        order = np.lexsort((self.length, self.prompt))
        prompt, steps = self.prompt[order], np.diff(self.length[order])
        longer = (prompt[1:] == prompt[:-1]) & (steps > 0)
        return bool(2 * np.unique(prompt[1:][longer]).size > np.unique(prompt).size)

    @property
    def fails_at_times(self) -> float:
        """Share of grades with an error where the grader does not fail on all responses to the prompt."""
        _, prompt = np.unique(self.prompt, return_inverse=True)
        count, errors = np.bincount(prompt), np.bincount(prompt, self.grader_error)
        some = errors < count
        return float(errors[some].sum() / max(count[some].sum(), 1))

    def ordered(self) -> Observations:
        """The same rollouts, prompt by prompt, in an order that does not depend on the order they came in.

        Sums in another order differ in their last bits, which re-draws would turn into other figures.
        """
        return self.once("ordered", self._in_order)

    def _in_order(self) -> Observations:
        order = np.lexsort((self.outcome.astype(str), self.length, self.score, self.prompt))
        return self.at(order)

    def at(self, rows: Ints) -> Observations:
        """The rollouts at these positions, in this order."""
        return replace(
            self,
            score=self.score[rows],
            prompt=self.prompt[rows],
            topic=self.topic[rows],
            outcome=self.outcome[rows],
            length=self.length[rows],
            grader_error=self.grader_error[rows],
            parts={name: part[rows] for name, part in self.parts.items()},
        )

    @classmethod
    def of(
        cls,
        scores: ArrayLike,
        *,
        prompts: Sequence[Any] | None = None,
        topics: Sequence[str] | None = None,
        outcomes: ArrayLike | None = None,
        lengths: ArrayLike | None = None,
        parts: Mapping[str, ArrayLike] | None = None,
    ) -> Observations:
        """From a table of scores, one row per prompt and one column per rollout.

        Parameters
        ----------
        scores : array of shape (n_prompts, k) or (n_prompts,)
            On 0..1; NaN where there is no grade.
        prompts : sequence of length n_prompts, optional
            Anything that tells prompts apart; equal ones are one prompt that was drawn several times.
            Default: all different.
        topics : sequence of str of length n_prompts, optional
        outcomes : array of `SampleOutcome` values, shape of `scores`, optional
            Default: all answered.
        lengths : array, shape of `scores`, optional
            Of the responses, in any unit.
        parts : mapping of str to array, shape of `scores`, optional
            Parts of the reward by name.

        Raises
        ------
        ValueError
            A shape does not fit.
        """
        table = np.asarray(scores, dtype=np.float64)
        table = table[:, None] if table.ndim == 1 else table
        count, k = table.shape
        keys = list(range(count)) if prompts is None else [repr(prompt) for prompt in prompts]
        names = [""] * count if topics is None else [str(topic) for topic in topics]
        if len(keys) != count or len(names) != count:
            raise ValueError(f"prompts and topics need {count} entries, one for each row of scores")
        _, unit = np.unique(np.array(keys), return_inverse=True)
        answered = np.full(table.shape, SampleOutcome.ANSWERED.value, dtype=object)
        ended = answered if outcomes is None else np.array(outcomes, dtype=object).reshape(table.shape)
        size = np.full(table.shape, np.nan) if lengths is None else np.asarray(lengths, dtype=np.float64)
        return cls(
            score=table.ravel(),
            prompt=np.repeat(unit.astype(np.int64), k),
            topic=np.repeat(np.array(names, dtype=object), k),
            outcome=np.array([str(outcome) for outcome in ended.ravel()], dtype=object),
            length=size.reshape(table.shape).ravel(),
            grader_error=np.zeros(table.size, dtype=bool),
            parts={
                name: np.asarray(part, np.float64).reshape(table.shape).ravel()
                for name, part in (parts or {}).items()
            },
        )


def several_parts(observed: Observations) -> bool:
    """Whether the reward is made of more than one number: two parts that differ, or one with many values."""
    parts = [np.round(part, DECIMALS) for part in observed.parts.values()]
    levels = [np.unique(part[np.isfinite(part)]).size for part in parts]
    varied = {part.tobytes() for part, count in zip(parts, levels, strict=True) if count > 1}
    return len(varied) > 1 or max(levels, default=0) > 2
