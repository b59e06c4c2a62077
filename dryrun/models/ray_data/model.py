"""A `Model` that vLLM answers on the GPUs of a Ray cluster, through Ray Data's LLM processor.

What a run wants at once goes through one processor as one dataset: a run, or a shard, loads the model once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

from dryrun.core.config import ModelConfig
from dryrun.core.errors import DryRunError, ModelError
from dryrun.core.paths import optional_package
from dryrun.core.records import NO_TEXT, Attempt, Prompt, Sample, SampleOutcome
from dryrun.core.text import one_line
from dryrun.models import OnAttempt, OnNews
from dryrun.models.request import identity, sample_key

AT_ONCE = 20_000
"""Responses that are asked for together at most."""
SETTLED = 0.05
"""Seconds without another request after which those that wait are sent on."""
OK = 200
NO_TOOLS = "The row has tools, which are not given to vLLM here."
CAUSE = re.compile(r"^(?!ray\.)[\w.]+(?:Error|Exception): .*", re.M)
"""The line of Ray's long message that says what went wrong."""

Row = dict[str, Any]
Processor = Callable[[Any], Any]
Build = Callable[[ModelConfig, Callable[[Row], Row], Callable[[Row], Row]], Processor]
"""Builds a Ray Data processor from a configuration, a function from rows to requests, and one from answers to
what is kept."""


def vllm_processor(
    config: ModelConfig, preprocess: Callable[[Row], Row], postprocess: Callable[[Row], Row]
) -> Processor:
    """Ray Data's processor that starts vLLM, ``engine`` of the configuration being its arguments."""
    from ray.data.llm import build_processor, vLLMEngineProcessorConfig

    engine = dict(config.engine or {})
    replicas = engine.pop("replicas", 1)
    settings = vLLMEngineProcessorConfig(
        model_source=config.name,
        engine_kwargs=engine,
        concurrency=replicas,
        should_continue_on_error=True,
    )
    processor: Processor = build_processor(settings, preprocess=preprocess, postprocess=postprocess)
    return processor


