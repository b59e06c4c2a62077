"""What a run may spend, and what it has spent: calls, tokens, and money where prices are known."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from dryrun.config import Frozen
from dryrun.runs import RunStatus

Price = Annotated[float, Field(ge=0.0)]
MILLION = 1_000_000


class Prices(Frozen):
    """US dollars per million tokens, as the provider lists them; None where unknown."""

    prompt: Price | None = None
    completion: Price | None = None
    judge_prompt: Price | None = None
    judge_completion: Price | None = None

    def cost(self, spent: RunStatus) -> float | None:
        """US dollars of these tokens; None if a price is missing of which tokens were used."""
        pairs = (
            (self.prompt, spent.prompt_tokens),
            (self.completion, spent.completion_tokens),
            (self.judge_prompt, spent.judge_prompt_tokens),
            (self.judge_completion, spent.judge_completion_tokens),
        )
        if any(price is None and tokens for price, tokens in pairs):
            return None
        return sum((price or 0.0) * tokens for price, tokens in pairs) / MILLION


class Budget(Frozen):
    """Caps over all sessions of a run. A run that meets one stops cleanly; its report covers what is done.

    Calls in flight are finished, so tokens and money may pass their cap by what these cost.
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


def tokens_of(spent: RunStatus) -> int:
    """All tokens, the judge's included."""
    base = spent.prompt_tokens + spent.completion_tokens
    return base + spent.judge_prompt_tokens + spent.judge_completion_tokens


def receipt(spent: RunStatus, prices: Prices | None = None) -> str:
    """What a run has cost so far, over all its sessions, in one sentence."""
    retries = spent.attempts - spent.answers
    calls = f"{spent.attempts:,} calls" + (f" ({retries:,} of them retries)" if retries > 0 else "")
    words = (
        f"Spent: {calls}, {spent.prompt_tokens:,} prompt and {spent.completion_tokens:,} completion tokens"
    )
    if spent.judged:
        judge = spent.judge_prompt_tokens + spent.judge_completion_tokens
        words += f"; {spent.judged:,} grades by a judge, {judge:,} tokens"
    cost = None if prices is None or prices == Prices() else prices.cost(spent)
    return f"{words}; ${cost:,.4f}." if cost is not None else f"{words}."
