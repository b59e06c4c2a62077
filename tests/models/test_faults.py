"""What a user is told when an endpoint does not answer as it should, and what is tried again."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from email.utils import formatdate
from typing import Any

import pytest

from dryrun.core.errors import ModelError
from dryrun.core.records import Sample, SampleOutcome
from dryrun.models.client import Client
from dryrun.models.pace import RetryPolicy
from tests.helpers.asking import IMPATIENT, KEY, ask, ask_async, make_model, make_prompt
from tests.helpers.fake_endpoint import FakeEndpoint, Reply

HTML = "<html><head><style>b{}</style></head><body><h1>Not the API</h1></body></html>"
BARE = RetryPolicy(retries=0, first_contact_retries=0)
"""The fault of the first call is the fault of the sample."""


def refusal(base_url: str, **fields: Any) -> str:
    """The sentence with which the run would stop."""
    with pytest.raises(ModelError) as error:
        ask(base_url, **fields)
    return str(error.value)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            Reply.error(401, "Incorrect API key provided: sk-te**ef. Find it", "invalid_api_key"),
            "does not accept the API key (401: Incorrect API key provided: [API key]. Find it): check "
            "the key and that it is for this endpoint",
        ),
        (Reply.error(403, "Not allowed"), "The API key may not use 'fake' at"),
        (Reply.error(404, "The model 'fake' does not exist", "model_not_found"), "has no model 'fake' (404:"),
        (Reply(status=404, raw=HTML), "is not a chat endpoint (404: Not the API): check the base URL"),
        (Reply(status=405, raw=b""), "is not a chat endpoint (405: no reason given)"),
        (Reply.error(402, "Pay"), "has no quota left"),
        (Reply.error(429, "You exceeded your quota", "insufficient_quota"), "has no quota left"),
        (Reply(status=400, raw={"error": "Incorrect API key provided"}), "does not accept the API key (400:"),
        (Reply.error(400, "API key not valid. Pass a valid API key."), "does not accept the API key (400:"),
        (Reply(status=301, raw=b"", headers={"Location": "/elsewhere"}), "it redirects to /elsewhere"),
        (
            Reply(status=307, raw=b"", headers={"Location": "https://x.example/v1"}),
            "is not the endpoint's address (307: it redirects to https://x.example/v1): put the new",
        ),
    ],
)
def test_a_fault_of_every_call_stops_the_run_with_one_sentence(
    endpoint: FakeEndpoint, reply: Reply, words: str
) -> None:
    endpoint.script(reply)
    sentence = refusal(endpoint.base_url)
    assert words in sentence
    assert "\n" not in sentence
    assert endpoint.calls == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply.error(429, "Slow down"), "The endpoint answered 429 Too Many Requests: Slow down"),
        (Reply.error(500, "Oops"), "The endpoint answered 500 Internal Server Error: Oops"),
        (Reply(status=502, raw=HTML), "The endpoint answered 502 Bad Gateway: Not the API"),
        (Reply(status=503, raw=b""), "The endpoint answered 503 Service Unavailable: no reason given"),
        (Reply(status=529, raw={"error": "Overloaded"}), "The endpoint answered 529: Overloaded"),
        (Reply(status=408, raw={"detail": "late"}), "The endpoint answered 408 Request Timeout: late"),
        (Reply(drop=True), "The endpoint closed the connection without an answer"),
        (Reply(cut=True), "The answer broke off or could not be read"),
        (Reply(raw={"error": {"message": "upstream down", "code": 502}}), "502 Bad Gateway: upstream down"),
    ],
)
def test_a_passing_fault_is_tried_again(endpoint: FakeEndpoint, reply: Reply, words: str) -> None:
    endpoint.script(Reply(text="first"), reply, reply, Reply(text="2"))

    async def ask_twice() -> tuple[str, int]:
        async with make_model(endpoint.base_url) as model:
            await model.generate(make_prompt(), 0)
            sample = await model.generate(make_prompt(), 1)
            return sample.text, sample.attempts

    assert asyncio.run(ask_twice()) == ("2", 3)
    assert endpoint.calls == 4
    endpoint.script(Reply(text="first"), reply)
    first, failed = asyncio.run(_one_after_the_other(endpoint.base_url, BARE))
    assert first == ""
    assert words in failed


async def _one_after_the_other(base_url: str, policy: RetryPolicy, seconds: float = 30.0) -> list[str]:
    async with make_model(base_url, policy=policy, timeout=seconds) as model:
        return [(await model.generate(make_prompt(), rollout)).error for rollout in range(2)]


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(raw=b""), "The answer is empty"),
        (Reply(raw=b"Hello there"), "The answer is not JSON: it begins 'Hello there'"),
        (Reply(raw=HTML, headers={"Content-Type": "text/html"}), "The answer is not JSON: it begins '<html>"),
        (Reply(raw=[1, 2]), "The answer is JSON but not a chat completion: '[1, 2]'"),
        (Reply(raw={"object": "list", "data": []}), "The answer holds no choices"),
        (Reply(raw={"choices": []}), "The answer holds no choices"),
        (Reply(raw={"choices": [{"index": 0}]}), "The answer's first choice has no message"),
        (Reply(raw=b"[" * 100_000), "The answer is not JSON"),
    ],
)
def test_an_answer_that_is_no_chat_completion_fails_its_sample(
    endpoint: FakeEndpoint, reply: Reply, words: str
) -> None:
    endpoint.answer = lambda body: reply if body["seed"] else Reply(text="first")

    async def ask_twice() -> Sample:
        async with make_model(endpoint.base_url, seed=0) as model:
            await model.generate(make_prompt(), 0)
            return await model.generate(make_prompt(), 1)

    sample = asyncio.run(ask_twice())
    assert sample.outcome is SampleOutcome.FAILED
    assert words in sample.error
    assert "\n" not in sample.error
    assert len(sample.error) < 400
    again = "not JSON" in words or "empty" in words or "no choices" in words
    tries = 1 + IMPATIENT.retries if again else 1
    assert (sample.attempts, endpoint.calls) == (tries, 1 + tries)


@pytest.mark.parametrize("raw", [b"", HTML, b"There is no model here"])
def test_an_address_that_only_ever_sends_pages_is_reported_after_few_tries(
    endpoint: FakeEndpoint, raw: bytes
) -> None:
    endpoint.answer = lambda _: Reply(raw=raw)
    assert f"{endpoint.base_url} is not a chat endpoint (The answer is " in refusal(endpoint.base_url)
    assert endpoint.calls == 1 + IMPATIENT.first_contact_retries


@pytest.mark.parametrize("raw", [b"", HTML])
def test_what_a_proxy_says_instead_of_an_answer_is_asked_again(endpoint: FakeEndpoint, raw: bytes) -> None:
    endpoint.script(Reply(raw=raw))
    sample = ask(endpoint.base_url)
    assert (sample.text, sample.attempts) == ("2", 2)


def test_an_endpoint_that_answers_nothing_is_given_up_after_a_few_rounds_of_the_window(
    endpoint: FakeEndpoint,
) -> None:
    """A call's own retries wait for their turn behind every other call that is waiting."""
    endpoint.answer = lambda _: Reply(hang=True)
    model = make_model(endpoint.base_url, concurrency=4, timeout=0.1)
    with pytest.raises(ModelError, match="cannot be reached"):
        asyncio.run(ask_async(model, *(make_prompt(str(number)) for number in range(60))))
    assert endpoint.calls <= 4 * (2 + IMPATIENT.first_contact_retries)


