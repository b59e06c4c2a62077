"""The base model that needs no account: SmolLM2-135M-Instruct, answered by llama.cpp on this machine."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, Self

from dryrun.core.config import ModelConfig
from dryrun.core.errors import DryRunError, ModelError
from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import ABANDONED, Attempt, Prompt, Sample, SampleOutcome
from dryrun.models import OnAttempt, OnNews
from dryrun.models.embedded.server import SLOTS, Address, LlamaServer, shared_server
from dryrun.models.embedded.weights import Say, ensure_weights, weights_sha256
from dryrun.models.endpoint import EndpointModel
from dryrun.models.pace import RetryPolicy
from dryrun.models.request import identity, sample_key

DEFAULT_MAX_TOKENS = 128
"""Cap on a response when none is set: a model this small may otherwise ramble until its context is full."""

SEEDS = 2**32 - 1
"""llama.cpp takes 32 bits, and the largest value means "at random"."""

NO_DEADLINE = 7 * 86_400.0
"""Seconds for a call: none that matters. A slow machine fails no call; a server that stands still does."""

STILL_SECONDS = 60.0
"""A server that uses no processor time for these seconds while a call waits is started again."""

TRIES_PER_CALL = 3
"""Servers that may die under one call before it is given up: the call may be what kills them."""

DEATH_SECONDS = 1.0
"""A killed process closes its connections a moment before it counts as dead."""

NO_RETRIES = RetryPolicy(retries=0, first_contact_retries=0)


@dataclass(frozen=True, slots=True)
class _Incarnation:
    """A model open on one incarnation of the server."""

    server: LlamaServer
    model: EndpointModel
    generation: int


class EmbeddedModel:
    """A `Model` in a process of its own on this machine.

    Parameters
    ----------
    config : ModelConfig
        `base_url` and `timeout` do not matter.
    say : callable, optional
        Called with sentences of progress while the weights are fetched.

    Notes
    -----
    Left unset, the temperature is llama.cpp's 0.8; it also keeps only the 40 likeliest tokens
    (top_k), within 0.95 of the probability (top_p) and above 0.05 of the likeliest one's (min_p).
    `max_completion_tokens` is 128 when unset. Each response has a seed of its own: the configured
    one plus the rollout, else one derived from the messages and the rollout. So a repeated run
    samples alike, up to rounding that depends on which responses were computed side by side.
    """

    def __init__(self, config: ModelConfig, say: Say = lambda _: None) -> None:
        cap = config.max_completion_tokens or DEFAULT_MAX_TOKENS
        self._config = config.model_copy(
            update={"max_completion_tokens": cap, "timeout": NO_DEADLINE, "base_url": None}
        )
        self.on_attempt: OnAttempt | None = None
        self.on_news: OnNews | None = None
        self._say = say
        self._identity: dict[str, Any] | None = None
        self._current: _Incarnation | None = None
        self._stack = AsyncExitStack()
        self.still_seconds = STILL_SECONDS
        self._lock = asyncio.Lock()

    @property
    def concurrency(self) -> int:
        """How many calls to keep in flight: one for each slot of the server."""
        return min(self._config.concurrency or SLOTS, SLOTS)

    @property
    def identity(self) -> dict[str, Any]:
        """What determines every response of a run beside its prompts and rollouts, as JSON.

        Raises
        ------
        ModelError
            ``DRYRUN_GGUF`` names no GGUF file.
        """
        if self._identity is None:
            self._identity = identity(self._config, f"embedded:{weights_sha256()}")
        return self._identity

    def sample_key(self, prompt: Prompt, rollout: int) -> str:
        """The fingerprint of all that determines this response; the server's port and key are not in it."""
        return sample_key(self.identity, self._config, prompt, rollout)

    def seed(self, prompt: Prompt, rollout: int) -> int:
        """The seed of one response, in 0..2**32 - 2."""
        if self._config.seed is not None:
            return (self._config.seed + rollout) % SEEDS
        return int(fingerprint([prompt.messages, rollout])[:8], 16) % SEEDS

    async def __aenter__(self) -> Self:
        unwanted = threading.Event()
        try:
            server, address = await asyncio.to_thread(self._acquire, unwanted)
        except asyncio.CancelledError:
            unwanted.set()
            raise
        self._stack.callback(server.release)
        try:
            await self._enter(server, address)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        self._current = None
        await self._stack.aclose()

    async def generate(self, prompt: Prompt, rollout: int) -> Sample:
        """One response. If the server dies meanwhile it is started again, and the call made again.

        Raises
        ------
        ModelError
            The server does not start again, or has died too often.
        """
        attempts = 0
        while True:
            now = self._now()
            result = await self._try(now, prompt, rollout)
            attempts += 1
            if isinstance(result, Sample) and result.outcome is not SampleOutcome.FAILED:
                now.server.answered()
                return replace(result, attempts=attempts)
            if not await self._died(now, result):
                if isinstance(result, ModelError):
                    raise result
                return replace(result, attempts=attempts)
            if attempts == TRIES_PER_CALL:
                return self._deadly(prompt, rollout, attempts)
            await self._restart(now.generation)

    def end(self, error: DryRunError) -> None:
        """From now on nothing is asked: `generate` raises `error` instead. Calls in flight go on."""
        self._now().model.end(error)

    async def last_answers(self) -> None:
        """After `end`: wait a few seconds, at most, for the calls in flight."""
        await self._now().model.last_answers()

    def _acquire(self, unwanted: threading.Event) -> tuple[LlamaServer, Address]:
        """The shared server, started. Blocks."""
        server = shared_server(ensure_weights(self._say))
        # The weights are hashed here, not on the event loop: another GGUF may be large.
        _ = self.identity
        address = server.acquire()
        if unwanted.is_set():
            server.release()
        return server, address

    async def _try(self, now: _Incarnation, prompt: Prompt, rollout: int) -> Sample | ModelError:
        watch = asyncio.create_task(self._watch(now))
        try:
            return await now.model.generate(prompt, rollout)
        except ModelError as error:
            return error
        finally:
            watch.cancel()

    async def _watch(self, now: _Incarnation) -> None:
        """End this incarnation of the server if it stands still, for as long as the task lives."""
        before = None
        while True:
            used = await asyncio.to_thread(now.server.cpu_time)
            if used and used == before:
                now.server.kill(now.generation)
            before = used
            await asyncio.sleep(self.still_seconds)

    async def _died(self, now: _Incarnation, result: Sample | ModelError) -> bool:
        """Whether the call failed because its server is dead."""
        if isinstance(result, Sample) and result.status is not None:
            return False
        return await asyncio.to_thread(now.server.died, now.generation, DEATH_SECONDS)

    async def _restart(self, generation: int) -> None:
        async with self._lock:
            now = self._now()
            if now.generation == generation:
                await self._enter(now.server, await asyncio.to_thread(now.server.after_death, generation))

    async def _enter(self, server: LlamaServer, address: Address) -> None:
        model = EndpointModel(
            self._config.model_copy(update={"base_url": address.url}),
            address.api_key,
            policy=NO_RETRIES,
            endpoint=self.identity["endpoint"],
            seed_of=self.seed,
            trusted=True,
        )
        model.on_attempt = self._heard
        self._current = _Incarnation(server, await self._stack.enter_async_context(model), address.generation)

    def _heard(self, attempt: Attempt) -> None:
        if self.on_attempt is not None and attempt.outcome != ABANDONED:  # nobody bills what ran here
            self.on_attempt(attempt)

    def _deadly(self, prompt: Prompt, rollout: int, attempts: int) -> Sample:
        return Sample(
            key=self.sample_key(prompt, rollout),
            rollout=rollout,
            outcome=SampleOutcome.FAILED,
            error=f"The embedded model's server died {attempts} times while it answered this prompt",
            attempts=attempts,
        )

    def _now(self) -> _Incarnation:
        if self._current is None:
            raise RuntimeError("the model is not open: use it inside `async with`")
        return self._current
