"""Logs of lm-evaluation-harness, Inspect and promptfoo are read like anybody's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dryrun.engine.imports.records import RecordError, Response, read_record
from dryrun.engine.imports.run import import_samples, read_groups
from dryrun.report.build import report_of
from dryrun.store.partition import Store
from dryrun.store.results import load_results

ASKED = [{"role": "system", "content": "Only the number."}, {"role": "user", "content": "What is 2 + 3?"}]


def lm_eval(number: int = 5, reading: str = "strict-match", **more: Any) -> dict[str, Any]:
    asked = [{"role": "user", "content": f"What is {number} + 0?"}]
    return {
        "doc_id": number,
        "doc": {"question": f"What is {number} + 0?", "level": "easy"},
        "target": number,
        "arguments": {"gen_args_0": {"arg_0": [json.dumps(asked)], "arg_1": {"until": ["\n"]}}},
        "resps": [[f"It is {number}.", "7"]],
        "filtered_resps": [str(number), "7"],
        "filter": reading,
        "metrics": ["exact_match"],
        "exact_match": 1.0,
        **more,
    }


def inspect_ai(stop: str = "max_tokens", **more: Any) -> dict[str, Any]:
    text = {"type": "text", "text": "5"}
    said = {"role": "assistant", "content": [{"type": "reasoning", "reasoning": "2 and 3"}, text], "id": "m1"}
    return {
        "id": 1,
        "epoch": 1,
        "input": "What is 2 + 3?",
        "target": ["5"],
        "messages": [*({**message, "id": "m0"} for message in ASKED), said],
        "output": {
            "model": "m",
            "choices": [{"message": said, "stop_reason": stop}],
            "usage": {"input_tokens": 12, "output_tokens": 3},
        },
        "scores": {"match": {"value": "C", "answer": "5"}},
        "metadata": {"topic": "sums"},
        **more,
    }


def promptfoo(**more: Any) -> dict[str, Any]:
    return {
        "prompt": {"raw": json.dumps(ASKED), "label": "sums"},
        "vars": {"topic": "sums", "answer": "5"},
        "response": {"output": "5", "tokenUsage": {"prompt": 12, "completion": 3}, "finishReason": "length"},
        "score": 1,
        "success": True,
        **more,
    }


@pytest.mark.parametrize("row", [inspect_ai(), promptfoo()])
def test_a_record_of_a_harness_is_read_whole(row: dict[str, Any]) -> None:
    record = read_record(row)
    assert record.messages == ASKED
    assert (record.fields["reference_answer"], record.fields["topic"]) == ("5", "sums")
    (response,) = record.responses
    assert (response.text, response.score) == ("5", 1.0)
    assert response.finish_reason in ("max_tokens", "length")
    assert (response.prompt_tokens, response.completion_tokens) == (12, 3)


def test_all_responses_of_a_repeated_task_are_read() -> None:
    record = read_record(lm_eval())
    assert record.messages == [{"role": "user", "content": "What is 5 + 0?"}]
    assert record.responses == (Response("It is 5."), Response("7"))
    assert (record.fields["reference_answer"], record.fields["level"]) == ("5", "easy")
    assert read_record(lm_eval(arguments=[["What is 5 + 0?", {}]])).messages == record.messages


def test_scores_of_a_single_response_are_its_own() -> None:
    (response,) = read_record(lm_eval(resps=[["5"]])).responses
    assert response.score == 1.0
    record = read_record(inspect_ai(scores={"match": {"value": "I"}, "judge": {"value": 0.5}}))
    assert record.responses[0].score is None
    assert list(record.could_score) == ["scores.match", "scores.judge"]


def test_responses_that_are_scored_in_two_ways_count_once() -> None:
    rows = [lm_eval(number, reading) for number in (5, 6) for reading in ("strict-match", "flexible-extract")]
    groups = read_groups("\n".join(map(json.dumps, rows)).encode(), "samples.jsonl")
    assert [len(group.responses) for group in groups] == [2, 2]


def test_likelihoods_of_options_are_no_responses() -> None:
    with pytest.raises(RecordError, match="likelihoods"):
        read_record(lm_eval(resps=[[[-1.5, False]], [[-0.2, True]]]))


def test_a_harness_log_is_judged_by_its_scores(store: Store) -> None:
    scores = [{"match": {"value": grade}} for grade in "CI" * 20]
    rows = [
        inspect_ai("stop", messages=None, input=f"What is {n} + 3?", scores=score)
        for n, score in enumerate(scores)
    ]
    run = import_samples(store, json.dumps({"version": 2, "samples": rows}).encode(), "log.json")
    report = report_of(load_results(run))
    assert (report.verdict, report.statistics.mean) == ("GO", 0.5)
