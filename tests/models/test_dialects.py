"""Servers and gateways that speak the API in their own way: roles, parameters, streams, empty answers."""

from __future__ import annotations

import asyncio
import json

import pytest

from dryrun.core.errors import ModelError
from dryrun.core.records import SampleOutcome
from dryrun.models.body import read_document
from dryrun.models.faults import FaultKind, fault_in_document, fault_of_answer
from dryrun.models.reply import Answerers, Ending, NoChoicesError, ending_of, read_reply
from dryrun.models.request import refused_parameter
from dryrun.models.silence import fatal_sentence
from tests.helpers.asking import KEY, ask, ask_async, make_model, make_prompt
from tests.helpers.fake_endpoint import Body, FakeEndpoint, Reply

CHUNKS = (
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {"content": "4"}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {"content": "2"}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}},
)


def stream(*events: object) -> bytes:
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()


def test_a_stream_that_nobody_asked_for_is_put_together(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply(raw=b": PROCESSING\n\n" + stream(*CHUNKS) + b"data: [DONE]\n\n"))
    sample = ask(endpoint.base_url)
    assert (sample.outcome, sample.text, sample.completion_tokens) == (SampleOutcome.ANSWERED, "42", 2)


def test_a_stream_that_breaks_off_is_asked_again(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply(raw=stream(*CHUNKS[:2])), Reply(text="whole"))
    assert ask(endpoint.base_url).text == "whole"


@pytest.mark.parametrize(
    "words",
    [
        "This model only supports streaming. Set stream=true.",
        "This model only support stream mode, please enable the stream parameter to access the model.",
        "parameter.enable_thinking only support stream",
        "'stream' must be true for this model",
    ],
)
def test_a_server_that_only_streams_is_asked_for_a_stream(words: str, endpoint: FakeEndpoint) -> None:
    def answer(body: Body) -> Reply:
        if not body.get("stream"):
            return Reply.error(400, words)
        if "stream_options" in body:
            return Reply.error(400, "Unknown parameter: 'stream_options'")
        return Reply(raw=stream(*CHUNKS))

    endpoint.answer = answer
    model = make_model(endpoint.base_url, concurrency=1)
    first, second = asyncio.run(ask_async(model, make_prompt("a"), make_prompt("b")))
    assert (first.text, first.completion_tokens, second.text) == ("42", 2, "42")
    assert "answers only as a stream, asked for one" in second.note
    assert [body.get("stream") for body in endpoint.bodies] == [None, True, True, True]


