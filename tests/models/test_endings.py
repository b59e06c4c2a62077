"""How a response ended: only known good endings are answers, and no answer is a failure."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dryrun.core.records import NO_TEXT, Attempt, Sample, SampleOutcome
from dryrun.models.pace import RetryPolicy
from dryrun.models.reply import Ending, ending_of
from dryrun.store.partition import Store
from dryrun.store.schemas import sample_row
from dryrun.store.texts import stream_samples
from tests.helpers.asking import ask, ask_async, make_model, make_prompt
from tests.helpers.fake_endpoint import FakeEndpoint, Reply

PARTIAL = {"role": "assistant", "content": "The sum is"}


@pytest.mark.parametrize(
    ("word", "how"),
    [
        ("STOP", Ending.STOPPED),
        ("eos", Ending.STOPPED),
        ("end_turn", Ending.STOPPED),
        ("FINISH_REASON_STOP", Ending.STOPPED),
        ("tool-calls", Ending.STOPPED),
        ("MAX_TOKENS", Ending.CUT),
        ("maxTokens", Ending.CUT),
        ("SAFETY", Ending.FILTERED),
        ("content-filter", Ending.FILTERED),
        ("Refusal", Ending.REFUSED),
        ("insufficient_system_resource", Ending.ERROR),
        ("cosmic_rays", Ending.UNKNOWN),
        ("content_filter: PROHIBITED_CONTENT", Ending.FILTERED),
        ("content_filter: cosmic_rays", Ending.FILTERED),
        ("function_call_filter: MALFORMED_FUNCTION_CALL", Ending.ERROR),
        ("stop: cosmic_rays", Ending.UNKNOWN),
    ],
)
def test_finish_reasons_of_all_vendors_in_any_spelling(word: str, how: Ending) -> None:
    assert ending_of(word) is how


def choice(**fields: Any) -> Reply:
    """A 200 with one choice, which holds part of a text."""
    return Reply(raw={"choices": [{"index": 0, "message": PARTIAL, "finish_reason": "stop", **fields}]})


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (choice(finish_reason="error"), "ended with the finish reason 'error'"),
        (choice(finish_reason="error", error={"code": 502, "message": "lost"}), "502 Bad Gateway: lost"),
        (choice(error={"message": "upstream gone"}), "500 Internal Server Error: upstream gone"),
        (choice(message={**PARTIAL, "error": "cut"}), "500 Internal Server Error: cut"),
        (choice(finish_reason={"type": "abort", "message": "x"}), "ended with the finish reason 'abort'"),
        (choice(finish_reason="abort"), "ended with the finish reason 'abort'"),
        (Reply(raw={"status": 503, "message": "busy"}), "503 Service Unavailable: busy"),
        (Reply(raw={"code": "429", "msg": "slow"}), "429 Too Many Requests: slow"),
        (Reply(raw={"base_resp": {"status_code": 500, "status_msg": "no"}}), "500 Internal Server Error: no"),
    ],
)
def test_an_error_inside_a_200_is_asked_again_and_never_an_answer(
    endpoint: FakeEndpoint, reply: Reply, words: str
) -> None:
    endpoint.script(reply)
    sample = ask(endpoint.base_url)
    assert (sample.outcome, sample.attempts) == (SampleOutcome.ANSWERED, 2)
    endpoint.script(reply)
    failed = ask(endpoint.base_url, policy=RetryPolicy(retries=0))
    assert (failed.outcome, failed.text) == (SampleOutcome.FAILED, "")
    assert words in failed.error


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (choice(finish_reason="cosmic_rays"), "ended with the finish reason 'cosmic_rays'"),
        (choice(message={"content": None, "reasoning_content": "2"}), "its text stands in reasoning_content"),
        (choice(message={"content": "", "reasoning": "so 2"}), "its text stands in reasoning"),
        (
            choice(message={"content": [{"type": "thinking", "thinking": "so 2"}]}),
            "its text stands in thinking",
        ),
        (choice(finish_reason=3), "ended with the finish reason '3'"),
        (choice(finish_reason=["stop", "no"]), "ended with the finish reason"),
        (choice(message={"content": 2}), "The answer's content is no text: '2'"),
        (choice(message={"content": {"answer": 2}}), "The answer's content is no text"),
    ],
)
def test_what_holds_no_answer_fails_without_another_call(
    endpoint: FakeEndpoint, reply: Reply, words: str
) -> None:
    endpoint.script(reply)
    sample = ask(endpoint.base_url)
    assert (sample.outcome, sample.attempts, sample.gradable) == (SampleOutcome.FAILED, 1, False)
    assert words in sample.error


def test_reasoning_that_took_the_whole_cap_is_a_truncated_response(endpoint: FakeEndpoint) -> None:
    endpoint.script(choice(finish_reason="length", message={"content": None, "reasoning_content": "so"}))
    assert ask(endpoint.base_url).outcome is SampleOutcome.TRUNCATED


@pytest.mark.parametrize(
    "content", [["2"], {"type": "text", "text": "2"}, [{"type": "output_text", "text": "2"}]]
)
def test_text_in_parts_of_any_shape_is_an_answer(endpoint: FakeEndpoint, content: Any) -> None:
    endpoint.script(choice(message={"content": content}))
    sample = ask(endpoint.base_url)
    assert (sample.outcome, sample.text) == (SampleOutcome.ANSWERED, "2")


@pytest.mark.parametrize(
    ("finish", "outcome"),
    [({"type": "stop", "matched": 1}, SampleOutcome.ANSWERED), ({"type": "length"}, SampleOutcome.TRUNCATED)],
)
def test_a_finish_reason_in_an_object_is_read(
    endpoint: FakeEndpoint, finish: Any, outcome: SampleOutcome
) -> None:
    endpoint.script(choice(finish_reason=finish))
    assert ask(endpoint.base_url).outcome is outcome


def test_the_older_function_call_is_a_tool_call(endpoint: FakeEndpoint) -> None:
    called = {"name": "add", "arguments": "{}"}
    endpoint.script(choice(message={"content": None, "function_call": called}, finish_reason="function_call"))
    sample = ask(endpoint.base_url)
    assert sample.outcome is SampleOutcome.ANSWERED
    assert sample.tool_calls == ({"type": "function", "function": called},)


@pytest.mark.parametrize("calls", ["none", 5, {"id": "1"}])
def test_tool_calls_of_another_shape_hide_no_text(endpoint: FakeEndpoint, calls: Any) -> None:
    endpoint.script(choice(message={"content": "2", "tool_calls": calls}))
    assert ask(endpoint.base_url).text == "2"


def test_reasoning_beside_an_answer_is_left_alone(endpoint: FakeEndpoint) -> None:
    endpoint.script(choice(message={"content": "2", "reasoning_content": "one and one"}))
    sample = ask(endpoint.base_url)
    assert (sample.outcome, sample.text) == (SampleOutcome.ANSWERED, "2")


def test_the_tokens_of_a_call_without_an_answer_count(endpoint: FakeEndpoint) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 40}
    broken = {"choices": [{"message": PARTIAL, "finish_reason": "error"}], "usage": usage}
    endpoint.script(Reply(raw=broken))
    attempts: list[Attempt] = []
    model = make_model(endpoint.base_url)
    model.on_attempt = attempts.append
    asyncio.run(ask_async(model, make_prompt()))
    assert [attempt.outcome for attempt in attempts] == ["transient", "answered"]
    assert (attempts[0].prompt_tokens, attempts[0].completion_tokens) == (3, 40)


def test_what_an_older_version_took_for_an_answer_is_asked_again(tmp_path: Path) -> None:
    reasons = {"good": "stop", "none": None, "odd": "cosmic_rays", "broken": "error", "cut": "MAX_TOKENS"}
    answered = SampleOutcome.ANSWERED
    rows = [sample_row(Sample(key, 0, answered, "2", finish_reason=how)) for key, how in reasons.items()]
    partition = Store(tmp_path).samples("m")
    partition.append(rows)
    assert partition.finished_keys(pa.array(sorted(reasons))) == {"good", "none"}
    kept = [sample.key for part in stream_samples(partition, set(reasons)) for sample in part]
    assert sorted(kept) == ["good", "none"]
    imported = Store(tmp_path).samples("i")
    imported.append(rows)
    imported.describe({"imported": "file"})
    assert imported.finished_keys(pa.array(sorted(reasons))) == set(reasons)


def test_an_empty_answer_of_an_older_version_that_cost_tokens_is_asked_again(
    endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    empty = SampleOutcome.EMPTY
    old = [
        Sample("hidden", 0, empty, completion_tokens=40, finish_reason="stop"),
        Sample("short", 0, empty, completion_tokens=1, finish_reason="stop"),
        Sample("uncounted", 0, empty, finish_reason="stop"),
    ]
    usage = {"prompt_tokens": 3, "completion_tokens": 40}
    stop = {"message": {"content": ""}, "finish_reason": "stop"}
    endpoint.script(Reply(raw={"choices": [stop], "usage": usage}))
    now = ask(endpoint.base_url)
    assert (now.outcome, now.note) == (empty, NO_TEXT)
    keys = [*(sample.key for sample in old), now.key]
    partition = Store(tmp_path).samples("m")
    partition.append([sample_row(sample) for sample in [*old, now]])
    assert partition.finished_keys(pa.array(sorted(keys))) == {"short", "uncounted", now.key}
    partition.append([sample_row(Sample("hidden", 0, SampleOutcome.ANSWERED, "2", finish_reason="stop"))])
    (found,) = [sample for part in stream_samples(partition, {"hidden"}) for sample in part]
    assert found.text == "2"


def test_a_tool_call_that_the_model_spoilt_is_no_refusal_of_the_request(endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: Reply(status=400, raw={"error": {"message": "no", "code": "tool_use_failed"}})
    sample = ask(endpoint.base_url, policy=RetryPolicy(retries=0))
    assert (sample.outcome, sample.refused) == (SampleOutcome.FAILED, False)
