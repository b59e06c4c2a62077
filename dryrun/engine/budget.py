"""What a run may spend, and what it has spent: calls, tokens, and money where prices are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field, model_validator

from dryrun.core.config import Frozen
from dryrun.core.errors import DryRunError
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
        """US dollars of these tokens; None if a price is missing of which tokens were used."""
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
        """The same of a judge's calls."""
        return Prices(prompt=self.judge_prompt, completion=self.judge_completion).worst(size, batch=False)


class Budget(Frozen):
    """Caps over all sessions of a run. A run that meets one stops cleanly; its report covers what is done.

    Calls in flight are finished. What they will cost is told from the average so far (`dryrun.engine.caps`),
    so tokens and money may pass their cap by what a few calls cost more than that.
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
        if self.calls is not None and spent.attempts + spent.judged + in_flight >= self.calls:
            return f"The budget of {self.calls:,} calls is spent."
        if self.tokens is not None and tokens >= self.tokens:
            return f"The budget of {self.tokens:,} tokens is spent ({tokens:,} used)."
        if self.cost is not None and cost is not None and cost >= self.cost:
            return f"The budget of ${self.cost:,.2f} is spent (${cost:,.2f})."
        return ""

    def room(self, spent: RunStatus, under_way: Iterable[RequestSize], asked: Sequence[RequestSize]) -> int:
        """How many of the requests, in order, a batch may hold without passing a cap even at worst.

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
        calls = spent.attempts + spent.judged + len(before)
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
    calls = f"{spent.attempts:,} {'call' if spent.attempts == 1 else 'calls'}" + (
        f" ({retries:,} of them retries)" if retries > 0 else ""
    )
    words = (
        f"Spent: {calls}, {spent.prompt_tokens:,} prompt and {spent.completion_tokens:,} completion tokens"
    )
    if spent.batched:
        words += f", {spent.batched:,} of the calls in batches at half the price"
    if spent.judged:
        judge = spent.judge_prompt_tokens + spent.judge_completion_tokens
        words += f"; {spent.judged:,} judge {'call' if spent.judged == 1 else 'calls'}, {judge:,} tokens"
    cost = None if prices is None or prices == Prices() else prices.cost(spent)
    return f"{words}; ${cost:,.4f}." if cost is not None else f"{words}."
