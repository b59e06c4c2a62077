"""Answers in the formats of vendors' own APIs: named, with the base URL to give, after one call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dryrun.core.errors import ModelError
from dryrun.models.body import MalformedReplyError, home_of, read_document, vendor_of
from dryrun.models.faults import Fault, reply_or_fault
from dryrun.models.reply import UnfinishedReplyError, read_reply
from dryrun.models.silence import fatal_sentence
from tests.helpers.asking import ask
from tests.helpers.fake_endpoint import FakeEndpoint, Reply

SAID = {"role": "assistant", "content": "4"}
GEMINI = "https://generativelanguage.googleapis.com/v1beta/openai"
COHERE = "https://api.cohere.ai/compatibility/v1"
NATIVE: list[tuple[Any, str, str]] = [
    ({"model": "m", "message": SAID, "done_reason": "stop", "done": True}, "Ollama", "/v1)"),
    ({"model": "m", "response": "4", "done": True, "context": [1]}, "Ollama", "/v1)"),
    ({"content": "4", "stop": True, "tokens_predicted": 2}, "llama.cpp", "/v1)"),
    ({"generated_text": "4"}, "Hugging Face", "/v1)"),
    ([{"generated_text": "4"}], "Hugging Face", "/v1)"),
    (
        {"type": "message", "content": [{"type": "text", "text": "4"}], "stop_reason": "end_turn"},
        "Anthropic's Messages",
        "https://api.anthropic.com/v1)",
    ),
    ({"candidates": [{"content": {"parts": [{"text": "4"}]}, "finishReason": "STOP"}]}, "Gemini", GEMINI),
    ({"promptFeedback": {"blockReason": "SAFETY"}}, "Gemini", GEMINI),
    ({"object": "response", "output": [{"type": "message", "content": []}]}, "OpenAI's Responses", "/v1)"),
    ({"id": "1", "message": {"content": [{"text": "4"}]}, "finish_reason": "COMPLETE"}, "Cohere", COHERE),
    ({"text": "4", "generation_id": "1", "finish_reason": "COMPLETE"}, "Cohere", COHERE),
    (
        {"output": {"message": {"content": [{"text": "4"}]}}, "stopReason": "end_turn"},
        "Bedrock's Converse",
        "https://bedrock-runtime.REGION.amazonaws.com/openai/v1)",
    ),
    ({"result": {"response": "4"}, "success": True}, "Workers AI", "/ai/v1)"),
]


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize(("document", "name", "home"), NATIVE)
def test_a_vendors_own_format_is_named_with_the_base_url_to_give(document: Any, name: str, home: str) -> None:
    fault = reply_or_fault(json.dumps(document).encode(), None)
    assert isinstance(fault, Fault)
    sentence = fatal_sentence(fault, "http://127.0.0.1:8080/api", "m")
    assert sentence.startswith(
        "http://127.0.0.1:8080/api has no chat completions (it answers in the format of "
    )
    assert name in sentence
    assert home in sentence


def test_one_call_is_made_to_an_endpoint_of_another_api(endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: Reply(raw=NATIVE[0][0])
    with pytest.raises(ModelError, match="in the format of Ollama's own API"):
        ask(endpoint.base_url)
    assert endpoint.calls == 1


STREAMS = [
    (b'{"message": {"content": "4"}, "done": false}\n{"message": {"content": ""}, "done": true}\n', "Ollama"),
    (b'event: message_start\ndata: {"type": "message_start", "message": {}}\n\n', "Anthropic"),
    (b'data: {"type": "response.created", "response": {}}\n\ndata: {"type": "x"}\n\n', "Responses"),
    (b'data: {"candidates": [{"content": {"parts": [{"text": "4"}]}}]}\n\n', "Gemini"),
]


@pytest.mark.parametrize(("content", "name"), STREAMS)
def test_so_is_a_stream_in_such_a_format(content: bytes, name: str) -> None:
    vendor = vendor_of(read_document(content))
    assert vendor is not None
    assert name in vendor.api


@pytest.mark.parametrize(
    "document",
    [
        {"choices": [{"message": SAID, "finish_reason": "stop"}], "done": True, "message": SAID},
        {"error": {"message": "no"}, "candidates": []},
        {"message": "the pool of workers is empty"},
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        {"content": "4"},
        {},
        [],
        [1],
        "4",
        None,
    ],
)
def test_what_is_a_chat_completion_or_an_error_is_nobodys_own_format(document: Any) -> None:
    assert vendor_of(document) is None


@pytest.mark.parametrize(
    ("base_url", "home"),
    [
        ("https://api.anthropic.com", "https://api.anthropic.com/v1"),
        ("https://generativelanguage.googleapis.com/v1beta", GEMINI),
        ("https://api.cohere.com/v2", COHERE),
        ("https://api.groq.com/v1", "https://api.groq.com/openai/v1"),
        (
            "https://bedrock-runtime.eu-west-1.amazonaws.com",
            "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1",
        ),
        ("https://api.anthropic.com/v1", ""),
        ("http://127.0.0.1:11434/api", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:8000/api", ""),
    ],
)
def test_a_vendors_host_says_where_its_chat_completions_are(base_url: str, home: str) -> None:
    assert home_of(base_url) == home


def lines(*chunks: dict[str, Any]) -> bytes:
    """A stream whose events are lines, as some servers send it without being asked."""
    return b"".join(json.dumps(chunk).encode() + b"\n" for chunk in chunks)


def part(finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def test_a_stream_of_lines_is_put_together() -> None:
    reply = read_reply(read_document(lines(part(content="4"), part(content="2"), part("stop"))))
    assert (reply.text, reply.finish_reason) == ("42", "stop")
    with pytest.raises(MalformedReplyError):
        read_document(lines(part(content="4")) + b'{"choices": [{"del')


def test_reasoning_and_a_refusal_in_a_stream_are_read() -> None:
    with pytest.raises(UnfinishedReplyError, match="its text stands in reasoning_content"):
        read_reply(read_document(lines(part(reasoning_content="4"), part("stop"))))
    refused = read_reply(read_document(lines(part(refusal="I can't "), part("stop", refusal="help."))))
    assert (refused.outcome.value, refused.text) == ("refused", "I can't help.")


@pytest.mark.parametrize(
    "calls", [{"0": {}}, [None], ["x"], [{"function": None}], [{"index": [0], "function": {}}]]
)
def test_tool_calls_of_another_shape_in_a_stream_hide_no_text(calls: Any) -> None:
    assert read_reply(read_document(lines(part(tool_calls=calls), part("stop", content="4")))).text == "4"


def test_of_several_answers_the_first_by_its_index_counts() -> None:
    choices = [{"index": n, "message": {"content": str(n)}, "finish_reason": "stop"} for n in (2, 0, 1)]
    assert read_reply(read_document(json.dumps({"choices": choices}).encode())).text == "0"
    second = {"choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": "length"}]}
    both = lines(part(content="4"), second, part("stop", content="2"), second)
    assert read_reply(read_document(both)).text == "42"
    assert read_reply(read_document(lines(second))).text == "no"  # a server that counts from one
