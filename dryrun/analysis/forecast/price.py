"""Tokens, hours and dollars of a training run, the share that teaches nothing, and published prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from dryrun.analysis.figures.groups import GROUP
from dryrun.analysis.figures.redraw import Interval
from dryrun.core.thresholds import Frozen

MILLION = 1_000_000
HOUR = 3600.0

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class TrainingPlan(Frozen):
    """What the user says of the training.

    Attributes
    ----------
    steps, prompts, group : int
        Steps, prompts of a step, and responses to each prompt.
    limit : int or None
        Tokens of a response, at most.
    prompt_price, completion_price : float or None
        US dollars per million tokens, where tokens are billed.
    hourly_price : float or None
        US dollars for an hour of all machines together, where time is billed.
    tokens_per_second : float or None
        Tokens that all machines together generate.
    seconds_per_step : float or None
        The part of a step beside generation: grading, the update of the weights. Without
        `tokens_per_second` it is the whole step.
    judge_price : float
        US dollars of one grade, where a judge is asked.
    published : str
        Where the prices are those of `dryrun.analysis.forecast.price.RATES`, their name there.
    """

    steps: Count = 200
    prompts: Count = 32
    group: Annotated[int, Field(ge=2)] = GROUP
    limit: Count | None = None
    prompt_price: NotNegative | None = None
    completion_price: NotNegative | None = None
    hourly_price: NotNegative | None = None
    tokens_per_second: Positive | None = None
    seconds_per_step: NotNegative | None = None
    judge_price: NotNegative = 0.0
    published: str = ""

    @model_validator(mode="after")
    def _time_has_a_pace(self) -> Self:
        if self.hourly_price is not None and self.tokens_per_second is None and self.seconds_per_step is None:
            raise ValueError(
                "an hourly price needs a pace: give the tokens per second or the seconds per step"
            )
        return self


@dataclass(frozen=True, slots=True)
class Usage:
    """What the dry run says about one response.

    Attributes
    ----------
    prompt_tokens, completion_tokens : float
        Means; the second under the plan's limit.
    at_least : bool
        Whether responses were cut in the dry run below the plan's limit, so that they are longer.
    usable : float
        Share of groups of the plan's size whose rewards differ.
    usable_interval : Interval
    """

    prompt_tokens: float
    completion_tokens: float
    at_least: bool
    usable: float
    usable_interval: Interval


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the plan comes to. Lengths are the base model's: responses often grow while training goes on.

    Attributes
    ----------
    plan : TrainingPlan
    usage : Usage
    responses : int
    prompt_tokens, completion_tokens : float
        Of the whole training. A prompt counts once for each response.
    hours : float or None
        None without a pace.
    dollars : float or None
        None without prices. Tokens, time and judge together.
    judge_dollars : float
    """

    plan: TrainingPlan
    usage: Usage
    responses: int
    prompt_tokens: float
    completion_tokens: float
    hours: float | None
    dollars: float | None
    judge_dollars: float

    @property
    def useful_groups(self) -> float:
        """Groups of the whole training whose rewards differ, expected."""
        return self.plan.steps * self.plan.prompts * self.usage.usable

    @property
    def dead_share(self) -> float:
        """Share of the groups, and so of the tokens, that teach nothing."""
        return 1.0 - self.usage.usable

    @property
    def dead_dollars(self) -> float | None:
        """What those cost; None without prices."""
        return None if self.dollars is None else self.dead_share * self.dollars

    @property
    def tokens_per_useful_group(self) -> float | None:
        """Prompt and completion tokens drawn for one group that teaches; None where none does."""
        if self.usage.usable <= 0:
            return None
        each = self.usage.prompt_tokens + self.usage.completion_tokens
        return self.plan.group * each / self.usage.usable

    @property
    def fill_factor(self) -> float | None:
        """The factor by which filling each step with groups that teach raises costs; None where none does."""
        return None if self.usage.usable <= 0 else 1.0 / self.usage.usable


