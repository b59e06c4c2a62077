"""What is sent to an endpoint, and what its answers mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dryrun.core.records import SampleOutcome
from tests.helpers.asking import KEY, ask, make_model, make_prompt
from tests.helpers.fake_endpoint import FakeEndpoint, Reply

CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}


@pytest.mark.parametrize(
    ("reply", "outcome", "text"),
    [
        (Reply(text="2"), SampleOutcome.ANSWERED, "2"),
        (Reply(text="2 and", finish_reason="length"), SampleOutcome.TRUNCATED, "2 and"),
        (Reply(text="", finish_reason="length"), SampleOutcome.TRUNCATED, ""),
        (Reply(text=None, refusal="I can't help."), SampleOutcome.REFUSED, "I can't help."),
        (Reply(text="", finish_reason="content_filter"), SampleOutcome.FILTERED, ""),
        (Reply(text=""), SampleOutcome.EMPTY, ""),
        (Reply(text=None), SampleOutcome.EMPTY, ""),
        (Reply(text=" \n\t"), SampleOutcome.EMPTY, " \n\t"),
        (Reply(text=None, tool_calls=(CALL,), finish_reason="tool_calls"), SampleOutcome.ANSWERED, ""),
        (Reply(text="2", finish_reason=None), SampleOutcome.ANSWERED, "2"),
    ],
)
def test_each_ending_has_its_outcome(
    endpoint: FakeEndpoint, reply: Reply, outcome: SampleOutcome, text: str
) -> None:
    endpoint.script(reply)
    sample = ask(endpoint.base_url)
    assert (sample.outcome, sample.text, sample.attempts) == (outcome, text, 1)
    assert sample.finish_reason == reply.finish_reason
    assert sample.tool_calls == reply.tool_calls


def test_a_filter_that_answers_400_is_no_failure(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply.error(400, "The response was filtered", code="content_filter"))
    sample = ask(endpoint.base_url)
    assert sample.outcome is SampleOutcome.FILTERED
    assert sample.returned
    assert not sample.gradable
    assert (sample.error, endpoint.calls) == ("", 1)


def test_a_rejected_request_fails_that_sample_alone(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply.error(400, "This prompt is too long", code="context_length_exceeded"))
    sample = ask(endpoint.base_url)
    assert sample.outcome is SampleOutcome.FAILED
    assert sample.error == "The endpoint answered 400 Bad Request: This prompt is too long"
    assert (sample.status, sample.attempts, endpoint.calls) == (400, 1, 1)


def test_tokens_are_taken_from_usage(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply(text="the sum is 2"))
    sample = ask(endpoint.base_url, make_prompt("one two three"))
    assert (sample.prompt_tokens, sample.completion_tokens) == (3, 4)


def test_a_server_that_counts_no_tokens(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply(text="2", usage=False))
    sample = ask(endpoint.base_url)
    assert (sample.text, sample.prompt_tokens, sample.completion_tokens) == ("2", None, None)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        {"prompt_tokens": "many"},
        {"prompt_tokens": 7.5},
        {"prompt_tokens": -1},
        {"prompt_tokens": True},
        {"prompt_tokens": 10**19},
        {"prompt_tokens": "9" * 30},
        {"prompt_tokens": 1e30},
    ],
)
def test_token_counts_that_are_none(endpoint: FakeEndpoint, usage: Any) -> None:
    choice = {"index": 0, "message": {"content": "2"}, "finish_reason": "stop"}
    endpoint.script(Reply(raw={"choices": [choice], "usage": usage}))
    sample = ask(endpoint.base_url)
    assert (sample.text, sample.prompt_tokens) == ("2", None)


@pytest.mark.parametrize("count", [7.0, "7"])
def test_token_counts_in_another_spelling(endpoint: FakeEndpoint, count: Any) -> None:
    choice = {"index": 0, "message": {"content": "2"}, "finish_reason": "stop"}
    endpoint.script(Reply(raw={"choices": [choice], "usage": {"prompt_tokens": count}}))
    assert ask(endpoint.base_url).prompt_tokens == 7


def test_content_in_parts_is_joined(endpoint: FakeEndpoint) -> None:
    parts = [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}, {"type": "image_url"}, 3]
    endpoint.script(Reply(raw={"choices": [{"message": {"content": parts}, "finish_reason": "stop"}]}))
    assert ask(endpoint.base_url).text == "42"


def test_text_that_is_no_valid_unicode_can_be_stored(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply(raw=b'{"choices":[{"message":{"content":"a\\ud800b \\ud83d\\ude00"}}]}'))
    text = ask(endpoint.base_url).text
    assert text == "a\ufffdb \U0001f600"
    assert text.encode()


def test_nothing_is_sent_that_was_not_set(endpoint: FakeEndpoint) -> None:
    ask(endpoint.base_url)
    assert endpoint.bodies == [{"model": "fake", "messages": [{"role": "user", "content": "1 + 1 ="}]}]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0.0),
        ("temperature", 1.5),
        ("top_p", 0.9),
        ("max_completion_tokens", 64),
        ("reasoning_effort", "low"),
        ("response_format", FORMAT),
    ],
)
def test_a_parameter_that_is_set_is_sent_alone(endpoint: FakeEndpoint, name: str, value: Any) -> None:
    ask(endpoint.base_url, **{name: value})
    body = endpoint.bodies[0]
    assert body[name] == value
    assert set(body) == {"model", "messages", name}


def test_each_rollout_has_its_own_seed(endpoint: FakeEndpoint) -> None:
    for rollout in range(3):
        ask(endpoint.base_url, rollout=rollout, seed=40)
    assert [body["seed"] for body in endpoint.bodies] == [40, 41, 42]


def test_the_row_brings_tools_and_response_format(endpoint: FakeEndpoint) -> None:
    own = {"type": "json_object"}
    row = make_prompt(tools=[TOOL], parallel_tool_calls=False, response_format=own, reference_answer="2")
    ask(endpoint.base_url, row, response_format=FORMAT)
    body = endpoint.bodies[0]
    assert (body["tools"], body["parallel_tool_calls"], body["response_format"]) == ([TOOL], False, own)
    assert "reference_answer" not in json.dumps(body)


def test_messages_go_out_as_they_are(endpoint: FakeEndpoint) -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "1 + 1 = é 😀"}]},
    ]
    ask(endpoint.base_url, make_prompt(messages=messages))
    assert endpoint.bodies[0]["messages"] == messages


def test_the_key_is_sent_as_bearer_and_trimmed(endpoint: FakeEndpoint) -> None:
    endpoint.api_key = KEY
    assert ask(endpoint.base_url, api_key=f"  {KEY}\n").outcome is SampleOutcome.ANSWERED


def test_no_key_is_needed_where_the_server_wants_none(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-users-own-key")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    assert ask(endpoint.base_url, api_key="").outcome is SampleOutcome.ANSWERED
    sent = json.dumps(endpoint.headers)
    assert not any(secret in sent for secret in ("own-key", "org-secret", "proj-secret"))


@pytest.mark.parametrize("name", ["temperature", "top_p", "reasoning_effort", "seed"])
def test_a_parameter_the_endpoint_refuses_is_left_out_from_then_on(endpoint: FakeEndpoint, name: str) -> None:
    value: Any = {"temperature": 0.5, "top_p": 0.5, "reasoning_effort": "low", "seed": 7}[name]
    endpoint.script(Reply.error(400, f"Unsupported parameter: '{name}'", "unsupported_parameter", name))
    sample = ask(endpoint.base_url, **{name: value})
    assert (sample.outcome, sample.attempts) == (SampleOutcome.ANSWERED, 2)
    assert sample.note == f"{name} not accepted, left out"
    assert [name in body for body in endpoint.bodies] == [True, False]


def test_max_completion_tokens_goes_out_by_its_old_name_to_servers_that_know_only_that(
    endpoint: FakeEndpoint,
) -> None:
    endpoint.script(Reply.error(422, "Extra inputs are not permitted", param="max_completion_tokens"))
    sample = ask(endpoint.base_url, max_completion_tokens=9)
    assert endpoint.bodies[1]["max_tokens"] == 9
    assert "max_completion_tokens" not in endpoint.bodies[1]
    assert sample.note == "max_completion_tokens not accepted, sent as max_tokens"


def test_a_prompt_that_is_too_long_is_not_blamed_on_the_token_cap(endpoint: FakeEndpoint) -> None:
    said = "context length is 100; reduce messages or max_completion_tokens"
    endpoint.script(Reply.error(400, said, "context_length_exceeded", "max_completion_tokens"))
    sample = ask(endpoint.base_url, max_completion_tokens=9)
    assert (sample.outcome, sample.attempts) == (SampleOutcome.FAILED, 1)


def test_the_sample_key_names_all_that_determines_the_response(endpoint: FakeEndpoint) -> None:
    url, prompt = endpoint.base_url, make_prompt()
    base = make_model(url, temperature=0.5, seed=1)
    others = [
        make_model(url, temperature=0.6, seed=1).sample_key(prompt, 0),
        make_model(url, temperature=0.5, seed=2).sample_key(prompt, 0),
        make_model(url, temperature=0.5, seed=1, top_p=0.5).sample_key(prompt, 0),
        make_model(url, temperature=0.5, seed=1, max_completion_tokens=5).sample_key(prompt, 0),
        make_model(url, temperature=0.5, seed=1, reasoning_effort="low").sample_key(prompt, 0),
        make_model(url, temperature=0.5, seed=1, response_format=FORMAT).sample_key(prompt, 0),
        make_model(url + "/x", temperature=0.5, seed=1).sample_key(prompt, 0),
        base.sample_key(prompt, 1),
        base.sample_key(make_prompt("1 + 2 ="), 0),
        base.sample_key(make_prompt(tools=[TOOL]), 0),
        base.sample_key(make_prompt(response_format=FORMAT), 0),
    ]
    assert len({base.sample_key(prompt, 0), *others}) == 1 + len(others)


def test_the_sample_key_names_nothing_else(endpoint: FakeEndpoint) -> None:
    base = make_model(endpoint.base_url, seed=1)
    same = make_model(endpoint.base_url + "/", seed=1, timeout=3.0, concurrency=2, api_key="another")
    assert same.sample_key(make_prompt(topic="t"), 0) == base.sample_key(make_prompt(), 0)
    sample = ask(endpoint.base_url, seed=1)
    assert sample.key == base.sample_key(make_prompt(), 0)


def test_no_secret_is_in_what_can_be_printed_or_stored(endpoint: FakeEndpoint) -> None:
    model = make_model(endpoint.base_url)
    assert KEY not in f"{model!r} {model} {model.identity!r}"
