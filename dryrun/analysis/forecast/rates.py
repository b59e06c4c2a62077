"""What places publish of the price of such a training, each with its page and when it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
