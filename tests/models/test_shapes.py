"""Answers and refusals of servers as public bug reports have them: read, or named for what they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dryrun.core.errors import ModelError
from dryrun.core.records import SampleOutcome
from dryrun.graders.protocol import after_reasoning
from dryrun.models.body import read_document
from dryrun.models.client import checked_key
from dryrun.models.faults import FaultKind, fault_of_answer, reply_or_fault
from dryrun.models.reply import Reply as ChatReply
from dryrun.models.reply import UnfinishedReplyError, read_reply
from dryrun.models.urls import normalise_base_url
from tests.helpers.asking import ask
from tests.helpers.fake_endpoint import Body, FakeEndpoint, Reply


def answered(**choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, **choice}]}


@pytest.mark.parametrize(
    ("document", "outcome", "text"),
    [
        (answered(delta={"content": "42"}, finish_reason="stop"), SampleOutcome.ANSWERED, "42"),
        (answered(text="42", finish_reason="stop"), SampleOutcome.ANSWERED, "42"),
        (answered(message={"content": "42"}, finish_reason="null"), SampleOutcome.ANSWERED, "42"),
        (answered(message={"content": "42"}, finish_reason="None"), SampleOutcome.ANSWERED, "42"),
        (answered(message={"content": "42"}, finish_reason="<|eot_id|>"), SampleOutcome.ANSWERED, "42"),
        (answered(message={"content": "42"}, finish_reason="stopped_limit"), SampleOutcome.TRUNCATED, "42"),
        (answered(finish_reason="content_filter: SAFETY"), SampleOutcome.FILTERED, ""),
        (answered(message=None, finish_reason="MAX_TOKENS"), SampleOutcome.TRUNCATED, ""),
    ],
)
def test_an_answer_in_another_shape_is_read(
    document: dict[str, Any], outcome: SampleOutcome, text: str
) -> None:
    reply = read_reply(document)
    assert (reply.outcome, reply.text) == (outcome, text)


WHOLE = answered(message={"content": "42"}, finish_reason="stop")


@pytest.mark.parametrize(
    "document",
    [
        [WHOLE],
        {"code": 200, "data": WHOLE},
        {"success": True, "errors": [], "result": WHOLE},
        {"request_id": "1", "output": WHOLE, "usage": {"prompt_tokens": 3, "completion_tokens": 1}},
        {**WHOLE, "error": {"code": 0, "message": ""}},
        {**WHOLE, "error": None},
    ],
)
def test_an_answer_in_a_gateways_wrapping_is_an_answer(document: object) -> None:
    reply = reply_or_fault(json.dumps(document).encode(), None)
    assert isinstance(reply, ChatReply)
    assert (reply.outcome, reply.text) == (SampleOutcome.ANSWERED, "42")


def test_a_choice_without_a_message_that_failed_is_asked_again() -> None:
    with pytest.raises(UnfinishedReplyError) as caught:
        read_reply(answered(finish_reason="error"))
    assert caught.value.curable


@pytest.mark.parametrize(
    "comment", [b": OPENROUTER PROCESSING\n\n", b"\n\n: keep-alive\n: keep-alive\r\n\r\n"]
)
def test_comments_that_keep_a_connection_open_are_passed_over(comment: bytes) -> None:
    document = answered(message={"content": "42"}, finish_reason="stop")
    assert read_document(comment + json.dumps(document).encode()) == document


def test_a_stream_that_says_null_until_it_stops_is_unfinished_without_its_end() -> None:
    chunk = {"choices": [{"delta": {"content": "4"}, "finish_reason": "null"}]}
    with pytest.raises(UnfinishedReplyError):
        read_reply(read_document(f"data: {json.dumps(chunk)}\n\n".encode()))


def test_blank_lines_that_keep_a_connection_open_are_passed_over(endpoint: FakeEndpoint) -> None:
    document = answered(message={"content": "42"}, finish_reason="stop")
    endpoint.answer = lambda _: Reply(raw=b"\n" * 9 + b" \r\n" + json.dumps(document).encode())
    assert ask(endpoint.base_url).text == "42"


@pytest.mark.parametrize("closer", ["[/THINK]", "◁/think▷", "<|channel|>final<|message|>", "assistantfinal"])
def test_what_ends_the_reasoning_of_other_models_is_known(closer: str) -> None:
    assert after_reasoning(f"9 or 12? {closer} 12") == "12"


NO_MODEL = "has no model 'fake'"
SERVERS = [
    (400, "The model `fake` has been decommissioned and is no longer supported.", NO_MODEL),
    (400, "The requested model 'fake' is not supported by any provider you have enabled.", NO_MODEL),
    (400, "Unable to access model fake. Please visit the list of supported models.", NO_MODEL),
    (400, "litellm.BadRequestError: LLM Provider NOT provided. You passed model=fake", NO_MODEL),
    (400, "No models loaded. Please load a model in the developer page", NO_MODEL),
    (400, "Unavailable model: fake", NO_MODEL),
    (403, "You have exceeded your monthly included credits for Inference Providers.", "has no quota left"),
    (403, "Attention Required! | Cloudflare Sorry, you have been blocked", "turns this machine away"),
    (403, "Country, region, or territory not supported", "does not serve the place"),
    (500, "model requires more system memory (5.6 GiB) than is available (3.9 GiB)", "has no memory for"),
    (500, "error loading model: unable to allocate CUDA0 buffer", "has no memory for"),
]


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize(("status", "said", "words"), SERVERS)
def test_one_call_is_enough_where_no_other_would_be_answered(
    endpoint: FakeEndpoint, status: int, said: str, words: str
) -> None:
    endpoint.answer = lambda body: Reply.error(status, said)
    with pytest.raises(ModelError) as caught:
        ask(endpoint.base_url)
    assert words in str(caught.value)
    assert said.rstrip(".") in str(caught.value)
    assert endpoint.calls == 1


def test_a_model_that_is_being_loaded_is_waited_for() -> None:
    fault = fault_of_answer(503, {}, b'{"error": {"message": "Loading model"}}')
    assert (fault.kind, fault.waits) == (FaultKind.TRANSIENT, True)


@pytest.mark.parametrize(
    "said",
    [
        "unexpected keyword argument 'max_completion_tokens'",
        "litellm.UnsupportedParamsError: fake does not support parameters: ['max_completion_tokens']",
        "Unrecognized request argument supplied: max_completion_tokens",
    ],
)
def test_a_parameter_that_is_refused_as_a_fault_of_the_server_is_left_out(
    endpoint: FakeEndpoint, said: str
) -> None:
    def answer(body: Body) -> Reply | str:
        return Reply.error(500, said) if "max_completion_tokens" in body else "42"

    endpoint.answer = answer
    assert ask(endpoint.base_url, max_completion_tokens=64).text == "42"
    assert endpoint.calls == 2
    assert endpoint.bodies[-1]["max_tokens"] == 64


@pytest.mark.parametrize(
    "reply",
    [
        Reply.error(400, "max_tokens: Field required"),
        Reply(
            status=422, raw={"detail": [{"type": "missing", "loc": ["body", "max_tokens"], "msg": "Field"}]}
        ),
    ],
)
def test_a_server_that_wants_the_older_cap_gets_it(endpoint: FakeEndpoint, reply: Reply) -> None:
    endpoint.answer = lambda body: "42" if "max_tokens" in body else reply
    assert ask(endpoint.base_url, max_completion_tokens=64).text == "42"
    assert endpoint.bodies[-1]["max_tokens"] == 64


def test_an_answer_that_cannot_be_unpacked_comes_from_a_server_that_is_there(endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda body: Reply(raw=b"plain", headers={"Content-Encoding": "gzip"})
    with pytest.raises(ModelError, match="is there but its answers cannot be read"):
        ask(endpoint.base_url)


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("localhost:8000/v1", "http://localhost:8000/v1"),
        ("gpu-box:8000/v1", "http://gpu-box:8000/v1"),
        ("api.example.com/v1", "https://api.example.com/v1"),
    ],
)
def test_an_address_without_its_scheme_is_completed(url: str, instead: str) -> None:
    with pytest.raises(ModelError) as caught:
        normalise_base_url(url)
    assert str(caught.value) == f"{url!r} has no http:// or https:// in front: try {instead}"


def test_needless_slashes_are_left_out() -> None:
    assert normalise_base_url("http://host:8000//api//v1/") == "http://host:8000/api/v1"


def test_a_doubled_version_is_named(endpoint: FakeEndpoint) -> None:
    with pytest.raises(ModelError) as caught:
        ask(endpoint.base_url + "/v1")
    assert f"(/v1 stands there twice: try {endpoint.base_url})" in str(caught.value)


def test_https_to_a_server_of_http_is_named(endpoint: FakeEndpoint) -> None:
    with pytest.raises(ModelError) as caught:
        ask(endpoint.base_url.replace("http", "https"))
    assert f"speak http, not https: try {endpoint.base_url}" in str(caught.value)


def test_a_compression_that_nobody_asked_for_is_named(endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda body: Reply(raw=b"\x0b\x02\x80abc", headers={"Content-Encoding": "br"})
    with pytest.raises(ModelError, match="is there but its answers cannot be read"):
        ask(endpoint.base_url)


@pytest.mark.parametrize("key", ["sk-abc\n", "\ufeffsk-abc", " sk-abc"])
def test_what_stands_around_a_key_is_left_out(key: str) -> None:
    assert checked_key(key) == "sk-abc"


@pytest.mark.parametrize("key", ['"sk-abc"', "'sk-abc'", "Bearer sk-abc"])
def test_a_key_in_quotes_is_no_key(key: str) -> None:
    with pytest.raises(ModelError, match="give the key alone"):
        checked_key(key)