def test_tool_calls_in_a_stream_are_put_together() -> None:
    parts = [
        {"index": 0, "id": "1", "function": {"name": "add", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"a"'}},
        {"index": 0, "function": {"arguments": ": 1}"}},
    ]
    chunks = [{"choices": [{"delta": {"tool_calls": [part]}}]} for part in parts]
    last = {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}
    (call,) = read_reply(read_document(stream(*chunks, last))).tool_calls
    assert call == {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}


def test_an_error_in_a_stream_is_an_error() -> None:
    document = read_document(stream(CHUNKS[0], {"error": {"message": "overloaded", "code": 503}}))
    fault = fault_in_document(document, b"")
    assert fault is not None
    assert (fault.status, fault.kind) == (503, FaultKind.TRANSIENT)


def test_arguments_that_are_an_object_become_text() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
    choice = {"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}
    (read,) = read_reply({"choices": [choice]}).tool_calls
    assert read["function"]["arguments"] == '{"a": 1}'


def test_empty_choices_are_asked_again(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply(raw={"choices": [], "usage": {"prompt_tokens": 5}}), Reply(text="4"))
    sample = ask(endpoint.base_url)
    assert (sample.text, sample.attempts) == ("4", 2)


@pytest.mark.parametrize("choices", [{}, {"choices": None}, {"choices": []}])
def test_a_server_that_only_answers_without_choices_is_not_asked_for_long(
    endpoint: FakeEndpoint, choices: Body
) -> None:
    endpoint.answer = lambda _: Reply(raw=choices | {"message": "the pool of workers is empty"})
    with pytest.raises(ModelError, match=r"no model answers .*'the pool of workers is empty'.*resume"):
        ask(endpoint.base_url)
    assert endpoint.calls == 3


def test_a_stream_without_a_chunk_is_an_answer_without_choices() -> None:
    with pytest.raises(NoChoicesError):
        read_reply(read_document(b"data: [DONE]\n\n"))


def test_a_mark_of_the_encoding_before_an_answer_is_passed_over(endpoint: FakeEndpoint) -> None:
    choice = {"message": {"content": "2"}, "finish_reason": "stop"}
    endpoint.script(Reply(raw=b"\xef\xbb\xbf" + json.dumps({"choices": [choice]}).encode()))
    assert ask(endpoint.base_url).text == "2"


@pytest.mark.parametrize("choices", [{}, {"choices": None}])
def test_after_an_answer_one_without_choices_is_only_asked_again(
    endpoint: FakeEndpoint, choices: Body
) -> None:
    endpoint.script(Reply(text="1"), *[Reply(raw=choices)] * 5, Reply(text="2"))
    model = make_model(endpoint.base_url, concurrency=1)
    samples = asyncio.run(ask_async(model, make_prompt("a"), make_prompt("b")))
    assert [(sample.text, sample.attempts) for sample in samples] == [("1", 1), ("2", 6)]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "Invalid role: developer. Supported roles are system, user, assistant and tool."),
        (500, "Value is not callable: null at row 1, column 59: Unexpected message role."),
    ],
)
def test_developer_messages_become_system_messages(status: int, message: str) -> None:
    fault = fault_of_answer(status, {}, json.dumps({"error": {"message": message}}).encode())
    body = {"messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "2 + 2"}]}
    assert refused_parameter(fault, body) == "developer"
    assert refused_parameter(fault, {"messages": body["messages"][1:]}) is None


def test_the_roles_that_were_sent_are_noted(endpoint: FakeEndpoint) -> None:
    def answer(body: Body) -> Reply | str:
        return Reply.error(400, "Invalid role: developer") if "developer" in str(body["messages"]) else "4"

    endpoint.answer = answer
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "2 + 2"}]
    sample = ask(endpoint.base_url, make_prompt(messages=messages))
    assert (sample.text, sample.note) == ("4", "developer messages not accepted, sent as system messages")
    assert [message["role"] for message in endpoint.bodies[-1]["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    ("message", "left_out"),
    [
        ("extraneous key [maxCompletionTokens] is not permitted", "max_completion_tokens"),
        ("'temperature' does not support 0.7 with this model. Only the default (1) is.", "temperature"),
        ("temperature: range: 0..1", None),
        ("max_completion_tokens is too large: 20000. This model supports at most 8192", None),
    ],
)
def test_a_wrong_value_is_no_unknown_parameter(message: str, left_out: str | None) -> None:
    fault = fault_of_answer(400, {}, json.dumps({"error": {"message": message}}).encode())
    body = {"messages": [], "temperature": 1.5, "max_completion_tokens": 20_000}
    assert refused_parameter(fault, body) == left_out


def test_a_server_without_chat_completions_ends_the_run_at_once() -> None:
    said = {"error": "Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"}
    fault = fault_in_document(said, json.dumps(said).encode())
    assert fault is not None
    assert (fault.kind, fault.status) == (FaultKind.FATAL, 404)


def test_an_account_that_no_provider_serves_is_no_wrong_model() -> None:
    said = b'{"error": {"message": "No endpoints found matching your data policy (Free model publication)"}}'
    words = fatal_sentence(fault_of_answer(404, {}, said), "https://router.example/api/v1", "m")
    assert words.endswith("change its settings there")


@pytest.mark.parametrize(
    ("word", "ending"),
    [("normal", Ending.STOPPED), ("stop_str", Ending.STOPPED), ("max_tokens_reached", Ending.CUT)],
)
def test_more_words_for_an_end(word: str, ending: Ending) -> None:
    assert ending_of(word) is ending


@pytest.mark.parametrize(
    ("asked", "answered", "same"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("gemini-2.0-flash", "models/gemini-2.0-flash-001", True),
        ("mistral-small-latest", "mistral-small", True),
        ("llama3", "llama3:latest", True),
        ("claude-sonnet-4", "anthropic/claude-sonnet-4@20250514", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4", "gpt-4.1", False),
        ("gemini-2.0-flash", "gemini-2.0-flash-lite-001", False),
        ("qwen2.5-7b", "qwen2.5-72b", False),
    ],
)
def test_a_version_makes_no_other_model_and_a_size_does(asked: str, answered: str, same: bool) -> None:
    assert Answerers(asked).note(answered) == ("" if same else f"answered by '{answered}'")


@pytest.mark.parametrize(
    ("names", "note", "news"),
    [
        (("gpt-5", "gpt-5-2026-08-07", "openai/gpt-5"), "", []),
        ((None, "gpt-5"), "", []),
        (("llama-3", "llama-3"), "answered by 'llama-3'", []),
        (
            ("gpt-5", KEY),
            "answered by '[API key]'",
            [
                "The endpoint answers as several models, 'gpt-5' and '[API key]': the figures are those of a "
                "mixture."
            ],
        ),
        (
            ("gpt-5", "llama-3"),
            "answered by 'llama-3'",
            [
                "The endpoint answers as several models, 'gpt-5' and 'llama-3': the figures are those of a "
                "mixture."
            ],
        ),
    ],
)
def test_a_router_that_sends_a_call_to_another_model_is_seen(
    endpoint: FakeEndpoint, names: tuple[str | None, ...], note: str, news: list[str]
) -> None:
    choices = [{"message": {"content": "4"}, "finish_reason": "stop"}]
    for name in (*names, names[-1]):
        endpoint.script(Reply(raw={"model": name, "choices": choices}))
    heard: list[str] = []

    async def play() -> list[str]:
        async with make_model(endpoint.base_url, name="gpt-5") as model:
            model.on_news = heard.append
            return [(await model.generate(make_prompt(), number)).note for number in range(len(names) + 1)]

    assert asyncio.run(play())[-1] == note
    assert heard == news
