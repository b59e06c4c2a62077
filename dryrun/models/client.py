"""One HTTP client for one endpoint: opened on the running loop, answers or faults, never exceptions.

Calls go out on aiohttp directly, with the headers and certificates of the openai SDK, whose own handling
of a response costs several times the call itself. What is rare (files, batches) goes through the SDK, on
the same connections; it is imported for that alone, since that takes longer than a small run.

Headers are those of the openai SDK, without the ones that name the platform it runs on.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx2
import orjson
from aiohttp.helpers import get_env_proxy_for_url
from yarl import URL

from dryrun.core.errors import ModelError
from dryrun.core.paths import hosted
from dryrun.models.faults import Fault, FaultKind, fault_of_answer, fault_of_exception
from dryrun.models.retries import RetryPolicy
from dryrun.models.urls import PublicResolver, check_public, is_loopback, is_openai

if TYPE_CHECKING:
    import openai

CONNECT_SECONDS = 10.0
"""Longest wait for a connection."""

LARGEST_ANSWER = 32 * 2**20
"""Bytes of an answer, unpacked, that are taken in; whatever is longer is no chat completion."""


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


class Client:
    """Calls to one endpoint, each made once: whoever calls decides what is tried again.

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
        self._session: aiohttp.ClientSession | None = None
        self._sdk: openai.AsyncOpenAI | None = None
        self._urls: dict[str, URL] = {}

    async def open(self) -> None:
        """Make the connections' pool. On the event loop that will use it.

        Raises
        ------
        ModelError
            The app is hosted and the host is not on the public internet.
        """
        if self._guarded:
            await check_public(self.base_url)
        verify = httpx2.create_ssl_context() if self.base_url.startswith("https:") else False
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, ssl=verify, resolver=PublicResolver() if self._guarded else None
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=request_headers(self.base_url, self._api_key, own=not self._guarded),
            **self._proxy(),
        )

    def _proxy(self) -> dict[str, Any]:
        """The proxy that the environment names for this endpoint. None leads into a private network."""
        if self._guarded or is_loopback(self.base_url):
            return {}
        try:
            proxy, auth = get_env_proxy_for_url(URL(self.base_url))
        except LookupError:
            return {}
        return {"proxy": proxy, "proxy_auth": auth}

    async def close(self) -> None:
        """Close every connection."""
        session, sdk = self._session, self._sdk
        self._session = self._sdk = None
        if sdk is not None:
            await sdk.close()
        if session is not None:
            await session.close()

    @property
    def sdk(self) -> openai.AsyncOpenAI:
        """The SDK's client, for calls that are rare, on the same connections. It makes no retries."""
        if self._sdk is None:
            self._sdk = self._through(self._opened())
        return self._sdk

    def _through(self, session: aiohttp.ClientSession) -> openai.AsyncOpenAI:
        import openai
        from openai._vendor.httpx_aiohttp import AiohttpTransport

        # The transport's own context goes unused: the session brings its connector.
        transport = AiohttpTransport(verify=False)
        transport.client = session
        sdk = openai.AsyncOpenAI(
            api_key=self._api_key or NO_KEY,
            base_url=self.base_url,
            max_retries=0,
            # Redirects are not followed: a redirect is a wrong base URL, and could lead anywhere.
            http_client=openai.DefaultAioHttpClient(
                follow_redirects=False, trust_env=False, transport=transport
            ),
        )
        if not is_openai(self.base_url):
            # Read from the environment by the SDK; nobody else's business.
            sdk.organization = sdk.project = None
        return sdk

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
        session = self._opened()
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=min(CONNECT_SECONDS, seconds))
        method, data = ("GET", None) if body is None else ("POST", json_bytes(body))
        try:
            async with session.request(
                method, self._url(path), data=data, timeout=timeout, allow_redirects=False
            ) as response:
                content = await _content(response)
                if 200 <= response.status < 300:
                    return HttpAnswer(content, response.headers)
                return fault_of_answer(response.status, response.headers, content)
        except TooLargeError as error:
            return Fault(FaultKind.REJECTED, str(error))
        except Exception as error:
            return fault_of_exception(error, seconds)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the model is not open: use it inside `async with`")
        return self._session

    def _url(self, path: str) -> URL:
        if path not in self._urls:
            self._urls[path] = URL(self.base_url + path)
        return self._urls[path]


async def ask_patiently(
    client: Client,
    path: str,
    body: Mapping[str, Any] | None,
    seconds: float,
    policy: RetryPolicy,
    heard: Callable[[int, HttpAnswer | Fault, float], None] | None = None,
) -> HttpAnswer | Fault:
    """The same as `Client.ask`, tried again by `policy` where that may help.

    `heard` is told of each call: its number from 1, what came back, the seconds it took.
    """
    failures = 0
    while True:
        began = time.perf_counter()
        answer = await client.ask(path, body, seconds)
        failures += 1
        if heard is not None:
            heard(failures, answer, time.perf_counter() - began)
        if isinstance(answer, HttpAnswer) or answer.kind not in (FaultKind.TRANSIENT, FaultKind.UNREACHABLE):
            return answer
        pause = policy.pause(failures, answer.retry_after)
        if pause is None:
            return answer
        await asyncio.sleep(pause)


def json_bytes(body: Any) -> bytes:
    """The body as JSON, also where it holds text or numbers that strict writers refuse."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode()


async def _content(response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            raise TooLargeError(f"The answer is larger than {LARGEST_ANSWER // 2**20} MB")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def checked_key(api_key: str) -> str:
    """The key without blanks around it.

    Raises
    ------
    ModelError
        It holds characters that no HTTP header can.
    """
    key = api_key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ModelError(
            "The API key holds characters that no key has (a space, a line break, a typographic "
            "sign): copy it again"
        )
    return key


NO_KEY = "none"
"""Sent where the user gave no key: most local servers ignore it, and the SDK insists on one."""


def request_headers(base_url: str, api_key: str, *, own: bool = True) -> dict[str, str]:
    """What the SDK would send of headers to this endpoint.

    Parameters
    ----------
    base_url : str
        Normalised. The organization and the project that the environment names go to OpenAI alone.
    api_key : str
        ``""`` for none.
    own : bool
        Whether the environment is the user's own, whose ``OPENAI_CUSTOM_HEADERS`` (one ``Name: value``
        a line) are sent: a hosted app's are not.
    """
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": f"AsyncOpenAI/Python {version('openai')}",
        "Authorization": f"Bearer {api_key or NO_KEY}",
    }
    if is_openai(base_url):
        named = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
        headers |= {header: value for header, name in named.items() if (value := os.environ.get(name))}
    return headers | (_custom() if own else {})


def _custom() -> dict[str, str]:
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}
