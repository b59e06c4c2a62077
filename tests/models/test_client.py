"""What is sent about the caller: to OpenAI what its SDK sends, to others no more than they need."""

from __future__ import annotations

import pytest

from dryrun.core.records import SampleOutcome
from dryrun.models.client import CROWDED_WORDS, Held, request_headers
from dryrun.models.pace import RetryPolicy
from tests.helpers.asking import ask
from tests.helpers.fake_endpoint import FakeEndpoint, Reply

OPENAI = "https://api.openai.com/v1"
OTHER = "http://127.0.0.1:8000/v1"
CUSTOM = "X-Team: seven\nX-Via:  gateway \nno colon"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-2")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", CUSTOM)


@pytest.mark.slow
def test_openai_gets_what_its_sdk_sends_without_the_platform() -> None:
    from openai import AsyncOpenAI  # takes half a second, which no other test need wait for

    sdk = AsyncOpenAI(api_key="k", base_url=OPENAI)
    sent = {**sdk.default_headers, **sdk.auth_headers}
    theirs = {name: value for name, value in sent.items() if not name.startswith("X-Stainless")}
    assert request_headers(OPENAI, "k") == theirs


def test_others_learn_neither_organization_nor_project() -> None:
    sent = request_headers(OTHER, "")
    assert sent["Authorization"] == "Bearer none"
    assert {name for name in sent if name.startswith("OpenAI")} == set()
    assert (sent["X-Team"], sent["X-Via"]) == ("seven", "gateway")


def test_a_hosted_app_sends_no_visitor_its_own_headers() -> None:
    assert "X-Team" not in request_headers(OTHER, "k", own=False)


def test_a_hosts_organization_does_not_go_out_with_a_strangers_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", CUSTOM)
    secret = {"openai-organization", "openai-project", "x-team"}
    assert secret.isdisjoint(name.lower() for name in request_headers(OPENAI, "k", own=False))


def test_hosted_a_long_answer_is_not_kept(endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    monkeypatch.setattr("dryrun.models.urls.is_public", lambda _: True)
    endpoint.script(Reply(raw=b" " * (3 * 2**20)))
    sample = ask(endpoint.base_url)
    assert sample.outcome is SampleOutcome.FAILED
    assert "larger than 2 MB" in sample.error


def test_hosted_long_answers_are_bounded_in_sum_and_short_ones_are_not_held_up(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(100_000)
    assert held.take(60_000)
    monkeypatch.setattr("dryrun.models.client.SHARED", held)
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    monkeypatch.setattr("dryrun.models.urls.is_public", lambda _: True)
    endpoint.answer = lambda _: Reply(text="a" * 200_000)
    crowded = ask(endpoint.base_url, policy=RetryPolicy(retries=0))
    assert (crowded.outcome, crowded.error) == (SampleOutcome.FAILED, CROWDED_WORDS)
    endpoint.answer = lambda _: Reply(text="2")
    assert ask(endpoint.base_url).text == "2"
    assert held.take(40_000), "what was read in vain is let go"
    held.give(100_000)
    endpoint.answer = lambda _: Reply(text="a" * 90_000)
    assert [len(ask(endpoint.base_url).text) for _ in range(3)] == [90_000] * 3
