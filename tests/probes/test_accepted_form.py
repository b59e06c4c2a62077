"""Right answers are held against a grader in the form that it takes, however that form is known."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from dryrun.core.records import Prompt
from dryrun.dataset import dataset_from_items
from dryrun.probes.accepted_form import BARE, contents, templates_of, ways
from dryrun.probes.anchors import FILE, load_anchors
from dryrun.probes.make.answers import answers
from dryrun.probes.make.demand import Demand
from dryrun.probes.make.forms import forms_of
from dryrun.report import report_of
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.fake_endpoint import Body, FakeEndpoint
from tests.helpers.fake_endpoint import prompt_text as asked
from tests.helpers.support import make_run, sum_rows, work

AFTER_HASHES = """
import re
def grade(sample, item):
    found = re.findall(r"#### (-?[0-9]+)", sample["output_text"])
    return float(bool(found) and found[-1] == str(item["reference_answer"]))
"""
IN_TAG = """
import re
def grade(sample, item):
    found = re.search(r"<answer>(.*?)</answer>", sample["output_text"], re.S)
    return float(bool(found) and found[1].strip() == str(item["reference_answer"]))
"""
ONE_FIELD = """
import re
def grade(sample, item):
    found = re.findall(r"#### (-?[0-9]+)", sample["output_text"])
    return float(bool(found) and found[-1] == str(item["reference_answer"]["final_answer"]))
"""
SECRET = """
def grade(sample, item):
    return float(sample["output_text"].endswith("[[[" + str(item["reference_answer"]) + "]]]"))
"""


ANY_IN_TAG = """
import re
def grade(sample, item):
    return {pay} * (re.fullmatch("<a>.*</a>", sample["output_text"]) is not None)
"""


def prompt(text: str) -> Prompt:
    return dataset_from_items([{"messages": [{"role": "user", "content": text}]}]).prompt(0)


def rows(demand: str, *, field: bool = False) -> list[dict[str, Any]]:
    """Sums whose prompts demand a form; with `field` the reference is an object."""
    made = []
    for row in sum_rows(60):
        right = row["reference_answer"]
        reference = {"final_answer": right, "steps": "one"} if field else right
        message = {"role": "user", "content": f"{row['messages'][0]['content']} {demand}"}
        made.append({**row, "messages": [message], "reference_answer": reference})
    return made


def half_right(form: str) -> Any:
    """An endpoint's answers: in the demanded form, right about every other time."""
    chance = random.Random(0)

    def answer(body: Body) -> str:
        left, right = (int(part) for part in asked(body).split(" = ")[0].replace("=", "").split("+")[:2])
        return form.format(left + right + chance.randrange(2))

    return answer


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("source", "demand", "form", "field"),
    [
        (AFTER_HASHES, "= Think, then give the answer after ####.", "It is so.\n#### {}", False),
        (IN_TAG, "= Answer in <answer>...</answer>.", "<answer>{}</answer>", False),
        (ONE_FIELD, "= Give the answer after ####.", "#### {}", True),
        (SECRET, "= Answer as agreed.", "well, [[[{}]]]", False),
    ],
    ids=["hashes", "tag", "one field of an object", "known from paid responses alone"],
)
def test_a_grader_that_wants_a_form_is_not_called_strict(
    store: Store, endpoint: FakeEndpoint, source: str, demand: str, form: str, field: bool
) -> None:
    endpoint.answer = half_right(form)
    grader = {"type": "python", "name": "formed", "source": source}
    run = make_run(store, endpoint.base_url, rows=rows(demand, field=field), grader=grader)
    work(run, check=True)
    anchors = load_anchors(run)
    assert anchors is not None
    assert anchors.reference is not None
    assert anchors.reference.min() == 1.0
    report = report_of(load_results(run))
    assert report.verdict == "GO"
    assert report.diagnosis.grader_quality != "too_strict"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pay", "form"), [(1.0, "as in paid responses: <a>…</a>"), (0.4, BARE)], ids=["in full", "a part of it"]
)
def test_a_form_that_is_paid_in_full_whatever_it_holds_is_the_one_to_probe(
    store: Store, endpoint: FakeEndpoint, pay: float, form: str
) -> None:
    endpoint.answer = half_right("<a>{}</a>")
    grader = {"type": "python", "name": "form", "source": ANY_IN_TAG.format(pay=pay)}
    run = make_run(store, endpoint.base_url, rows=rows("= Answer as agreed."), grader=grader)
    work(run, check=True)
    assert orjson.loads((run.folder / FILE).read_bytes())["form"] == form
    report = report_of(load_results(run))
    assert (report.diagnosis.grader_quality == "hackable") == (pay == 1.0)


def test_an_object_is_tried_whole_and_field_by_field() -> None:
    assert contents("12") == {"": "12"}
    assert contents('{"final_answer": 12, "steps": ["a"]}') == {
        "": '{"final_answer": 12, "steps": ["a"]}',
        "final_answer": "12",
    }


def test_the_bare_reference_comes_first_and_what_the_prompt_asks_for_before_the_rest() -> None:
    names = list(ways(prompt("2 + 3 = ? Give the answer after ####."), "5"))
    assert names[:2] == [BARE, "after ####"]


def test_a_form_is_learned_from_where_the_answer_stands_last() -> None:
    one = prompt("2 + 3")
    learned = templates_of([(one, "5 or not\nAnswer: [5]!")], {one.key: "5"})
    assert ("Answer: [", "]!") in learned


@pytest.mark.parametrize("name", ["as JSON", "a line for each fact", "facts in sentences"])
def test_a_form_for_facts_takes_text_that_holds_none(name: str) -> None:
    reference = '{"birth_year": 1815, "field": "mathematics"}'
    (answer,) = answers([reference], [Demand()])
    assert answer is not None
    (form,) = [form for form in forms_of(answer, Demand()) if form.name == name]
    assert "1815" in form.write(reference)
    assert form.write("qwxz") == "qwxz"
