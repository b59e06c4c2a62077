"""A fast endpoint for benchmarks: HTTP/1.1 by hand on asyncio, so that little of what is measured is its own.

It answers "item 12: ..." with 12 where 12 % 10 < 7, else wrong: exact match must report 0.7. ``GET /stats``
counts, ``POST /reset`` takes new `Settings` and counts from zero. As a process of its own::

    python -m tests.benchmarks.mock_endpoint --port 8399 --latency 0.2
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import orjson

ITEM = re.compile(rb"item (\d+):")
LENGTH = re.compile(rb"content-length: *(\d+)", re.I)
END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Settings:
    """How it answers.

    Attributes
    ----------
    latency : float
        Seconds before each answer.
    failing : float
        Share of the calls that get `status`, drawn with a fixed seed.
    hang_every : int
        Each call of this number never gets an answer; 0: none.
    status : int
    retry_after : str
        Header of a failed call; ``""``: none.
    """

    latency: float = 0.0
    failing: float = 0.0
    hang_every: int = 0
    status: int = 429
    retry_after: str = ""


@dataclass
class Counts:
    """What happened since the last reset; times in seconds, the first and the last call of a run."""

    calls: int = 0
    answered: int = 0
    failed: int = 0
    hung: int = 0
    first: float = 0.0
    last: float = 0.0
    cpu: float = 0.0
    """Processor seconds of this server, ever."""

    @property
    def window(self) -> float:
        """Seconds from the first call to the last answer."""
        return self.last - self.first


class Endpoint:
    """The state that all connections share."""

    def __init__(self, settings: Settings) -> None:
        self.reset(settings)

    def reset(self, settings: Settings) -> None:
        """Count from zero."""
        self.settings, self.counts, self.chance = settings, Counts(), random.Random(0)

    def answer(self, body: bytes) -> tuple[int, bytes] | None:
        """Status and body of one call's answer; None where it hangs."""
        settings, counts = self.settings, self.counts
        if settings.hang_every and (counts.answered + counts.hung + 1) % settings.hang_every == 0:
            counts.hung += 1
            return None
        counts.last = time.perf_counter()
        if settings.failing and self.chance.random() < settings.failing:
            counts.failed += 1
            return settings.status, b'{"error":{"message":"not now","type":"mock","code":null}}'
        counts.answered += 1
        return 200, completion(body)


def completion(body: bytes) -> bytes:
    """A chat completion as OpenAI sends it."""
    asked = ITEM.search(body)
    number = int(asked[1]) if asked else 0
    text = b"%d" % number if number % 10 < 7 else b"wrong"
    return (
        b'{"id":"mock","object":"chat.completion","created":1700000000,"model":"mock","choices":[{"index":0,'
        b'"message":{"role":"assistant","content":"' + text + b'"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":12,"completion_tokens":2,"total_tokens":14}}'
    )


class Exchange(asyncio.Protocol):
    """One connection: requests one after the other."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint, self.held = endpoint, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connected."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Bytes came in; act on each whole request."""
        self.held += data
        while (end := self.held.find(END)) >= 0:
            length = LENGTH.search(self.held, 0, end)
            size = end + len(END) + (int(length[1]) if length else 0)
            if len(self.held) < size:
                return
            head, body, self.held = self.held[:end], self.held[end + len(END) : size], self.held[size:]
            self.request(head, body)

    def request(self, head: bytes, body: bytes) -> None:
        """One whole request."""
        endpoint = self.endpoint
        target = head.split(b" ", 2)[1]
        if target.endswith(b"/chat/completions"):
            endpoint.counts.calls += 1
            endpoint.counts.first = endpoint.counts.first or time.perf_counter()
            if endpoint.settings.latency:
                asyncio.get_running_loop().call_later(endpoint.settings.latency, self.complete, body)
            else:
                self.complete(body)
        elif target == b"/reset":
            endpoint.reset(Settings(**orjson.loads(body)))
            self.send(200, b"{}")
        else:
            self.send(200, orjson.dumps(replace(endpoint.counts, cpu=time.process_time())))

    def complete(self, body: bytes) -> None:
        """The answer's time has come."""
        found = self.endpoint.answer(body)
        if found is not None:
            self.send(*found)

    def send(self, status: int, body: bytes) -> None:
        """Write an answer."""
        asked = self.endpoint.settings.retry_after
        extra = f"retry-after: {asked}\r\n".encode() if asked and status != 200 else b""
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%s\r\n%s"
                % (status, len(body), extra, body)
            )


async def serve(settings: Settings, port: int = 0, told: Connection | None = None) -> None:
    """Answer until cancelled; tell the port."""
    endpoint = Endpoint(settings)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Exchange(endpoint), "127.0.0.1", port, backlog=1024)
    if told is not None:
        told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _process(settings: Settings, told: Connection) -> None:
    asyncio.run(serve(settings, told=told))


@contextmanager
def mock_endpoint(settings: Settings | None = None) -> Iterator[str]:
    """The base URL of a server in a process of its own, while it lasts."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_process, args=(settings or Settings(), there), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1"
    finally:
        process.terminate()
        process.join()


def reset(base_url: str, settings: Settings | None = None) -> None:
    """New settings, and counts from zero."""
    body = orjson.dumps(asdict(settings or Settings()))
    request = urllib.request.Request(base_url.removesuffix("/v1") + "/reset", data=body)
    urllib.request.urlopen(request, timeout=10).read()


def counts(base_url: str) -> Counts:
    """What happened since the last reset."""
    with urllib.request.urlopen(base_url.removesuffix("/v1") + "/stats", timeout=10) as response:
        found: dict[str, Any] = orjson.loads(response.read())
    return Counts(**found)


def main() -> None:
    """Serve until interrupted."""
    options = argparse.ArgumentParser(description="Fast endpoint for benchmarks")
    options.add_argument("--port", type=int, default=8399)
    for field in fields(Settings):
        options.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default))
    given = {name: value for name, value in vars(options.parse_args()).items() if value is not None}
    port = given.pop("port")
    asyncio.run(serve(replace(Settings(), **given), port))


if __name__ == "__main__":
    main()
