"""The headers of a call: those of the openai SDK, without the ones that tell which platform it runs on."""

from __future__ import annotations

import os
from importlib.metadata import version

from dryrun.models.urls import is_openai

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
