"""One HTTP client for one endpoint: opened on the running loop, answers or faults, never exceptions.

Calls go out on aiohttp, with the headers and certificates of the openai SDK, whose own handling of a response
costs several times the call itself. Its headers that name the platform it runs on are left out.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, BinaryIO

import aiohttp
import orjson
from yarl import URL

from dryrun.core.errors import ModelError
from dryrun.core.paths import hosted
from dryrun.models.connection import fault_of_exception
from dryrun.models.faults import CROWDED, Fault, FaultKind, fault_of_answer
from dryrun.models.pace import RetryPolicy
from dryrun.models.urls import PublicResolver, check_public, is_loopback, is_openai, proxy_for

CONNECT_SECONDS = 10.0
"""Longest wait for a connection."""

LARGEST_ANSWER = 32 * 2**20
"""Bytes of an answer, unpacked, that are read; a longer answer is not a chat completion."""


LARGEST_WHEN_SHARED = 2 * 2**20
"""The same on a server that strangers share: many answers are held at one time."""


LARGEST_SUM = 64 * 2**20
"""Bytes of long answers that are read at one time on such a server, those of all visitors together."""

SHORT = 64 * 2**10
"""Bytes of an answer that do not count there: whoever asks for short answers is not held up by others."""


class Held:
    """Bytes that are held at one time, by whichever thread.

    Parameters
    ----------
    most : int
    """

    def __init__(self, most: int) -> None:
        self._most, self._now, self._lock = most, 0, threading.Lock()

    def take(self, size: int) -> bool:
        """Hold so many bytes more, if there is room."""
        with self._lock:
            fits = self._now + size <= self._most
            self._now += size * fits
            return fits

    def give(self, size: int) -> None:
        """Let go of so many bytes."""
        with self._lock:
            self._now -= size


SHARED = Held(LARGEST_SUM)
CROWDED_WORDS = "This server reads too many long answers at one time"


class CrowdedError(Exception):
    """Too many long answers are read at this moment."""


class TooLargeError(Exception):
    """The answer is longer than `LARGEST_ANSWER`."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A response with a 2xx status.

    Attributes
    ----------
    content : bytes
    headers : mapping
        Names are matched without regard to case.
    """

    content: bytes
    headers: Mapping[str, str]


class CallFaultError(Exception):
    """A call failed for good; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.message)


