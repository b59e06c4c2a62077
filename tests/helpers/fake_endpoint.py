"""A programmable OpenAI-compatible server on loopback: real HTTP, every fault on request, calls counted.

In a test::

    with FakeEndpoint(answer=lambda body: "4") as endpoint:
        endpoint.script(Reply(status=429, headers={"Retry-After": "0"}))   # the next call only
        ...                                                               # talk to endpoint.base_url
        assert endpoint.calls == 2

As a process of its own, counted through ``GET /stats``::

    python tests/helpers/fake_endpoint.py --port-file port.txt --delay 0.05
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import math
import os
import re
import threading
import urllib.request
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from aiohttp import web

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server does with one request.

    Attributes
    ----------
    text, finish_reason, refusal, tool_calls
        Parts of ``choices[0]`` of a well-formed answer.
    status, headers : int, mapping
        HTTP status and additional headers.
    raw : str, bytes, dict or list, optional
        Sent as the body instead of a well-formed answer (dict and list as JSON).
    delay : float
        Seconds to wait before answering.
    hang : bool
        Never answer.
    drop : bool
        Close the connection without an answer.
    cut : bool
        Send the headers and half of the body, then close the connection.
    usage : bool
        Whether token counts are sent.
    """

    text: str | None = "ok"
    finish_reason: str | None = "stop"
    refusal: str | None = None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: str | bytes | dict[str, Any] | list[Any] | None = None
    delay: float = 0.0
    hang: bool = False
    drop: bool = False
    cut: bool = False
    usage: bool = True

    @classmethod
    def error(
        cls,
        status: int,
        message: str = "no",
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """An error in OpenAI's shape."""
        detail = {"message": message, "type": "error", "code": code, "param": param}
        return cls(status=status, raw={"error": detail}, headers=headers or {})


Answer = Callable[[Body], "Reply | str"]

SUM = re.compile(r"(\d+)\s*\+\s*(\d+)")


def prompt_text(body: Body) -> str:
    """The text of the last message, parts joined."""
    content = body["messages"][-1].get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def messages_hash(messages: Any) -> str:
    """16 hex digits that name a message list."""
    return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()[:16]


def deterministic_answer(body: Body) -> str:
    """Sums of two numbers, right about seven times in ten; else a word made from the prompt.

    Depends on the prompt's text and the seed alone, so equal requests get equal answers.
    """
    text = prompt_text(body)
    digest = hashlib.sha256(f"{text}|{body.get('seed')}".encode()).digest()
    numbers = SUM.search(text)
    if numbers is None:
        return f"answer-{digest.hex()[:8]}"
    total = int(numbers[1]) + int(numbers[2])
    return str(total if digest[0] % 10 < 7 else total + 1)


class FakeEndpoint:
    """The server, on a thread and an event loop of its own.

    Parameters
    ----------
    answer : callable
        Request body -> `Reply` or the answer's text. Default: `deterministic_answer`.
    delay : float
        Seconds before every answer.
    models : list of dict, optional
        What ``/v1/models`` lists.
    api_key : str, optional
        Required of every request when given; else any key will do.
    port : int
        0: chosen by the system.

    Attributes
    ----------
    calls : int
        Chat completions asked for so far, failures included.
    calls_by_key : Counter of (messages hash, seed)
        The same, by content: `messages_hash` of the messages and the seed sent (or None).
    max_in_flight : int
        Most chat completions in progress at one time.
    bodies, headers : list of dict
        Each request as it came, in order.
    """

    def __init__(
        self,
        answer: Answer = deterministic_answer,
        *,
        delay: float = 0.0,
        models: list[dict[str, Any]] | None = None,
        api_key: str | None = None,
        port: int = 0,
    ) -> None:
        self.answer = answer
        self.delay = delay
        self.models = models or [{"id": "fake", "object": "model", "created": 0, "owned_by": "tests"}]
        self.models_reply: Reply | None = None
        self.api_key = api_key
        self.port = port
        self.calls = 0
        self.calls_by_key: Counter[tuple[str, int | None]] = Counter()
        self.in_flight = 0
        self.max_in_flight = 0
        self.bodies: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self._script: deque[Reply] = deque()
        self._left = math.inf
        self._more = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def script(self, *replies: Reply) -> None:
        """The next requests get these replies, in order; later ones the answer function's."""
        self._script.extend(replies)

    def hold(self, after: float = 0) -> None:
        """Answer so many more calls, then nothing but errors until `release`; calls are counted as ever."""
        self._loop.call_soon_threadsafe(self._answer_only, after)

    def release(self) -> None:
        """Answer what was held, and all that comes."""
        self.hold(after=math.inf)

    def _answer_only(self, left: float) -> None:
        self._left = left
        self._more.set()
        self._more = asyncio.Event()

    async def _turn(self) -> None:
        while self._left <= 0:
            await self._more.wait()
        self._left -= 1

    def stats(self) -> dict[str, Any]:
        """The counters as JSON; keys of `calls_by_key` read ``hash/seed``."""
        return {
            "calls": self.calls,
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
            "calls_by_key": {f"{name}/{seed}": n for (name, seed), n in self.calls_by_key.items()},
        }

    def __enter__(self) -> Self:
        self._thread.start()
        self._wait(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)

    async def _start(self) -> None:
        app = web.Application(client_max_size=256 * 2**20)
        self.add_routes(app.router)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """What the server knows to answer."""
        router.add_post("/v1/chat/completions", self._chat)
        router.add_post("/v1/embeddings", self._embed)
        router.add_get("/v1/models", self._list)
        router.add_get("/stats", self._stats)

    async def _stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        self._count(request, body)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            return await self._send(request, body, self._reply(request, body))
        finally:
            self.in_flight -= 1

    def _count(self, request: web.Request, body: Body) -> None:
        self.calls += 1
        self.calls_by_key[messages_hash(body.get("messages")), body.get("seed")] += 1
        self.bodies.append(body)
        self.headers.append(dict(request.headers))

    def _reply(self, request: web.Request, body: Body) -> Reply:
        if not self._allowed(request):
            return Reply.error(401, "Incorrect API key provided", "invalid_api_key")
        if self._script:
            return self._script.popleft()
        answer = self.answer(body)
        return Reply(text=answer) if isinstance(answer, str) else answer

    def _allowed(self, request: web.Request) -> bool:
        return self.api_key is None or request.headers.get("Authorization") == f"Bearer {self.api_key}"

    async def _send(self, request: web.Request, body: Body, reply: Reply) -> web.StreamResponse:
        if reply.status < 400:
            await self._turn()
        await asyncio.sleep(self.delay + reply.delay)
        if reply.hang:
            await asyncio.Event().wait()
        if reply.drop and request.transport is not None:
            request.transport.close()
        if reply.raw is None:
            reply = replace(reply, raw=completion(body, reply))
        if reply.cut:
            return await send_half(request, raw_response(reply))
        return raw_response(reply)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if not self._allowed(request):
            return raw_response(Reply.error(401, "Incorrect API key provided", "invalid_api_key"))
        if self.models_reply is not None:
            return await self._send(request, {}, self.models_reply)
        return web.json_response({"object": "list", "data": self.models})

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        """Letters counted: texts of the same letters point the same way. Last text first, as is allowed."""
        body = json.loads(await request.read())
        self._count(request, body)
        if self._script:
            return await self._send(request, body, self._script.popleft())
        entries = [
            {"index": number, "embedding": [text.count(letter) for letter in "abcdefghij"]}
            for number, text in enumerate(body["input"])
        ]
        return web.json_response({"object": "list", "data": entries[::-1], "model": body["model"]})

    async def _stats(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self.stats())


def raw_response(reply: Reply) -> web.Response:
    """The reply's own body, JSON if it is a dict or a list."""
    if isinstance(reply.raw, dict | list):
        return web.json_response(reply.raw, status=reply.status, headers=reply.headers)
    raw = reply.raw or b""
    data = raw.encode() if isinstance(raw, str) else raw
    return web.Response(body=data, status=reply.status, headers=reply.headers)


async def send_half(request: web.Request, whole: web.Response) -> web.StreamResponse:
    """The headers of a response and half of its body; then the connection is closed."""
    body = whole.body
    assert isinstance(body, bytes)
    half = web.StreamResponse(status=whole.status, headers=whole.headers)
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return half


def completion(body: Body, reply: Reply) -> dict[str, Any]:
    """A chat completion object for this reply."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
    if reply.tool_calls:
        message["tool_calls"] = list(reply.tool_calls)
    words = len((reply.text or "").split())
    asked = len(prompt_text(body).split())
    usage = {"prompt_tokens": asked, "completion_tokens": words, "total_tokens": asked + words}
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", ""),
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}],
        **({"usage": usage} if reply.usage else {}),
    }


def fetch_stats(base_url: str) -> dict[str, Any]:
    """The counters of a fake endpoint in another process."""
    with urllib.request.urlopen(base_url.removesuffix("/v1") + "/stats", timeout=10) as response:
        stats: dict[str, Any] = json.load(response)
    return stats


class FailEvery:
    """An answer function that fails each n-th call with a status, and answers the others."""

    def __init__(self, every: int, status: int, answer: Answer = deterministic_answer) -> None:
        self.every, self.status, self.answer, self.calls = every, status, answer, 0

    def __call__(self, body: Body) -> Reply | str:
        self.calls += 1
        if self.every and self.calls % self.every == 0:
            return Reply.error(self.status, "failing on purpose", headers={"Retry-After": "0"})
        return self.answer(body)


class HangAfter:
    """An answer function that answers the first n calls and never the later ones."""

    def __init__(self, answered: int, answer: Answer) -> None:
        self.left, self.answer = answered, answer

    def __call__(self, body: Body) -> Reply | str:
        self.left -= 1
        return self.answer(body) if self.left >= 0 else replace(Reply(), hang=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="OpenAI-compatible loopback server for tests")
    parser.add_argument(
        "--port-file", type=Path, required=True, help="the port is written here when it listens"
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--api-key")
    parser.add_argument("--text", help="answer this to everything")
    parser.add_argument("--fail-every", type=int, default=0, help="each n-th call fails")
    parser.add_argument("--fail-status", type=int, default=500)
    parser.add_argument("--hang-after", type=int, help="calls after the n-th are never answered")
    return parser.parse_args()


def _answer(options: argparse.Namespace) -> Answer:
    text = options.text
    answer: Answer = deterministic_answer if text is None else lambda _: text
    if options.fail_every:
        answer = FailEvery(options.fail_every, options.fail_status, answer)
    return answer if options.hang_after is None else HangAfter(options.hang_after, answer)


def main() -> None:
    """Serve until killed."""
    options = _options()
    server = FakeEndpoint(_answer(options), delay=options.delay, api_key=options.api_key, port=options.port)
    with server:
        aside = options.port_file.with_suffix(".tmp")
        aside.write_text(str(server.port), encoding="ascii")
        os.replace(aside, options.port_file)
        threading.Event().wait()


if __name__ == "__main__":
    main()
