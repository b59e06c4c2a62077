"""One HTTP client for one endpoint: opened on the running loop, answers or faults, never exceptions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import httpx2
import openai

from dryrun.errors import ModelError
from dryrun.models.faults import Fault, fault_of_exception
from dryrun.models.urls import PublicResolver, check_public, is_loopback, is_openai
from dryrun.paths import hosted

CONNECT_SECONDS = 10.0
"""Longest wait for a connection."""

NO_KEY = "none"
"""Sent where the user gave no key: most local servers ignore it, and the SDK insists on one."""


class Client:
    """The openai SDK's client with its aiohttp transport, without its retries.

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
        self._client: openai.AsyncOpenAI | None = None

    async def open(self) -> None:
        """Make the client. On the event loop that will use it."""
        if self._guarded:
            await check_public(self.base_url)
        self._client = openai.AsyncOpenAI(
            api_key=self._api_key or NO_KEY,
            base_url=self.base_url,
            max_retries=0,
            http_client=self._http_client(),
        )
        if not is_openai(self.base_url):
            # Read from the environment by the SDK; nobody else's business.
            self._client.organization = self._client.project = None

    def _http_client(self) -> httpx2.AsyncClient:
        # Redirects are not followed: a redirect is a wrong base URL, and could lead anywhere.
        if not self._guarded:
            return openai.DefaultAioHttpClient(
                follow_redirects=False, trust_env=not is_loopback(self.base_url)
            )
        from openai._vendor.httpx_aiohttp import AiohttpTransport

        transport = AiohttpTransport(client=_guarded_session)
        return openai.DefaultAioHttpClient(follow_redirects=False, trust_env=False, transport=transport)

    async def close(self) -> None:
        """Close every connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def ask(self, path: str, body: Mapping[str, Any] | None, seconds: float) -> bytes | Fault:
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
        bytes or Fault
            The answer's body if its status is 2xx, else what went wrong.
        """
        if self._client is None:
            raise RuntimeError("the model is not open: use it inside `async with`")
        try:
            async with asyncio.timeout(seconds):
                return (await self._send(self._client, path, body, seconds)).content
        except Exception as error:
            return fault_of_exception(error, seconds)

    async def _send(
        self, client: openai.AsyncOpenAI, path: str, body: Mapping[str, Any] | None, seconds: float
    ) -> httpx2.Response:
        # The raw response, not the SDK's model of it: what servers send is not always what it expects.
        limits = httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
        if body is None:
            return await client.get(path, cast_to=httpx2.Response, options={"timeout": limits})
        return await client.post(path, cast_to=httpx2.Response, body=body, options={"timeout": limits})


def _guarded_session() -> aiohttp.ClientSession:
    """A session that connects to public addresses only, checked at the moment of connecting."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=PublicResolver(), limit=0))


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
