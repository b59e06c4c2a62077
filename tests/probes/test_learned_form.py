"""Probes give right answers as the grader reads them: a field, a tool call, a form that responses show."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dryrun import check_function
from dryrun.core.records import Prompt, Sample, SampleOutcome
from dryrun.dataset import dataset_from_items
from dryrun.graders.load import load_grader
from dryrun.graders.reference_answers import reference_field
from dryrun.graders.trial import as_text, response
from dryrun.probes.anchors import load_anchors
from dryrun.probes.check import check_spec
from dryrun.probes.check_run import check_run
from dryrun.probes.make.tool_calls import ToolsRead, calls_right, tools_read, written_call
from dryrun.probes.reference_scores import ceiling
from dryrun.probes.result import GraderCheck
from dryrun.store.partition import Store
from tests.helpers.fake_endpoint import FakeEndpoint, Reply
from tests.helpers.support import make_run, work

ROWS = 24
CITIES = ("Lyon", "Oslo", "Quito", "Riga", "Turin", "Zagreb")
TOOL = {
    "type": "function",
    "function": {
        "name": "forecast",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}, "days": {}}},
    },
}
BY_PATH = {
    "type": "string_check",
    "name": "place",
    "operation": "eq",
    "input": "{{sample.output_tools[0].function.arguments.place}}",
    "reference": "{{item.reference_answer}}",
}
BY_CALLS = """
import json
def grade(sample, item):
    if not sample["output_tools"]:
        return 0.0
    made = sample["output_tools"][0]["function"]
    wanted = item["reference_tool_calls"][0]
    arguments = made["arguments"]
    arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    return float(made["name"] == wanted["name"] and arguments == wanted["arguments"])
"""
NO_SUCH_FIELD = """
def grade(sample, item):
    wanted = item.get("gold")
    return float(wanted is not None and wanted in sample["output_text"])
