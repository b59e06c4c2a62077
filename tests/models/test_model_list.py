"""Which models an endpoint has, and when they end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dryrun.core.errors import ModelError
from dryrun.models.model_list import ModelInfo, list_models
from dryrun.models.pace import RetryPolicy
from tests.helpers.asking import KEY
from tests.helpers.fake_endpoint import FakeEndpoint, Reply

QUICK = RetryPolicy(retries=1, first=0.01)


def models(base_url: str, api_key: str = KEY) -> list[ModelInfo]:
    return asyncio.run(list_models(base_url, api_key, policy=QUICK))


def refusal(base_url: str) -> str:
    with pytest.raises(ModelError) as error:
        models(base_url)
    return str(error.value)


def test_models_are_sorted_and_carry_their_end() -> None:
    listed: list[dict[str, Any]] = [
        {"id": "b", "object": "model", "shutdown_date": "2027-01-31"},
        {"id": "a", "object": "model", "shutdown_date": None},
        {"id": "c", "object": "model"},
        {"id": "a", "object": "model"},
    ]
    with FakeEndpoint(models=listed) as endpoint:
        assert models(endpoint.base_url) == [ModelInfo("a"), ModelInfo("b", "2027-01-31"), ModelInfo("c")]


def test_a_bare_list_will_do(endpoint: FakeEndpoint) -> None:
    endpoint.models_reply = Reply(raw=[{"id": "x"}, {"name": "y"}, "z", None, {"id": ""}, {"id": 3}])
    assert models(endpoint.base_url) == [ModelInfo("x")]


def test_an_endpoint_may_have_none(endpoint: FakeEndpoint) -> None:
    endpoint.models_reply = Reply(raw={"object": "list", "data": []})
    assert models(endpoint.base_url) == []


def test_the_key_is_sent() -> None:
    with FakeEndpoint(api_key=KEY) as endpoint:
        assert models(endpoint.base_url) == [ModelInfo("fake")]
        with pytest.raises(ModelError, match="does not accept the API key"):
            models(endpoint.base_url, "another-key")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply.error(401, "Incorrect API key provided", "invalid_api_key"), "does not accept the API key"),
        (Reply.error(403, "no"), "API key may not use"),
        (Reply(status=404, raw=b""), "/models does not exist (404): check the base URL, or type"),
        (Reply.error(500, "Oops"), "does not list its models (500: Oops): type the model's name"),
        (Reply(raw=b""), "/models is not a list of models (The answer is empty): check the base URL"),
        (Reply(raw="<html>"), "is not a list of models (The answer is not JSON"),
        (Reply(raw={"object": "list"}), "/models is not a list of models: check the base URL"),
        (Reply(raw=b"3"), "/models is not a list of models"),
        (Reply(drop=True), "cannot be reached"),
    ],
)
def test_an_endpoint_without_a_list(endpoint: FakeEndpoint, reply: Reply, words: str) -> None:
    endpoint.models_reply = reply
    sentence = refusal(endpoint.base_url)
    assert words in sentence
    assert "\n" not in sentence


def test_the_key_is_in_no_message(endpoint: FakeEndpoint) -> None:
    endpoint.models_reply = Reply.error(500, f"your key {KEY} fails")
    assert KEY not in refusal(endpoint.base_url)