def forecast(plan: TrainingPlan, usage: Usage) -> Forecast:
    """Multiply it out."""
    responses = plan.steps * plan.prompts * plan.group
    prompt, completion = responses * usage.prompt_tokens, responses * usage.completion_tokens
    hours = _hours(plan, completion)
    judge = responses * plan.judge_price
    return Forecast(
        plan=plan,
        usage=usage,
        responses=responses,
        prompt_tokens=prompt,
        completion_tokens=completion,
        hours=hours,
        dollars=_dollars(plan, prompt, completion, hours, judge),
        judge_dollars=judge,
    )


def _hours(plan: TrainingPlan, completion: float) -> float | None:
    if plan.tokens_per_second is None and plan.seconds_per_step is None:
        return None
    drawing = completion / plan.tokens_per_second if plan.tokens_per_second is not None else 0.0
    return (drawing + plan.steps * (plan.seconds_per_step or 0.0)) / HOUR


def _dollars(
    plan: TrainingPlan, prompt: float, completion: float, hours: float | None, judge: float
) -> float | None:
    if plan.prompt_price is None and plan.completion_price is None and plan.hourly_price is None:
        return None
    tokens = prompt * (plan.prompt_price or 0.0) + completion * (plan.completion_price or 0.0)
    return tokens / MILLION + (hours or 0.0) * (plan.hourly_price or 0.0) + judge


@dataclass(frozen=True, slots=True)
class PublishedRate:
    """A price that a place has published.

    Attributes
    ----------
    place : str
        Who has published it.
    words : str
        What it is the price of.
    source : str
        The page's address.
    read : str
        When.
    prices : mapping of str to float
        Fields of `dryrun.analysis.forecast.price.TrainingPlan` in US dollars.
    """

    place: str
    words: str
    source: str
    read: str
    prices: Mapping[str, float] = field(default_factory=dict)


RATES: Mapping[str, PublishedRate] = {
    "openai": PublishedRate(
        "OpenAI",
        "OpenAI's training loop, o4-mini; tokens of a judge come on top",
        "https://help.openai.com/en/articles/11323177-billing-guide-for-the-reinforcement-fine-tuning-api",
        "November 2026",
        {"hourly_price": 100.0},
    ),
    "azure": PublishedRate(
        "Azure",
        "Azure's core training time, o4-mini; tokens of a judge come on top, and a job pauses at $5,000. "
        "The page is of July 2025, and later ones call its numbers examples",
        "https://github.com/MicrosoftDocs/azure-ai-docs/blob/0b8db77c593057e475a1230c8148184cdc767852/"
        "articles/ai-foundry/how-to/fine-tuning-cost-management.md",
        "November 2026",
        {"hourly_price": 100.0},
    ),
    "together": PublishedRate(
        "Together",
        "the machines of Together's GRPO quick start",
        "https://docs.together.ai (GRPO quick start)",
        "November 2026",
        {"hourly_price": 56.0},
    ),
    "fireworks-small": PublishedRate(
        "Fireworks, models below 16 billion",
        "Fireworks, models below 16 billion parameters, for which tuning is free",
        "https://docs.fireworks.ai/fine-tuning/managed-finetuning-intro",
        "November 2026",
        {"prompt_price": 0.0, "completion_price": 0.0},
    ),
}
"""By name. No price of Bedrock's was found: its page fills the figures in by script."""


def with_rate(plan: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The fields of a plan with a place's published prices where none was given; the user's own always win.

    Parameters
    ----------
    plan : mapping
        Fields of a `TrainingPlan`; None counts as not given.
    name : str
        One of `RATES`, or ``""``.
    """
    fields = dict(plan)
    prices = RATES[name].prices if name else {}
    if any(fields.get(price) is not None for price in ("prompt_price", "completion_price", "hourly_price")):
        return fields
    return fields | dict(prices) | {"published": name}