"""


def items(references: Sequence[object], ask: str = "", **more: object) -> list[dict[str, Any]]:
    return [
        {
            "messages": [{"role": "user", "content": f"Question {row}, what comes out?{ask}"}],
            "reference_answer": reference,
            **more,
        }
        for row, reference in enumerate(references)
    ]


def prompts(rows: list[dict[str, Any]]) -> list[Prompt]:
    dataset = dataset_from_items(rows)
    return [dataset.prompt(row) for row in range(len(dataset))]


def checked(grader: Mapping[str, Any], rows: list[dict[str, Any]]) -> GraderCheck:
    return asyncio.run(check_spec(load_grader(dict(grader)), prompts(rows)))


def python(source: str) -> dict[str, Any]:
    return {"type": "python", "name": "p", "source": source}


def in_field(sample: Any, item: Any) -> float:
    lines = sample["output_text"].strip().split("#### ")
    return float(len(lines) > 1 and lines[-1].strip() == item["reference_answer"]["result"])


@pytest.mark.slow
def test_a_field_of_an_object_is_the_answer_where_the_grader_reads_no_more() -> None:
    objects = [{"working": ["add", "carry"], "result": str(1200 + 7 * row)} for row in range(ROWS)]
    check = check_function(in_field, items(objects, " End with #### and the number."))
    assert check.profile == "sound", [finding.sentence for finding in check.blocking]
    assert check.ceiling == 1.0


def test_a_tool_call_is_the_answer_where_a_template_reads_one() -> None:
    check = checked(BY_PATH, items([CITIES[row % 6] for row in range(ROWS)], tools=[TOOL]))
    assert check.profile == "sound", [finding.sentence for finding in check.blocking]
    assert check.ceiling == 1.0


def test_one_answer_for_all_rows_is_no_reason_to_doubt_the_form() -> None:
    check = checked(BY_PATH, items(["Lyon"] * ROWS, tools=[TOOL]))
    assert (check.profile, check.ceiling) == ("sound", 1.0)


@pytest.mark.slow
def test_calls_of_the_row_are_made_as_they_stand_there() -> None:
    rows = items([None] * ROWS, tools=[TOOL])
    for row, item in enumerate(rows):
        item["reference_tool_calls"] = [
            {"name": "forecast", "arguments": {"place": CITIES[row % 6], "days": row}}
        ]
    spec = load_grader(python(BY_CALLS))
    assert reference_field(spec, rows) == "reference_tool_calls"
    assert checked(python(BY_CALLS), rows).ceiling == 1.0
    scores = asyncio.run(ceiling(spec, prompts(rows)))
    assert (scores.mean, scores.way) == (1.0, "as a tool call")


@pytest.mark.parametrize(
    ("read", "content", "arguments"),
    [
        (ToolsRead((0, "function", "arguments", "days")), "3", {"days": "3"}),
        (ToolsRead(), "Riga", {"place": "Riga", "days": "Riga"}),
        (ToolsRead(), '{"place": "Riga"}', {"place": "Riga"}),
    ],
)
def test_content_becomes_the_arguments_that_are_read(
    read: ToolsRead, content: str, arguments: dict[str, Any]
) -> None:
    (call,) = json.loads(written_call(read, {"tools": [TOOL]}, content))
    assert call["function"]["name"] == "forecast"
    assert json.loads(call["function"]["arguments"]) == arguments


def test_only_calls_made_here_are_read_out_of_a_text() -> None:
    text = written_call(ToolsRead(), {"tools": [TOOL]}, "Riga")
    assert response(text).tool_calls[0]["function"]["name"] == "forecast"
    assert response('[{"type": "function", "function": {"name": "f"}}]').tool_calls == ()


def test_a_grader_of_text_reads_no_tools() -> None:
    assert tools_read(load_grader({**BY_PATH, "input": "{{sample.output_text}}"})) is None


def secret(sample: Any, item: Any) -> float:
    return float(sample["output_text"].endswith(f"[[[{item['reference_answer']}]]]"))


def test_a_form_that_nobody_knows_convicts_nobody() -> None:
    check = check_function(secret, items([str(900 + 13 * row) for row in range(ROWS)]))
    assert check.profile == "unknown"
    assert not check.blocking
    assert "in the form this grader wants" in check.meaning


@pytest.mark.slow
def test_paid_responses_show_the_form() -> None:
    numbers = [str(900 + 13 * row) for row in range(ROWS)]
    samples = {row: [f"So it is [[[{number}]]]", "I do not know."] for row, number in enumerate(numbers)}
    check = check_function(secret, items(numbers), samples=samples)
    assert (check.profile, check.ceiling) == ("sound", 1.0)


@pytest.mark.slow
def test_a_field_that_no_row_has_is_the_reason_why_nothing_is_paid() -> None:
    check = checked(python(NO_SUCH_FIELD), items([str(900 + 13 * row) for row in range(ROWS)]))
    assert check.profile == "too strict"
    assert any("'gold'" in finding.detail for finding in check.blocking)


def call(name: str = "forecast", **arguments: object) -> dict[str, Any]:
    return {
        "id": "call_7",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(arguments)},
    }


def called(*calls: Mapping[str, Any], text: str = "") -> Sample:
    return Sample("k", 0, SampleOutcome.ANSWERED, text, tuple(calls), "tool_calls")


def test_a_response_with_calls_is_read_back_from_its_text() -> None:
    for sample in (called(call(place="Lyon")), called(call(place="Lyon"), text="One moment.")):
        back = response(as_text(sample))
        assert back.text == sample.text
        assert [one["function"] for one in back.tool_calls] == [one["function"] for one in sample.tool_calls]
    assert as_text(called(text="plain")) == "plain"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((call(place="Lyon"),), True),
        ((call(place="Lyon", days=3),), True),
        ((call(place="lyon "),), None),
        ((call(place="Oslo"),), False),
        ((call("search", place="Lyon"),), False),
        ((call(place="Lyon"), call(place="Oslo")), None),
        ((), False),
    ],
    ids=["right", "more arguments", "written otherwise", "wrong", "another tool", "two calls", "no call"],
)
def test_calls_are_right_by_name_and_arguments(given: tuple[Any, ...], says: bool | None) -> None:
    expected = written_call(ToolsRead((0, "function", "arguments", "place")), {"tools": [TOOL]}, "Lyon")
    assert calls_right(expected, as_text(called(*given))) is says


@pytest.mark.slow
def test_real_calls_are_read_in_a_run_and_among_the_probes(store: Store, endpoint: FakeEndpoint) -> None:
    chance = random.Random(0)
    endpoint.answer = lambda body: Reply(
        None, "tool_calls", tool_calls=(call(place=chance.choice(("Lyon", "Oslo"))),)
    )
    rows = items(["Lyon", "Oslo"] * 20, tools=[TOOL])
    run = make_run(store, endpoint.base_url, rows=rows, grader=BY_PATH)
    work(run, check=True)
    anchors = load_anchors(run)
    assert anchors is not None
    assert anchors.read is not None
    score, says = anchors.read
    assert 0 < says.sum() < says.size
    assert (score == says).all()
    check = asyncio.run(check_run(run))
    assert check.profile == "sound"
    assert not any("real responses" in unseen for unseen in check.missing)


@pytest.mark.slow
def test_real_right_calls_that_are_refused_convict_the_grader(store: Store, endpoint: FakeEndpoint) -> None:
    """Made-up calls have one argument; real ones add a second, for which this grader pays nothing."""
    endpoint.answer = lambda body: Reply(
        None, "tool_calls", tool_calls=(call(place=re.findall("Lyon|Oslo", str(body))[-1], days=1),)
    )
    source = """
import json
def grade(sample, item):
    if not sample["output_tools"]:
        return 0.0
    arguments = json.loads(sample["output_tools"][0]["function"]["arguments"])
    return float(list(arguments.items()) == [("place", item["reference_answer"])])
"""
    tool = {"type": "function", "function": {"name": "forecast", "parameters": {"properties": {"place": {}}}}}
    rows = [
        {**row, "messages": [{"role": "user", "content": f"Weather in {row['reference_answer']}, {n}?"}]}
        for n, row in enumerate(items(["Lyon", "Oslo"] * 20, tools=[tool]))
    ]
    run = make_run(store, endpoint.base_url, rows=rows, grader=python(source))
    work(run, check=True)
    check = asyncio.run(check_run(run))
    assert check.profile == "too strict"
    assert any(finding.family == "sample" for finding in check.blocking)
