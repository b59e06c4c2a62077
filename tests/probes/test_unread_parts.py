"""A grader that reads one part of the answer is noticed, by a run too, unless no other part is asked for."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from dryrun.engine.imports.run import import_samples
from dryrun.graders.load import python_grader
from dryrun.report import Report, report_of
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.support import work
from tests.probes.test_kinds import checked, python

ITEM, NUMBER = ["chair", "desk", "lamp", "sofa", "shelf", "stool", "rug", "clock", "vase", "bench"], 60
BOTH = "Give JSON with the item and its price."
ONE = "Give JSON with the item."
NONE = "Answer as JSON."
ITEM_ONLY = """
import json
def grade(sample, item):
    try:
        given = json.loads(sample["output_text"])
        return float(given["item"] == json.loads(item["reference_answer"])["item"])
    except Exception:
        return 0.0
"""
ALL = ITEM_ONLY.replace('given["item"] ==', "given ==").replace(')["item"])', "))")
LEADER = """
def grade(sample, item):
    return float(sample["output_text"].split(",")[0].strip() == item["reference_answer"].split(",")[0])
"""


def orders(demand: str, per_prompt: int = 4) -> Iterator[dict[str, Any]]:
    chance = random.Random(4)
    for number in range(NUMBER):
        answer = {"item": ITEM[number % 10], "price": 10 + number}
        prompt = f"Order {number}: one {answer['item']} for {answer['price']} euros. {demand}"
        for _ in range(per_prompt):
            said = answer if chance.random() < 0.5 else {**answer, "item": chance.choice(ITEM)}
            yield {
                "messages": [{"role": "user", "content": prompt}],
                "reference_answer": json.dumps(answer),
                "response": json.dumps(said),
            }


def races() -> Iterator[dict[str, Any]]:
    chance = random.Random(5)
    for number in range(NUMBER):
        order = chance.sample(ITEM, 3)
        for _ in range(4):
            said = chance.choice([order, order[::-1], order[1:] + order[:1]])
            yield {
                "messages": [{"role": "user", "content": f"Race {number}: rank the three, commas between."}],
                "reference_answer": ", ".join(order),
                "response": ", ".join(said),
            }


def reported(store: Store, rows: Iterator[dict[str, Any]], source: str) -> Report:
    run = import_samples(store, "\n".join(map(json.dumps, rows)).encode(), "log.jsonl", python_grader(source))
    work(run, check=True)
    return report_of(load_results(run))


def unread(report: Report) -> list[str]:
    return [one.sentence for one in report.diagnosis.conditions if one.code == "parts_unread"]


@pytest.mark.slow
def test_a_run_notices_a_field_that_is_not_read(store: Store) -> None:
    report = reported(store, orders(BOTH), ITEM_ONLY)
    assert report.verdict == "GO"
    [sentence] = unread(report)
    assert "one field wrong: price (20 of 20 rows, 84 % to 100 %)" in sentence
    assert "one field wrong: item" not in sentence


@pytest.mark.slow
def test_a_run_notices_elements_that_are_not_read(store: Store) -> None:
    [sentence] = unread(reported(store, races(), LEADER))
    assert "every element but the first wrong (20 of 20 rows" in sentence
    assert "but the last" not in sentence


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(("demand", "source"), [(BOTH, ALL), (ONE, ITEM_ONLY), (NONE, ITEM_ONLY)])
def test_no_alarm_where_all_is_read_or_nothing_else_is_asked_for(
    store: Store, demand: str, source: str
) -> None:
    assert unread(reported(store, orders(demand), source)) == []


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("demand", "source", "profile"),
    [
        (BOTH, ITEM_ONLY, "too lenient"),
        (BOTH, ALL, "sound"),
        (ONE, ITEM_ONLY, "sound"),
        (NONE, ITEM_ONLY, "sound"),
    ],
)
def test_a_check_convicts_for_a_field_only_where_the_prompt_names_it(
    demand: str, source: str, profile: str
) -> None:
    check = checked(list(orders(demand, 1)), python(source))
    assert check.profile == profile, [finding.sentence for finding in check.blocking]


@pytest.mark.slow
def test_a_response_right_in_what_is_asked_for_is_not_read_as_wrong(store: Store) -> None:
    rows = [
        {**row, "response": json.dumps({"item": json.loads(row["response"])["item"]})} for row in orders(ONE)
    ]
    report = reported(store, iter(rows), ITEM_ONLY)
    assert report.verdict == "GO"
    assert report.diagnosis.grader_quality == "binary"
