"""Any OpenAI-compatible chat endpoint, through Chat Completions."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from dryrun.core.config import ModelConfig
from dryrun.core.errors import DryRunError, ModelError
from dryrun.core.records import ABANDONED, NO_TEXT, Attempt, Prompt, Sample, SampleOutcome
from dryrun.models import LAST_ANSWERS, OnAttempt, OnEnd, OnNews
from dryrun.models.batch_api import REQUEST_URL, BatchApi, request_line
from dryrun.models.client import Client, HttpAnswer, checked_key, redact
from dryrun.models.faults import AT_CAP, CROWDED, NO_CHOICES, NOT_JSON, Fault, FaultKind, reply_or_fault
from dryrun.models.pace import Pace, RetryPolicy, Signal, announced_pause
from dryrun.models.reply import Answerers, Reply
from dryrun.models.request import (
    CAP,
    RequestSize,
    identity,
    left_out_note,
    refused_parameter,
    request_body,
    request_size,
    sample_key,
)
from dryrun.models.silence import Silence, fatal_sentence, silence_sentence
from dryrun.models.urls import normalise_base_url

OK, BAD_REQUEST, TOO_MANY = 200, 400, 429
LOADING_PAUSE = 15.0
"""Longest wait between two looks at a server that loads its model, in seconds."""

SeedOf = Callable[[Prompt, int], int | None]
SAMPLE_PARTS = [name for name in Reply.__slots__ if name != "model"]


@dataclass(frozen=True, slots=True)
class _Call:
    """The record of one call: its sample, what was sent differently, what came back, how long it took."""

    key: str
    left_out: frozenset[str]
    body: dict[str, Any]
    result: Reply | Fault
    seconds: float


@dataclass(frozen=True, slots=True)
class BatchRow:
    """The batch and the request that an answer belongs to.

    Attributes
    ----------
    batch : str
        The batch's id.
    number : int
        Which request for that sample, from 1.
    left_out : frozenset of str
        Parameters that were not sent.
    """

    batch: str
    number: int
    left_out: frozenset[str] = frozenset()


class EndpointModel:
    """A `Model` behind an OpenAI-compatible base URL.

    Parameters
    ----------
    config : ModelConfig
        Its `base_url` must be set.
    api_key : str
        ``""`` for a server that needs none. Never stored, shown or logged.
    policy : RetryPolicy, optional
        When failed calls are tried again.
    endpoint : str, optional
        Name of the endpoint in sample keys. Default: the normalised base URL.
    seed_of : callable, optional
        (prompt, rollout) -> seed to send, or None. Default: the configured seed plus the rollout,
        since with one seed all rollouts would be equal.
    trusted : bool
        Whether the URL is this process's own server, which a hosted app may call too.

    Raises
    ------
    ModelError
        The base URL or the key cannot be used as it is.
    """

    def __init__(
        self,
        config: ModelConfig,
        api_key: str = "",
        *,
        policy: RetryPolicy | None = None,
        endpoint: str | None = None,
        seed_of: SeedOf | None = None,
        trusted: bool = False,
    ) -> None:
        if config.base_url is None:
            raise ModelError("The model has no base URL: give one like https://api.openai.com/v1")
        self._base_url = normalise_base_url(config.base_url)
        self._config = config.model_copy(update={"base_url": self._base_url})
        self._api_key = checked_key(api_key)
        self._client = Client(self._base_url, self._api_key, trusted=trusted)
        self._policy = policy or RetryPolicy()
        self._identity = identity(self._config, endpoint or self._base_url)
        self._seed_of = seed_of or (lambda _, rollout: None if config.seed is None else config.seed + rollout)
        self._left_out: frozenset[str] = frozenset()
        self._contacted = False
        self._in_vain = 0
        self._over: DryRunError | None = None
        self._patience = 0.0
        self.pace = Pace(config.concurrency)
        self._silence, self._answerers = Silence(), Answerers(config.name)
        self.on_news: OnNews | None = None
        self.on_attempt: OnAttempt | None = None
        self.on_end: OnEnd | None = None
        """Called at once with the fault that ends everything; `generate` raises it after the last answers."""

    def __repr__(self) -> str:
        return f"EndpointModel({self._config.name!r} at {self._base_url})"

    @property
    def concurrency(self) -> int:
        """How many samples to work on at once: a few more than calls in flight, since some wait to retry."""
        return self.pace.most + self.pace.most // 2

    @property
    def identity(self) -> dict[str, Any]:
        """What determines every response of a run beside its prompts and rollouts, as JSON."""
        return self._identity

    def sample_key(self, prompt: Prompt, rollout: int) -> str:
        """The fingerprint of all that determines this response."""
        return sample_key(self._identity, self._config, prompt, rollout)

    async def __aenter__(self) -> Self:
        await self._client.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.close()

    async def generate(self, prompt: Prompt, rollout: int) -> Sample:
        """One response, after retries.

        Returns
        -------
        Sample
            With outcome `FAILED` if no call gave a response.

        Raises
        ------
        ModelError
            A fault that every later call would meet too: wrong key, unknown model, no quota, or
            an endpoint that never answered anything.
        """
        attempts = failures = 0
        while True:
            attempts += 1
            call = await self._call(prompt, rollout, attempts)
            self._tell(attempts, call)
            if isinstance(call.result, Reply):
                self._check_cap(call.result, call.body)
                return self._sample(rollout, call, attempts)
            if self._leave_out(call.result, call.body):
                continue
            failures += not self._all_wait(call.result, call.seconds)
            try:
                pause = self._pause(call.result, failures, call.seconds)
            except ModelError as error:
                self.end(error)
                await self.last_answers()
                raise
            if pause is None:
                return self._sample(rollout, call, attempts)
            await asyncio.sleep(pause)

    @property
    def batches(self) -> BatchApi:
        """The endpoint's other way to be asked; only while the model is open."""
        return BatchApi(self._client, self._policy)

    @property
    def base_url(self) -> str:
        """The endpoint, in its one spelling."""
        return self._base_url

    @property
    def left_out(self) -> frozenset[str]:
        """The parameters that the endpoint has refused by name so far."""
        return self._left_out

    def leave_out(self, names: Iterable[str]) -> None:
        """Send these parameters no more: an earlier session of the run learned that they are refused."""
        self._left_out |= frozenset(names)

    def batch_line(self, prompt: Prompt, rollout: int) -> bytes:
        """The request that `generate` would make, as a row of a batch's input file."""
        body = request_body(self._config, prompt, self._seed_of(prompt, rollout), self._left_out)
        return request_line(self.sample_key(prompt, rollout), REQUEST_URL, body)

    def batch_size(self, prompt: Prompt) -> RequestSize:
        """The tokens that one response to this prompt may cost at worst."""
        return request_size(self._config, prompt)

    def take_row(
        self, prompt: Prompt, rollout: int, answer: HttpAnswer | Fault, row: BatchRow
    ) -> Sample | None:
        """The sample of an answer from a batch, as `generate` would give it.

        Returns
        -------
        Sample or None
            None where the request is to be made again without a parameter that the endpoint refused.
        """
        body = request_body(self._config, prompt, self._seed_of(prompt, rollout), row.left_out)
        call = _Call(self.sample_key(prompt, rollout), row.left_out, body, self._read(answer), 0.0)
        self._tell(row.number, call, row.batch)
        if isinstance(call.result, Fault) and self._leave_out(call.result, body):
            return None
        return self._sample(rollout, call, row.number)

    def redacted(self, text: str) -> str:
        """Somebody else's words without the API key."""
        return redact(text, self._api_key)

    def fatal(self, fault: Fault) -> ModelError:
        """The error that ends a run for this fault."""
        return ModelError(self.redacted(fatal_sentence(fault, self._base_url, self._config.name)))

    async def _call(self, prompt: Prompt, rollout: int, number: int) -> _Call:
        await self.pace.enter()
        if self._over is not None:
            self.pace.leave(Signal.TROUBLED)
            await self.last_answers()
            raise self._over
        signal, pause = Signal.TROUBLED, None
        began = time.perf_counter()
        try:
            left_out = self._left_out  # a call before this one may have learned more
            body = request_body(self._config, prompt, self._seed_of(prompt, rollout), left_out)
            answer = await self._client.ask("/chat/completions", body, self._config.timeout)
            signal, pause = _signal(answer)
        except asyncio.CancelledError:
            if self.on_attempt is not None:
                key, seconds = self.sample_key(prompt, rollout), time.perf_counter() - began
                self.on_attempt(Attempt(key, number, ABANDONED, seconds=seconds))
            raise
        finally:
            self.pace.leave(signal, pause)
        seconds = time.perf_counter() - began
        return _Call(self.sample_key(prompt, rollout), left_out, body, self._read(answer), seconds)

    def end(self, error: DryRunError) -> None:
        """From now on nothing is asked: `generate` raises `error` instead. Calls in flight go on."""
        if self._over is None:
            self._over, self._patience = error, asyncio.get_running_loop().time() + LAST_ANSWERS
            if self.on_end is not None:
                self.on_end(error)

    async def last_answers(self) -> None:
        """After `end`: wait `LAST_ANSWERS` seconds, at most, for the calls in flight. They are paid for."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._patience):
                await self.pace.emptied()

    def _tell(self, number: int, call: _Call, batch: str = "") -> None:
        if self.on_attempt is None:
            return
        key, result, seconds = call.key, call.result, call.seconds
        if isinstance(result, Reply):
            tokens = (result.prompt_tokens, result.completion_tokens)
            attempt = Attempt(key, number, result.outcome.value, OK, "", seconds, *tokens, batch)
        else:
            fault = (result.kind.value, result.status, result.message)
            attempt = Attempt(key, number, *fault, seconds, *result.usage, batch)
        self.on_attempt(attempt)

    def _read(self, answer: HttpAnswer | Fault) -> Reply | Fault:
        if isinstance(answer, HttpAnswer):
            result = reply_or_fault(answer.content, self._config.max_completion_tokens)
            self._contacted = (
                self._contacted or isinstance(result, Reply) or result.code not in (NOT_JSON, NO_CHOICES)
            )
            if isinstance(result, Reply):
                self._news(self._silence.broken())
                self._news(self._answerers.news(result.model))
                return result
            answer = result
        self._contacted = self._contacted or answer.status is not None or answer.code == CROWDED
        if answer.code == AT_CAP:
            return Reply(SampleOutcome.TRUNCATED, "", (), "length", None, None)
        return replace(answer, message=self.redacted(answer.message))

    def _leave_out(self, fault: Fault, body: Mapping[str, Any]) -> bool:
        """Whether the call is to be made again without a parameter that the endpoint refused by name."""
        refused = refused_parameter(fault, body)
        if refused is not None and refused not in self._left_out:
            self._news(f"The endpoint's own way: {left_out_note(frozenset({refused}))}.")
            self._left_out |= {refused}
        return refused is not None

    def _check_cap(self, reply: Reply, body: Mapping[str, Any]) -> None:
        """Use the cap's older name from now on with a server that has not kept to the newer one."""
        if self._passed_cap(reply) and CAP in body and CAP not in self._left_out:
            self._left_out |= {CAP}
            self._news(f"The endpoint does not keep to {CAP}: it is sent as max_tokens from now on.")

    def _news(self, words: str) -> None:
        if words and self.on_news is not None:
            self.on_news(self.redacted(words))

    def _passed_cap(self, reply: Reply) -> bool:
        cap = self._config.max_completion_tokens
        return cap is not None and (reply.completion_tokens or 0) > cap

    def _pause(self, fault: Fault, failures: int, taken: float) -> float | None:
        """Seconds until the next try; None if there is none.

        Raises
        ------
        ModelError
            The fault is one that every later call would meet.
        """
        if fault.kind is FaultKind.FATAL:
            raise self.fatal(fault)
        if not fault.curable:
            return None
        self._news(self._silence.news(fault))
        if fault.waits and self._policy.retries:
            if self._silence.too_long():
                raise ModelError(self.redacted(silence_sentence(fault, self._base_url)))
            if fault.retry_after is not None:
                return self._policy.as_asked(fault.retry_after)
            # The pace of all calls does the rest.
            return 0.0 if fault.status == TOO_MANY else min(LOADING_PAUSE, 5 * failures * self._policy.first)
        if self._all_wait(fault, taken):
            return None if self.pace.down_for > self._policy.patience else 0.0
        pause = self._policy.pause(failures, fault.retry_after, contacted=self._contacted, taken=taken)
        if not self._contacted:
            # All calls in turn wait for a place: this one's own retries could be an hour away.
            self._in_vain += 1
            if pause is None or self._in_vain > (self._policy.first_contact_retries + 1) * self.pace.limit:
                raise self.fatal(fault)
        return pause

    def _all_wait(self, fault: Fault, taken: float) -> bool:
        """Whether the endpoint is down: then no call has tries of its own, and the pace admits a few for all.

        A call that the server asks to wait has, and one that was waited for until its deadline: there the
        endpoint may only be slow.
        """
        own = fault.waits or fault.retry_after is not None or taken >= self._config.timeout
        return self._contacted and self.pace.down and not own

    def _sample(self, rollout: int, call: _Call, attempts: int) -> Sample:
        result, note = call.result, left_out_note(call.left_out)
        parts: dict[str, Any]
        if isinstance(result, Reply):
            other = self.redacted(self._answerers.note(result.model))
            notes = [words for words in (note, other) if words]
            notes += ["longer than the token cap"] * self._passed_cap(result)
            notes += [NO_TEXT] * (result.outcome is SampleOutcome.EMPTY)
            note, parts = "; ".join(notes), {name: getattr(result, name) for name in SAMPLE_PARTS}
        elif result.kind is FaultKind.FILTERED:
            filtered = SampleOutcome.FILTERED
            parts = {"outcome": filtered, "finish_reason": "content_filter", "status": result.status}
        else:  # what another response may do is no refusal of the request
            spoilt = result.curable and result.status == BAD_REQUEST
            status = None if spoilt else result.status
            parts = {"outcome": SampleOutcome.FAILED, "error": result.sentence(), "status": status}
        return Sample(
            key=call.key, rollout=rollout, seconds=call.seconds, attempts=attempts, note=note, **parts
        )


def _signal(answer: HttpAnswer | Fault) -> tuple[Signal, float | None]:
    """What the window learns from an answer, and the pause the server asks for."""
    if isinstance(answer, HttpAnswer):
        return Signal.CLEAN, announced_pause(answer.headers)
    if answer.status == TOO_MANY:
        return Signal.THROTTLED, answer.retry_after
    return (Signal.TROUBLED if answer.curable else Signal.CLEAN), None
