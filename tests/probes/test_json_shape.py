"""Right answers are written as the JSON object that a row, a request or a prompt asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dryrun.core.records import Prompt
from dryrun.dataset import dataset_from_items
from dryrun.probes import ground
from dryrun.probes.accepted_form import ways
from dryrun.probes.anchors import load_anchors
from dryrun.probes.check import check_function
from dryrun.probes.make.json_shape import AS_OBJECT, with_format
from dryrun.probes.read_responses import read_all
from dryrun.store.partition import Store
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import make_run, sum_rows, work

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "steps": {"type": "array", "items": {"type": "string"}},
        "total": {"type": "integer"},
        "answer": {"type": "integer"},
        "unit": {"enum": ["m", "km"]},
        "note": {"type": "string"},
    },
    "required": ["steps", "answer", "unit"],
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "sum", "schema": SCHEMA, "strict": True}}
FLAT = {"type": "json_schema", "name": "sum", "schema": SCHEMA}
WANTED = {"steps": [], "unit": "m", "answer": 5}
GRADER = """
import json
def grade(sample, item):
    try:
        return float(json.loads(sample["output_text"])["answer"] == int(item["reference_answer"]))
    except Exception:
        return 0.0
"""


def row(text: str = "2 + 3", **more: Any) -> Prompt:
    return dataset_from_items([{"messages": [{"role": "user", "content": text}], **more}]).prompt(0)


@pytest.mark.parametrize(
    "prompt",
    [
        row(response_format=FORMAT),
        row(response_format=FLAT),
        with_format([row()], FORMAT)[0],
        row(f"2 + 3. Reply in JSON that fits this schema: {json.dumps(SCHEMA)}"),
    ],
    ids=["row", "as Responses has it", "request", "words"],
)
def test_an_object_by_a_schema(prompt: Prompt) -> None:
    assert json.loads(ways(prompt, "5")[AS_OBJECT]) == WANTED
    (form, *_) = ground([prompt], ["5"], rows=1).forms_at(0)
    assert (form.name, form.required) == (AS_OBJECT, True)


def test_an_object_by_words_is_tried_and_no_form_is_demanded() -> None:
    prompt = row('2 + 3. Answer as JSON like {"why": "...", "result": 1}')
    (form, *others) = ground([prompt], ["5"], rows=1).forms_at(0)
    assert (form.name, form.required) == (AS_OBJECT, False)
    assert json.loads(form.write("5"))["result"] == "5"
    assert not any(other.required for other in others)


def test_the_one_field_of_the_one_object_that_is_shown_is_the_answers() -> None:
    prompt = row('Where is it? Reply with a JSON object such as {"city": "Paris"}.')
    assert ground([prompt], ["Rome"], rows=1).forms_at(0)[0].write("Rome") == '{"city": "Rome"}'


def test_tools_in_a_prompt_are_no_schema_of_the_answer() -> None:
    tool = {"type": "function", "function": {"name": "add", "parameters": SCHEMA}}
    assert AS_OBJECT not in ways(row(f"2 + 3. Tools in JSON: {json.dumps(tool)}"), "5")


def test_the_answers_field_is_read_and_not_what_stands_behind_it() -> None:
    prompt = row(response_format=FORMAT)
    texts = ['{"answer": 5, "unit": "9"}', '{"answer": 4, "total": 5}']
    assert read_all([(prompt, text) for text in texts], {prompt.key: "5"}) == [True, False]


@pytest.mark.slow
def test_a_grader_that_reads_the_object_is_sound() -> None:
    rows = [{**row, "response_format": FORMAT} for row in sum_rows(40)]
    space: dict[str, Any] = {}
    exec(GRADER, space)
    check = check_function(space["grade"], rows, source=GRADER)
    assert (check.profile, check.ceiling) == ("sound", 1.0)


@pytest.mark.slow
def test_a_run_with_a_response_format_grades_its_reference_answers_in_it(
    store: Store, endpoint: FakeEndpoint
) -> None:
    endpoint.answer = lambda body: '{"answer": 1}'
    grader = {"type": "python", "name": "reads json", "source": GRADER}
    run = make_run(store, endpoint.base_url, rows=40, grader=grader, response_format=FORMAT)
    work(run, check=True)
    anchors = load_anchors(run)
    assert anchors is not None
    assert anchors.reference is not None
    assert anchors.reference.min() == 1.0
