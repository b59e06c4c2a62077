"""What a run may spend and has spent: calls, tokens, and money where prices are known.

`Budget` holds the caps, `Caps` decides while a run goes on which calls may begin.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Protocol

from pydantic import Field, model_validator

from dryrun.core.errors import DryRunError
from dryrun.core.text import plural
from dryrun.core.thresholds import Frozen
from dryrun.models.pace import Pace
from dryrun.models.request import RequestSize
from dryrun.store.runs import RunStatus

Price = Annotated[float, Field(ge=0.0)]
MILLION = 1_000_000
BATCH_PRICE = 0.5
"""A token through the Batch API costs this share of its price (OpenAI's guide "Batch API", November 2026)."""


class Prices(Frozen):
    """US dollars per million tokens, as the provider lists them; None where unknown."""

    prompt: Price | None = None
    completion: Price | None = None
    judge_prompt: Price | None = None
    judge_completion: Price | None = None

    def cost(self, spent: RunStatus) -> float | None:
        """What these tokens cost in US dollars; None if tokens were used whose price is not known."""
        saved = 1.0 - BATCH_PRICE
        pairs = (
            (self.prompt, spent.prompt_tokens - saved * spent.batch_prompt_tokens),
            (self.completion, spent.completion_tokens - saved * spent.batch_completion_tokens),
            (self.judge_prompt, spent.judge_prompt_tokens),
            (self.judge_completion, spent.judge_completion_tokens),
        )
        if any(price is None and tokens for price, tokens in pairs):
            return None
        return sum((price or 0.0) * tokens for price, tokens in pairs) / MILLION

    def worst(self, size: RequestSize, *, batch: bool) -> float | None:
        """US dollars of requests of this size, at worst; None where a price or the worst is not known."""
        if self.prompt is None or self.completion is None or size.completion is None:
            return None
        full = (self.prompt * size.prompt + self.completion * size.completion) / MILLION
        return BATCH_PRICE * full if batch else full

    def worst_of_judge(self, size: RequestSize) -> float | None:
        """The cost of a judge's calls."""
        return Prices(prompt=self.judge_prompt, completion=self.judge_completion).worst(size, batch=False)


class Budget(Frozen):
    """Caps over all sessions of a run. A run that meets one stops cleanly; its report covers what is done.

    Calls in flight are finished. Their cost is estimated by the average so far, so tokens and money may pass
    their cap by the amount that a few calls cost above the average.
    """

    calls: Annotated[int, Field(ge=1)] | None = None
    tokens: Annotated[int, Field(ge=1)] | None = None
    cost: Annotated[float, Field(gt=0.0)] | None = None
    prices: Prices = Prices()

    @model_validator(mode="after")
    def _cost_needs_prices(self) -> Budget:
        if self.cost is not None and (self.prices.prompt is None or self.prices.completion is None):
            raise ValueError("a cap on money needs the price of a million prompt and completion tokens")
        return self

    def check_prices(self, judged: bool) -> None:
        """Refuse a cap on money that could not be kept.

        Raises
        ------
        DryRunError
            A judge is asked (`judged`), and what it costs is not known.
        """
        known = self.prices.judge_prompt is not None and self.prices.judge_completion is not None
        if self.cost is not None and judged and not known:
            raise DryRunError(
                "--max-cost: the grader asks a judge, so a cap on money needs the judge's prices too "
                "(--judge-price PROMPT COMPLETION; 0 0 if it costs nothing)."
            )

    @property
    def capped(self) -> bool:
        """Whether there is any cap."""
        return not (self.calls is None and self.tokens is None and self.cost is None)

    def exhausted(self, spent: RunStatus, in_flight: int = 0) -> str:
        """The sentence that says which cap is met; ``""`` while none is.

        Parameters
        ----------
        spent : RunStatus
        in_flight : int
            Calls that were made and have not come back.
        """
        tokens = tokens_of(spent)
        cost = self.prices.cost(spent)
        if self.calls is not None and spent.all_calls + in_flight >= self.calls:
            return f"The budget of {self.calls:,} calls is spent."
        if self.tokens is not None and tokens >= self.tokens:
            return f"The budget of {self.tokens:,} tokens is spent ({tokens:,} used)."
        if self.cost is not None and cost is not None and cost >= self.cost:
            return f"The budget of ${self.cost:,.2f} is spent (${cost:,.2f})."
        return ""

    def room(self, spent: RunStatus, under_way: Iterable[RequestSize], asked: Sequence[RequestSize]) -> int:
        """The number of requests, in order, that a batch may hold without passing a cap even at worst.

        Parameters
        ----------
        spent : RunStatus
        under_way : iterable of RequestSize
            Requests in batches whose answers have not been counted yet.
        asked : sequence of RequestSize

        Raises
        ------
        DryRunError
            Tokens or money are capped, and nothing caps the length of an answer.
        """
        before = [*under_way]
        calls = spent.all_calls + len(before)
        tokens = tokens_of(spent) + sum(map(self._tokens, before))
        cost = (self.prices.cost(spent) or 0.0) + sum(map(self._cost, before))
        for number, size in enumerate(asked):
            calls, tokens, cost = calls + 1, tokens + self._tokens(size), cost + self._cost(size)
            limits = ((self.calls, calls), (self.tokens, tokens), (self.cost, cost))
            if any(cap is not None and used > cap for cap, used in limits):
                return number
        return len(asked)

    def _tokens(self, size: RequestSize) -> int:
        if size.completion is not None:
            return size.prompt + size.completion
        if self.tokens is None and self.cost is None:
            return 0
        raise DryRunError(
            "A batch cannot be stopped half-way, so a cap on tokens or money is kept before it is submitted, "
            "and that needs a cap on the length of an answer: set the maximum of completion tokens."
        )

    def _cost(self, size: RequestSize) -> float:
        return self.prices.worst(size, batch=True) or 0.0


def tokens_of(spent: RunStatus) -> int:
    """All tokens, the judge's included."""
    base = spent.prompt_tokens + spent.completion_tokens
    return base + spent.judge_prompt_tokens + spent.judge_completion_tokens


def receipt(spent: RunStatus, prices: Prices | None = None) -> str:
    """What a run has cost so far, over all its sessions, in one sentence."""
    retries = spent.attempts - spent.answers if spent.answers else 0
    calls = plural(spent.attempts, "call") + (f" ({retries:,} of them retries)" if retries > 0 else "")
    tokens = f"{spent.prompt_tokens:,} prompt and {spent.completion_tokens:,} completion tokens"
    uncounted = not (spent.prompt_tokens or spent.completion_tokens) and spent.sampled > spent.reused
    if uncounted:
        tokens = "whose tokens the endpoint did not count"
    words = f"Spent: {calls}, {tokens}"
    if spent.batched:
        words += f", {spent.batched:,} of the calls in batches at half the price"
    if spent.judged:
        judge = spent.judge_prompt_tokens + spent.judge_completion_tokens
        words += f"; {plural(spent.judged, 'judge call')}, {judge:,} tokens"
    cost = None if uncounted or prices is None or prices == Prices() else prices.cost(spent)
    if cost is not None:
        words += f"; ${cost:,.4f}"
    if spent.abandoned:
        cut_off = plural(spent.abandoned, "call")
        words += f". Cut off when the run ended: {cut_off} of unknown price, which may have been billed"
    return f"{words}."


UNKNOWN = 8
"""Calls under way at most while the cost of a call is not known yet."""
ALL_SPENT = "The budget of all shards is spent."
More = Callable[[RunStatus], Awaitable[Budget | None]]
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
    more : callable, optional
        Gives a larger budget for what was spent, None where there is none. Default: `budget` is all.
    """

    def __init__(
        self,
        budget: Budget,
        spending: Callable[[], tuple[RunStatus, int]],
        judge_calls: int,
        more: More | None = None,
    ) -> None:
        self._budget, self._spending, self._judge_calls = budget, spending, judge_calls
        self._more, self._shared, self._growing = more, more is not None, asyncio.Lock()
        self._sampling = self._grading = self._graded = 0
        self._judged_before = spending()[0].judged
        self._changed = asyncio.Event()
        self.spent = ""
        """The sentence that says which cap is met; ``""`` while none is."""

    async def admit(self, samples: int, grades: int, elsewhere: int = 0) -> bool:
        """Wait until there is room for these responses and grades, and take it; False once a cap is met.

        Parameters
        ----------
        samples, grades : int
        elsewhere : int
            Calls under way that were not admitted here.
        """
        if not self._judge_calls:
            grades = 0
        if not (samples or grades):
            return True  # a grade without a judge costs nothing
        while self._budget.capped and not self.met(elsewhere):
            if self._fits(samples, grades, elsewhere):
                break
            early = self._too_early(self._sampling + samples, self._grading + grades)
            if not early and await self._grown(samples, grades, elsewhere):
                continue
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
        """Note that this number of admitted calls has ended, whether they succeeded or not."""
        self._sampling -= samples
        self._grading -= grades if self._judge_calls else 0
        self._graded += grades
        self._changed.set()

    async def _grown(self, samples: int, grades: int, elsewhere: int) -> bool:
        """Whether the budget has become larger; the first who lacks room asks for all."""
        async with self._growing:
            if self._more is None or self._fits(samples, grades, elsewhere):
                return self._more is not None
            larger = await self._more(self._spending()[0])
            if larger is None:
                self._more = None
                return False
            self._budget = larger
            self._changed.set()
            return True

    def met(self, elsewhere: int = 0) -> bool:
        """Whether what was spent has met a cap, and no larger budget is given."""
        if self._budget.capped and not self.spent:
            spent, unmeasured = self._spending()
            if self._more is None:
                words = self._budget.exhausted(spent, elsewhere)
                self.spent = ALL_SPENT if words and self._shared else words
            if unmeasured and not (self._budget.tokens is None and self._budget.cost is None):
                self.spent = self.spent or UNMEASURED
        return bool(self.spent)

    def _fits(self, samples: int, grades: int, elsewhere: int) -> bool:
        (spent, _), budget = self._spending(), self._budget
        samples, grades = self._sampling + samples, self._grading + grades
        judge_calls = grades * self._calls_per_grade(spent)
        calls = spent.all_calls + elsewhere + samples + judge_calls
        if budget.calls is not None and calls > budget.calls:
            return False
        if budget.tokens is None and budget.cost is None:
            return True
        return not self._too_early(samples, grades) and self._fit_by_average(spent, samples, judge_calls)

    def _too_early(self, samples: int, grades: int) -> bool:
        """Whether this number of calls under way is too many while the cost of a call is not known."""
        if self._budget.tokens is None and self._budget.cost is None:
            return False
        spent, _ = self._spending()
        unknown = (samples if not spent.answers else 0) + (grades if not spent.judged else 0)
        return unknown > max(UNKNOWN, 1 + self._judge_calls)

    def _calls_per_grade(self, spent: RunStatus) -> float:
        """Calls that a grade takes, by this session's grades: a judge may be asked twice, or retried."""
        made = spent.judged - self._judged_before
        return max(self._judge_calls, made / self._graded if self._graded else 0.0)

    def _fit_by_average(self, spent: RunStatus, samples: int, judge_calls: float) -> bool:
        """Whether tokens and money suffice if every call under way costs the average so far."""
        base, judge = 1 + samples / max(spent.answers, 1), 1 + judge_calls / max(spent.judged, 1)
        then = replace(
            spent,
            prompt_tokens=round(base * spent.prompt_tokens),
            completion_tokens=round(base * spent.completion_tokens),
            judge_prompt_tokens=round(judge * spent.judge_prompt_tokens),
            judge_completion_tokens=round(judge * spent.judge_completion_tokens),
        )
        if self._budget.tokens is not None and tokens_of(then) > self._budget.tokens:
            return False
        return self._budget.cost is None or (self._budget.prices.cost(then) or 0.0) <= self._budget.cost


class SessionShare(Protocol):
    """One session's part of what all have."""

    def part(self, calls: int) -> int:
        """This session's part of a number of calls at once, 1 or more."""

    def steer(self, pace: Pace) -> None:
        """Keep the calls to the endpoint that all ask within this session's part, and hold them when a
        server has told any session to wait."""

    async def more(self, spent: RunStatus) -> Budget | None:
        """A larger budget for the session, over all sessions of its run; None where all is spent.

        It waits while other sessions hold what they may hand back.
        """