def test_the_content_type_does_not_matter(endpoint: FakeEndpoint) -> None:
    raw = b'{"choices":[{"message":{"content":"2"},"finish_reason":"stop"}]}'
    endpoint.script(Reply(raw=raw, headers={"Content-Type": "text/html; charset=latin-1"}))
    assert ask(endpoint.base_url).text == "2"


def test_an_endpoint_that_hangs_fails_in_time(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply(text="first"), Reply(hang=True))
    failed = asyncio.run(_one_after_the_other(endpoint.base_url, BARE, seconds=0.3))[1]
    assert failed == "The endpoint did not answer within 0.3 seconds"


@pytest.mark.slow
def test_an_answer_that_drips_is_cut_off_at_the_deadline() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.05)

    async def ask_dripping() -> str:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            url = f"http://127.0.0.1:{port}/v1"
            with pytest.raises(ModelError) as error:
                await ask_async(make_model(url, policy=BARE, timeout=0.5), make_prompt())
        return str(error.value)

    assert "did not answer within 0.5 seconds" in asyncio.run(ask_dripping())


@pytest.mark.slow
def test_an_answer_without_end_is_not_taken_in(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply(raw=b" " * (40 * 2**20)))
    sample = ask(endpoint.base_url)
    assert sample.outcome is SampleOutcome.FAILED
    assert "is larger than 32 MB" in sample.error


def test_a_hanging_call_is_made_again(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply(hang=True), Reply(text="2"))
    sample = ask(endpoint.base_url, timeout=0.3)
    assert (sample.text, sample.attempts) == ("2", 2)


def test_nothing_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        sentence = refusal(url)
    assert sentence == (
        f"{url} cannot be reached (Nothing listens at that address): start the server there or "
        "correct the base URL"
    )


def test_no_such_host() -> None:
    sentence = refusal("http://no-such-host.invalid/v1")
    assert (
        "http://no-such-host.invalid/v1 cannot be reached (No server of that name can be found)" in sentence
    )


def test_something_else_than_http_listens() -> None:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    async def ask_it() -> str:
        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            with pytest.raises(ModelError) as error:
                await ask_async(make_model(url), make_prompt())
        return str(error.value)

    assert "cannot be reached" in asyncio.run(ask_it())


def test_https_asked_of_a_plain_server(endpoint: FakeEndpoint) -> None:
    sentence = refusal(endpoint.base_url.replace("http:", "https:"))
    assert "cannot be reached (No secure connection can be made" in sentence


