"""Prompts, and a model at a loopback server that is asked them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from dryrun.core.records import Prompt, Sample
from dryrun.models.endpoint import EndpointModel
from dryrun.models.pace import RetryPolicy
from tests.helpers.support import endpoint_config

KEY = "sk-test-0123456789abcdef"

IMPATIENT = RetryPolicy(first=0.01, longest=0.05)
"""As many tries as ever, short waits."""


def make_prompt(text: str = "1 + 1 =", **fields: Any) -> Prompt:
    """A row with one user message and whatever else is given."""
    item: Mapping[str, Any] = {"messages": [{"role": "user", "content": text}], **fields}
    return Prompt(key="0" * 32, row=0, topic="", item=item)


def make_model(base_url: str, **fields: Any) -> EndpointModel:
    """A model named ``fake``; `fields` of its configuration, or `policy` and `api_key`."""
    policy = fields.pop("policy", IMPATIENT)
    key = fields.pop("api_key", KEY)
    return EndpointModel(endpoint_config(base_url, **fields), key, policy=policy)


async def ask_async(model: EndpointModel, *prompts: Prompt) -> list[Sample]:
    """One response to each prompt, all at once."""
    async with model:
        return list(await asyncio.gather(*(model.generate(prompt, 0) for prompt in prompts)))


def ask(base_url: str, prompt: Prompt | None = None, rollout: int = 0, **fields: Any) -> Sample:
    """One response."""

    async def once() -> Sample:
        async with make_model(base_url, **fields) as model:
            return await model.generate(prompt or make_prompt(), rollout)

    return asyncio.run(once())