class RayDataModel:
    """A `Model` behind a Ray Data processor.

    Parameters
    ----------
    config : ModelConfig
    build : callable, optional
        Makes the processor. Default: vLLM's.

    Raises
    ------
    ModelError
        The configuration asks for what is not passed on to vLLM.
    """

    def __init__(self, config: ModelConfig, build: Build = vllm_processor) -> None:
        _check(config)
        self._config, self._build = config, build
        self._identity = identity(config, "vllm:" + json.dumps(config.engine or {}, sort_keys=True))
        self._waiting: list[tuple[Prompt, int, asyncio.Future[Row]]] = []
        self._arrived, self._closed = asyncio.Event(), threading.Event()
        self._over: DryRunError | None = None
        self._pump: asyncio.Task[None] | None = None
        self.on_attempt: OnAttempt | None = None
        self.on_news: OnNews | None = None

    @property
    def concurrency(self) -> int:
        """How many responses to wait for at once."""
        return AT_ONCE

    @property
    def identity(self) -> Mapping[str, Any]:
        """What determines a response beside the prompt and the rollout."""
        return self._identity

    def sample_key(self, prompt: Prompt, rollout: int) -> str:
        """The fingerprint of all that determines this response."""
        return sample_key(self._identity, self._config, prompt, rollout)

    async def __aenter__(self) -> Self:
        ray = imported_ray()
        if not ray.is_initialized():
            await asyncio.to_thread(join_cluster, ray)
        self._processor = self._build(self._config, _request_of, _answer_of)
        self._pump = asyncio.create_task(self._send_on())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._closed.set()
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)

    async def generate(self, prompt: Prompt, rollout: int) -> Sample:
        """One response; `FAILED` where vLLM could not answer this prompt.

        Raises
        ------
        ModelError
            Ray or vLLM gave up on all.
        """
        if self._over is not None:
            raise self._over
        if prompt.item.get("tools"):
            return self._sample(prompt, rollout, {"error": NO_TOOLS})
        began, future = time.perf_counter(), asyncio.get_running_loop().create_future()
        self._waiting.append((prompt, rollout, future))
        self._arrived.set()
        answer: Row = await future
        return self._sample(prompt, rollout, answer, time.perf_counter() - began)

    def end(self, error: DryRunError) -> None:
        """From now on nothing is asked: `generate` raises `error` instead."""
        self._over = self._over or error
        self._closed.set()

    async def last_answers(self) -> None:
        """Nothing is paid for: what is under way is left."""

    async def _send_on(self) -> None:
        """Send those on that wait, together, for as long as the task lives."""
        while True:
            await self._arrived.wait()
            count = -1
            while count != len(self._waiting):
                count = len(self._waiting)
                await asyncio.sleep(SETTLED)
            self._arrived.clear()
            waiting, self._waiting = self._waiting, []
            if self.on_news is not None:
                self.on_news(f"vLLM starts, and generates {len(waiting):,} responses.")
            await self._process(waiting)

    async def _process(self, waiting: list[tuple[Prompt, int, asyncio.Future[Row]]]) -> None:
        requests = [
            {"number": number, "request": json.dumps(self._request(prompt, rollout))}
            for number, (prompt, rollout, _) in enumerate(waiting)
        ]
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def settle(rows: list[Row]) -> None:
            for row in rows:
                future = waiting[row["number"]][2]
                if not future.done():
                    future.set_result(row)

        def give_up(words: str) -> None:
            error = ModelError(f"Ray Data gave up on the model {self._config.name}: {words}")
            for _, _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            ended.set()

        def work() -> None:
            words = "it ended before every response was there. Resume asks for the rest."
            try:
                for rows in self._answers(requests):
                    loop.call_soon_threadsafe(settle, rows)
            except Exception as error:  # vLLM's and Ray's own: whatever it is ends the run in words
                cause = CAUSE.search(str(error))
                words = one_line(cause[0] if cause else str(error).strip().partition("\n")[0])[:300]
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(give_up, words)

        # No thread of a pool: asyncio would wait for it where the run is cancelled.
        threading.Thread(target=work, daemon=True, name="ray-data").start()
        await ended.wait()

    def _answers(self, requests: list[Row]) -> Iterator[list[Row]]:
        """Rows of answers as they come; ends early once the model is closed."""
        import pyarrow as pa
        import ray.data

        asked = ray.data.from_arrow(pa.Table.from_pylist(requests))
        for batch in self._processor(asked).iter_batches(batch_size=None, batch_format="pyarrow"):
            yield batch.to_pylist()
            if self._closed.is_set():
                return

    def _request(self, prompt: Prompt, rollout: int) -> Row:
        config = self._config
        sampling: Row = {"max_tokens": config.max_completion_tokens}
        own: Row = {"temperature": config.temperature, "top_p": config.top_p}
        own["seed"] = None if config.seed is None else config.seed + rollout
        sampling |= {name: value for name, value in own.items() if value is not None}
        return {"messages": list(prompt.messages), "sampling_params": sampling}

    def _sample(self, prompt: Prompt, rollout: int, answer: Row, seconds: float = 0.0) -> Sample:
        key, error, text = (
            self.sample_key(prompt, rollout),
            answer.get("error") or "",
            answer.get("text") or "",
        )
        if error:
            sample = Sample(key, rollout, SampleOutcome.FAILED, error=one_line(error)[:300], seconds=seconds)
        else:
            cut = answer["answered"] >= (self._config.max_completion_tokens or 0)
            whole = SampleOutcome.ANSWERED if text.strip() else SampleOutcome.EMPTY
            sample = Sample(
                key,
                rollout,
                SampleOutcome.TRUNCATED if cut else whole,
                text=text,
                finish_reason="length" if cut else "stop",
                prompt_tokens=answer["asked"],
                completion_tokens=answer["answered"],
                seconds=seconds,
                note=NO_TEXT if whole is SampleOutcome.EMPTY and not cut else "",
            )
        if self.on_attempt is not None:
            tokens = (sample.prompt_tokens, sample.completion_tokens)
            status = None if error else OK
            self.on_attempt(Attempt(key, 1, sample.outcome.value, status, sample.error, seconds, *tokens))
        return sample


def _request_of(row: Row) -> Row:
    """What vLLM is asked; the number comes back with the answer."""
    asked: Row = json.loads(row["request"])
    return {**asked, "number": row["number"]}


def _answer_of(row: Row) -> Row:
    return {
        "number": row["number"],
        "text": row.get("generated_text") or "",
        "asked": row.get("num_input_tokens") or 0,
        "answered": row.get("num_generated_tokens") or 0,
        "error": row.get("__inference_error__") or "",
    }


def _check(config: ModelConfig) -> None:
    if config.max_completion_tokens is None:
        raise ModelError("vLLM needs a cap on the length of an answer: set the maximum of completion tokens.")
    for name in ("reasoning_effort", "response_format"):
        if getattr(config, name) is not None:
            raise ModelError(f"{name} is not passed on to vLLM: leave it out, or ask an endpoint.")


INSTALL = "Ray is not installed: pip install -r requirements-ray.txt (or pip install 'dryrun[ray]')."
QUIET: Mapping[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}


def imported_ray() -> Any:
    """The module.

    Raises
    ------
    DryRunError
        Ray is not installed.
    """
    return optional_package("ray", "init", INSTALL)


def join_cluster(ray: Any, place: str = "ray") -> None:
    """Join a cluster, or start one.

    Parameters
    ----------
    ray : module
    place : str
        ``ray``: the cluster that `RAY_ADDRESS` names or that ``ray start`` started on this machine, else one
        started here that ends with this process. ``ray://HOST:PORT``: a cluster through its client server.

    Raises
    ------
    DryRunError
        No cluster answers there.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(None if place == "ray" else place, **QUIET)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        words = str(error).strip().split("\n")[0].rstrip(".")
        where, then = place, "A cluster with tokens wants RAY_AUTH_MODE=token."
        if place == "ray":
            where = os.environ.get("RAY_ADDRESS", "this machine")
            then += " RAY_ADDRESS=local starts one here."
        raise DryRunError(f"No Ray cluster answers at {where} ({words}). {then}") from error