def test_a_dead_endpoint_is_reported_after_few_tries(endpoint: FakeEndpoint) -> None:
    endpoint.script(*[Reply(drop=True)] * 50)
    refusal(endpoint.base_url)
    assert endpoint.calls == 1 + IMPATIENT.first_contact_retries


def test_retries_happen_in_one_place_only(endpoint: FakeEndpoint) -> None:
    endpoint.script(*[Reply.error(500, "down")] * 50)
    sample = ask(endpoint.base_url)
    assert (sample.outcome, sample.status) == (SampleOutcome.FAILED, 500)
    assert endpoint.calls == sample.attempts == 1 + IMPATIENT.retries


def test_the_sdk_does_not_ask_for_retries_of_its_own(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply.error(500, "down", headers={"x-should-retry": "true", "retry-after-ms": "1"}))
    sample = ask(endpoint.base_url, policy=BARE)
    assert (sample.outcome, endpoint.calls) == (SampleOutcome.FAILED, 1)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [({"Retry-After": "7"}, 7), ({"retry-after-ms": "7000"}, 7), ({"Retry-After": "DATE"}, 30)],
)
def test_the_wait_the_server_asks_for_is_kept(
    endpoint: FakeEndpoint, header: dict[str, str], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {
        name: formatdate(time.time() + 60, usegmt=True) if value == "DATE" else value
        for name, value in header.items()
    }
    endpoint.script(Reply.error(429, "wait", headers=asked), Reply(text="2"))
    waits: list[float] = []
    real = asyncio.sleep

    async def passes(wait: float) -> None:
        waits.append(wait)
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", passes)
    sample = ask(endpoint.base_url)
    assert (sample.text, sample.attempts) == ("2", 2)
    assert max(waits) >= seconds


def test_a_wait_of_hours_is_not_waited_for(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply.error(429, "tomorrow", headers={"Retry-After": "86400"}))
    sample = ask(endpoint.base_url)
    assert sample.outcome is SampleOutcome.FAILED
    assert (sample.status, endpoint.calls) == (429, 1)


@pytest.mark.parametrize("key", [KEY, "my-key", "abc"])
def test_the_key_is_in_no_message(endpoint: FakeEndpoint, key: str) -> None:
    echo = f"The key '{key}' (Bearer {key}) is wrong"
    endpoint.script(
        Reply.error(500, echo), Reply(raw=echo), Reply.error(400, echo, param=key), Reply.error(401, echo)
    )
    said = [
        ask(endpoint.base_url, policy=BARE, api_key=key).error,
        refusal(endpoint.base_url, policy=BARE, api_key=key),
        ask(endpoint.base_url, policy=BARE, api_key=key).error,
        refusal(endpoint.base_url, policy=BARE, api_key=key),
    ]
    assert all("[API key]" in sentence for sentence in said), said
    assert not any(re.search(rf"(?<!\w){key}(?!\w)", sentence) for sentence in said)


@pytest.mark.parametrize("key", ["sk-a b", "sk-a\nb", "sk–a", "schlüssel", "sk-\x00"])
def test_a_key_no_header_can_hold_is_refused_unseen(key: str) -> None:
    with pytest.raises(ModelError, match="copy it again") as error:
        make_model("http://127.0.0.1:1/v1", api_key=key)
    assert key not in str(error.value)


@pytest.mark.slow
def test_a_call_is_sent_as_the_sdk_would_send_it(endpoint: FakeEndpoint) -> None:
    from openai import AsyncOpenAI  # takes half a second, which no other test need wait for

    body: dict[str, Any] = {"messages": [{"role": "user", "content": "1 + 1 ="}], "model": "fake"}

    async def both() -> None:
        client, sdk = (
            Client(endpoint.base_url, KEY),
            AsyncOpenAI(api_key=KEY, base_url=endpoint.base_url),
        )
        await client.open()
        try:
            await client.ask("/chat/completions", body, 5.0)
            await sdk.post("/chat/completions", cast_to=dict, body=body)
        finally:
            await client.close()
            await sdk.close()

    asyncio.run(both())
    assert endpoint.bodies == [body, body]
    ours, theirs = ({name: headers[name] for name in SHARED} for headers in endpoint.headers)
    assert ours == theirs


SHARED = ("Authorization", "Accept", "Content-Type", "User-Agent")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (
            400,
            {"message": "Failed to call a function.", "code": "tool_use_failed", "failed_generation": "<f>"},
        ),
        (400, {"message": "Failed to generate JSON", "code": "json_validate_failed"}),
        (424, {"message": "Received an error from the model"}),
        (498, {"message": "Flex capacity exceeded", "code": "capacity_exceeded"}),
        (499, {"message": "The request was cancelled"}),
    ],
)
def test_what_another_response_may_do_is_asked_again(
    endpoint: FakeEndpoint, status: int, error: dict[str, str]
) -> None:
    endpoint.script(Reply(status=status, raw={"error": error}), Reply(text="4"))
    sample = ask(endpoint.base_url)
    assert (sample.text, sample.attempts) == ("4", 2)
