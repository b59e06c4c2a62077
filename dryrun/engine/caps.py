"""Which calls a budget lets begin: what is under way counts before it has come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dryrun.engine.budget import Budget, tokens_of
from dryrun.store.runs import RunStatus

UNKNOWN = 8
"""Calls under way at most while nothing is known yet of what one costs."""
UNMEASURED = (
    "An answer came without a count of its tokens, so a cap on tokens or money cannot be kept: cap the calls."
)


class Caps:
    """Admits responses and grades while a budget has room for them and for all that is under way.

    Calls are counted as they are; tokens and money by the average of those that came back, so that a run
    ends near a cap instead of as far beyond it as calls were in flight. Each response is admitted
    together with the grades it will ask a judge for: what is paid for can be graded, and counts.

    Parameters
    ----------
    budget : Budget
    spending : callable
        What was spent so far, and how many answers came without a count of their tokens.
    judge_calls : int
        Calls that one grade takes; 0 where no judge is asked.
    """

    def __init__(
        self, budget: Budget, spending: Callable[[], tuple[RunStatus, int]], judge_calls: int
    ) -> None:
        self._budget, self._spending, self._judge_calls = budget, spending, judge_calls
        self._sampling = self._grading = self._graded = 0
        self._judged_before = spending()[0].judged
        self._changed = asyncio.Event()
        self.spent = ""
        """The sentence that says which cap is met; ``""`` while none is."""

    async def admit(self, samples: int, grades: int, elsewhere: int = 0) -> bool:
        """Wait for room for so many responses and grades, and take it; False once a cap is met.

        Parameters
        ----------
        samples, grades : int
        elsewhere : int
            Calls under way that were not admitted here.
        """
        if not self._judge_calls:
            grades = 0
        if not (samples or grades):
            return True  # costs nothing
        while self._budget.capped and not self.met(elsewhere):
            if self._fits(samples, grades, elsewhere):
                break
            if not (self._sampling or self._grading or elsewhere):
                what = "another response" if samples else "another grade"
                self.spent = (
                    f"The budget has no room for {what}{' and its grade' * bool(samples and grades)}."
                )
                break
            self._changed.clear()
            await self._changed.wait()
        if self.spent:
            return False
        self._sampling += samples
        self._grading += grades
        return True

    def back(self, samples: int, grades: int) -> None:
        """So many of those admitted have ended, one way or another."""
        self._sampling -= samples
        self._grading -= grades if self._judge_calls else 0
        self._graded += grades
        self._changed.set()

    def met(self, elsewhere: int = 0) -> bool:
        """Whether what was spent has met a cap."""
        if self._budget.capped and not self.spent:
            spent, unmeasured = self._spending()
            self.spent = self._budget.exhausted(spent, elsewhere)
            if unmeasured and not (self._budget.tokens is None and self._budget.cost is None):
                self.spent = self.spent or UNMEASURED
        return bool(self.spent)

    def _fits(self, samples: int, grades: int, elsewhere: int) -> bool:
        (spent, _), budget = self._spending(), self._budget
        samples, grades = self._sampling + samples, self._grading + grades
        judge_calls = grades * self._calls_per_grade(spent)
        calls = spent.attempts + spent.judged + elsewhere + samples + judge_calls
        if budget.calls is not None and calls > budget.calls:
            return False
        if budget.tokens is None and budget.cost is None:
            return True
        unknown = (samples if not spent.answers else 0) + (grades if not spent.judged else 0)
        if unknown > max(UNKNOWN, 1 + self._judge_calls):
            return False
        return self._fit_by_average(spent, samples, judge_calls)

    def _calls_per_grade(self, spent: RunStatus) -> float:
        """Calls that a grade takes, by those of this session: a judge may be asked twice, or retried."""
        made = spent.judged - self._judged_before
        return max(self._judge_calls, made / self._graded if self._graded else 0.0)

    def _fit_by_average(self, spent: RunStatus, samples: int, judge_calls: float) -> bool:
        """Whether tokens and money would do if every call under way cost what one did so far."""
        prices = self._budget.prices
        asked, answered = _each(spent.answers, spent.prompt_tokens, spent.completion_tokens)
        judge = _each(spent.judged, spent.judge_prompt_tokens, spent.judge_completion_tokens)
        tokens = tokens_of(spent) + samples * (asked + answered) + judge_calls * sum(judge)
        if self._budget.tokens is not None and tokens > self._budget.tokens:
            return False
        money = samples * (asked * (prices.prompt or 0.0) + answered * (prices.completion or 0.0))
        money += judge_calls * (
            judge[0] * (prices.judge_prompt or 0.0) + judge[1] * (prices.judge_completion or 0.0)
        )
        cost = (prices.cost(spent) or 0.0) + money / 1_000_000
        return self._budget.cost is None or cost <= self._budget.cost


def _each(count: int, prompt: int, completion: int) -> tuple[float, float]:
    return (prompt / count, completion / count) if count else (0.0, 0.0)
