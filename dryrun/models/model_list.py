"""Which models an endpoint has, and when they end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dryrun.core.errors import ModelError
from dryrun.models.body import MalformedReplyError, read_json
from dryrun.models.client import Client, patiently, redact
from dryrun.models.faults import Fault, FaultKind
from dryrun.models.pace import RetryPolicy
from dryrun.models.silence import fatal_sentence
from dryrun.models.urls import normalise_base_url

TIMEOUT = 20.0
POLICY = RetryPolicy(retries=2)


@dataclass(frozen=True, slots=True, order=True)
class ModelInfo:
    """One model of an endpoint.

    Attributes
    ----------
    id : str
        The name to ask for.
    shutdown_date : str or None
        When it will shut down, as the endpoint says it; None if it does not.
    """

    id: str
    shutdown_date: str | None = None


async def list_models(base_url: str, api_key: str = "", *, policy: RetryPolicy = POLICY) -> list[ModelInfo]:
    """The endpoint's models, sorted by name.

    Raises
    ------
    ModelError
        Wrong key, wrong address, or an endpoint without a list of models.
    """
    url = normalise_base_url(base_url)
    client = Client(url, api_key)
    await client.open()
    try:
        answer = await patiently(lambda: client.ask("/models", None, TIMEOUT), policy)
    finally:
        await client.close()
    if isinstance(answer, Fault):
        raise ModelError(redact(_sentence(answer, url), api_key.strip()))
    return _models(answer.content, url)


def _sentence(fault: Fault, url: str) -> str:
    if fault.status in (404, 405):
        return f"{url}/models does not exist ({fault.status}): check the base URL, or type the model's name"
    if fault.kind in (FaultKind.FATAL, FaultKind.UNREACHABLE) or fault.status is None:
        return fatal_sentence(fault, url, "(list)")
    return f"{url} does not list its models ({fault.status}: {fault.message}): type the model's name"


def _models(content: bytes, url: str) -> list[ModelInfo]:
    try:
        document = read_json(content)
    except MalformedReplyError as error:
        raise ModelError(f"{url}/models is not a list of models ({error}): check the base URL") from None
    # Some servers send the bare list.
    entries = document.get("data") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise ModelError(
            f"{url}/models is not a list of models: check the base URL, or type the model's name"
        )
    return sorted({info for entry in entries if (info := _info(entry))}, key=lambda info: info.id)


def _info(entry: Any) -> ModelInfo | None:
    name = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name:
        return None
    date = entry.get("shutdown_date")
    return ModelInfo(name, date if isinstance(date, str) and date else None)
