"""Where samples come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

from dryrun.core.errors import DryRunError
from dryrun.core.records import Attempt, Prompt, Sample

LAST_ANSWERS = 10.0
"""Seconds that calls in flight have left once every later one would fail."""

OnAttempt = Callable[[Attempt], None]
OnNews = Callable[[str], None]
OnEnd = Callable[[DryRunError], None]


class Model(Protocol):
    """Anything that answers prompts. Opened once, used by many tasks at once, closed once."""

    on_attempt: OnAttempt | None
    """Called after every call to the endpoint, on the event loop; set by the ledger of a run."""

    on_news: OnNews | None
    """Called with a sentence when the endpoint makes a run wait, or does not do as it was asked."""

    @property
    def concurrency(self) -> int:
        """How many calls to keep in flight, at most."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What determines a response beside the prompt and the rollout; JSON, without any secret."""

    def sample_key(self, prompt: Prompt, rollout: int) -> str:
        """The fingerprint of all that determines this response; equal keys may share a sample."""

    async def generate(self, prompt: Prompt, rollout: int) -> Sample:
        """One response. A call that fails becomes a sample with outcome `FAILED`, never an exception;
        a fault that every later call would meet too (wrong key, unknown model) raises `ModelError`."""

    def end(self, error: DryRunError) -> None:
        """From now on nothing is asked: `generate` raises `error` instead. Calls in flight go on."""

    async def last_answers(self) -> None:
        """After `end`: wait a few seconds, at most, for the calls in flight. They are paid for."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: object) -> None: ...