class Client:
    """Calls to one endpoint, each made once: the caller decides what is tried again.

    Parameters
    ----------
    base_url : str
        Normalised.
    api_key : str
        ``""`` for a server that needs none.
    trusted : bool
        Whether the URL is our own: the embedded model's. Else a hosted app calls public hosts only.

    Raises
    ------
    ModelError
        The key holds characters that no HTTP header can.
    """

    def __init__(self, base_url: str, api_key: str, *, trusted: bool = False) -> None:
        self.base_url = base_url
        self._api_key = checked_key(api_key)
        self._guarded = hosted() and not trusted
        self._largest = LARGEST_WHEN_SHARED if self._guarded else LARGEST_ANSWER
        self._held = SHARED if self._guarded else None
        self._session: aiohttp.ClientSession | None = None
        # Given with each call: what a session has as its own headers, aiohttp shows to the proxy as well.
        self._headers = request_headers(base_url, self._api_key, own=not self._guarded)
        self._proxy_headers: dict[str, str] = {}
        self._through = ""

    async def open(self) -> None:
        """Make the connections' pool. On the event loop that will use it.

        Raises
        ------
        ModelError
            The app is hosted and the host is not on the public internet.
        """
        if self._guarded:
            await check_public(self.base_url)
        # A proxy could lead into a private network.
        proxy = None if self._guarded or is_loopback(self.base_url) else proxy_for(self.base_url)
        self._through = f", through the proxy {proxy.name}" if proxy else ""
        verify = _certificates() if self.base_url.startswith("https:") else False
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, ssl=verify, resolver=PublicResolver() if self._guarded else None
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=proxy.url if proxy else None,
        )
        if proxy and proxy.login:
            # What goes to https has its own request to the proxy; what goes to http is that request.
            tunnel = self.base_url.startswith("https:")
            headers = self._proxy_headers if tunnel else self._headers
            headers["Proxy-Authorization"] = proxy.login

    async def close(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def ask(self, path: str, body: Mapping[str, Any] | None, seconds: float) -> HttpAnswer | Fault:
        """POST a JSON body, or GET where there is none.

        Parameters
        ----------
        path : str
            Below the base URL: ``"/chat/completions"``.
        body : mapping or None
        seconds : float
            Deadline for the whole call, answer included.

        Returns
        -------
        HttpAnswer or Fault
            The answer if its status is 2xx, else what went wrong.
        """
        return await self._send(path, None if body is None else json_bytes(body), seconds, {})

    async def upload(self, path: str, name: str, file: BinaryIO, seconds: float) -> HttpAnswer | Fault:
        """POST a file of batch requests, from its first byte; the file stays open."""
        file.seek(0)
        form = aiohttp.FormData({"purpose": "batch"})
        # aiohttp closes the file that it has sent.
        with os.fdopen(os.dup(file.fileno()), "rb") as again:
            form.add_field("file", again, filename=name, content_type="application/jsonl")
            parts = form()
            return await self._send(path, parts, seconds, {"Content-Type": parts.headers["Content-Type"]})

    async def download(self, path: str, silence: float) -> AsyncIterator[bytes]:
        """GET a file in pieces, as they come.

        Parameters
        ----------
        path : str
        silence : float
            Longest wait for the next piece, in seconds.

        Raises
        ------
        CallFaultError
            It was refused or broke off.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence)
        try:
            async with self._opened().get(
                URL(self.base_url + path),
                headers=self._headers,
                proxy_headers=self._proxy_headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                if not response.ok:
                    content = await _content(response, self._largest, self._held)
                    raise CallFaultError(fault_of_answer(response.status, response.headers, content))
                async for piece in response.content.iter_any():
                    yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise CallFaultError(fault_of_exception(error, silence)) from error

    async def _send(
        self, path: str, data: bytes | aiohttp.Payload | None, seconds: float, headers: Mapping[str, str]
    ) -> HttpAnswer | Fault:
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=min(CONNECT_SECONDS, seconds))
        call = self._opened().request(
            "GET" if data is None else "POST",
            URL(self.base_url + path),
            data=data,
            timeout=timeout,
            headers={**self._headers, **headers},
            proxy_headers=self._proxy_headers,
            # A redirect is a wrong base URL, and could lead anywhere.
            allow_redirects=False,
        )
        try:
            async with call as response:
                content = await _content(response, self._largest, self._held)
                if 200 <= response.status < 300:
                    return HttpAnswer(content, response.headers)
                return fault_of_answer(response.status, response.headers, content)
        except TooLargeError as error:
            return Fault(FaultKind.REJECTED, str(error))
        except CrowdedError as error:
            return Fault(FaultKind.TRANSIENT, str(error), code=CROWDED)
        except Exception as error:
            fault = fault_of_exception(error, seconds)
            return replace(fault, message=fault.message + self._through)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the model is not open: use it inside `async with`")
        return self._session


async def patiently(
    once: Callable[[], Awaitable[HttpAnswer | Fault]],
    policy: RetryPolicy,
    heard: Callable[[int, HttpAnswer | Fault, float], None] | None = None,
) -> HttpAnswer | Fault:
    """The answer to a call (`Client.ask`, say), which `policy` repeats where that may help.

    `heard` is called for each call: its number from 1, what came back, the seconds it took.
    """
    failures, contacted = 0, False
    while True:
        began = time.perf_counter()
        answer = await once()
        failures += 1
        if heard is not None:
            heard(failures, answer, time.perf_counter() - began)
        if isinstance(answer, HttpAnswer) or not answer.curable:
            return answer
        contacted = contacted or answer.status is not None
        pause = policy.pause(failures, answer.retry_after, contacted=contacted)
        if pause is None:
            return answer
        await asyncio.sleep(pause)


def _certificates() -> ssl.SSLContext:
    import httpx2  # for this alone

    try:
        return httpx2.create_ssl_context()
    except OSError as error:
        words = error.strerror or str(error)
        raise ModelError(
            f"SSL_CERT_FILE or SSL_CERT_DIR names certificates that cannot be read ({words}): correct it"
        ) from None


def json_bytes(body: Any) -> bytes:
    """The body as JSON, also where it holds text or numbers that strict writers refuse."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode()


async def _content(response: aiohttp.ClientResponse, most: int, held: Held | None) -> bytes:
    parts, size, taken = [], 0, 0
    try:
        async for part in response.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > most:
                raise TooLargeError(f"The answer is larger than {most // 2**20} MB")
            if held is not None and size > SHORT:
                if not held.take(len(part)):
                    raise CrowdedError(CROWDED_WORDS)
                taken += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
    finally:
        if held is not None:
            held.give(taken)


def checked_key(api_key: str) -> str:
    """The key without blanks, or the mark of a file's encoding, around it.

    Raises
    ------
    ModelError
        It holds characters that no HTTP header can.
    """
    key = api_key.strip().removeprefix("\ufeff").strip()
    if key[:1] in ("'", '"') or key.lower().startswith("bearer "):
        raise ModelError("The API key stands in quotes or after the word Bearer: give the key alone")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ModelError(
            "The API key holds characters that no key has (a space, a line break, a typographic "
            "sign): copy it again"
        )
    return key


NO_KEY = "none"
"""Sent where the user gave no key, as people do by hand with the SDK; most local servers ignore it."""


def request_headers(base_url: str, api_key: str, *, own: bool = True) -> dict[str, str]:
    """The headers that the SDK would send to this endpoint.

    Parameters
    ----------
    base_url : str
        Normalised. The organization and the project that the environment names go to OpenAI alone.
    api_key : str
        ``""`` for none.
    own : bool
        Whether the environment is the user's own, whose organization, project and ``OPENAI_CUSTOM_HEADERS``
        (one ``Name: value`` a line) are sent: a hosted app's are not.
    """
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": f"AsyncOpenAI/Python {version('openai')}",
        "Authorization": f"Bearer {api_key or NO_KEY}",
    }
    if own and is_openai(base_url):
        named = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
        headers |= {header: value for header, name in named.items() if (value := os.environ.get(name))}
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n") if own else []
    pairs = (line.partition(":") for line in lines)
    return headers | {name.strip(): value.strip() for name, colon, value in pairs if colon}


def redact(text: str, api_key: str) -> str:
    """The text without the API key, whole or in the masked form that servers echo."""
    if len(api_key) >= 8:
        text = text.replace(api_key, "[API key]")
    elif api_key:
        text = re.sub(rf"(?<!\w){re.escape(api_key)}(?!\w)", "[API key]", text)
    return re.sub(r"\bsk-[\w*.-]*[\w*]", "[API key]", text)  # a full stop behind it is the sentence's
