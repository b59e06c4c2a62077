"""Runs that a judge grades: their responses are read for refusals and for references of other rows."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from dryrun.core.config import JudgeConfig, SamplingConfig
from dryrun.dataset import dataset_from_items
from dryrun.engine.prepare import prepare, start
from dryrun.probes.anchors import load_anchors
from dryrun.report import report_of
from dryrun.report.fields import Report
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import endpoint_config, work

REFUSAL = "I'm sorry, but I can't help with that."
GIVEN = "Is {{sample.output_text}} the same as {{item.reference_answer}}?"
ALONE = "Is this kind? {{sample.output_text}}"


def products(shift: int = 0) -> list[dict[str, Any]]:
    """Multiplications; the references are those of the row so many places on."""
    pairs = [(3 * n + 11, 7 * n % 50 + 13) for n in range(60)]
    right = [str(a * b) for a, b in pairs]
    return [
        {
            "messages": [{"role": "user", "content": f"{a} times {b}?"}],
            "reference_answer": right[(place + shift) % len(right)],
        }
        for place, (a, b) in enumerate(pairs)
    ]


def multiplied(body: dict[str, Any]) -> str:
    a, b = map(int, re.findall("[0-9]+", body["messages"][-1]["content"]))
    return str(a * b)


def exact(body: dict[str, Any]) -> str:
    """A judge that pays what is the same."""
    found = re.search("Is (.*) the same as (.*)\\?", json.dumps(body["messages"][-1]["content"]))
    return json.dumps({"steps": [], "result": float(found is not None and found[1] == found[2])})


def judged(
    store: Store, endpoint: FakeEndpoint, judge: FakeEndpoint, rows: list[dict[str, Any]], asks: str
) -> Report:
    grader = {"type": "score_model", "name": "j", "model": "j", "input": [{"role": "user", "content": asks}]}
    prepared = prepare(
        dataset_from_items(rows),
        grader,
        model=endpoint_config(endpoint.base_url, seed=0),
        sampling=SamplingConfig(size=60, rollouts=2),
        judge=JudgeConfig(base_url=judge.base_url),
    )
    run = start(store, prepared)
    work(run, check=True)
    anchors = load_anchors(run)
    assert anchors is not None
    assert (anchors.reference, anchors.junk) == (None, {})
    assert judge.calls == 120
    return report_of(load_results(run))


@pytest.mark.slow
def test_misplaced_references_are_named_where_the_judge_is_given_them(
    store: Store, endpoint: FakeEndpoint
) -> None:
    endpoint.answer = multiplied
    with FakeEndpoint(answer=exact) as judge:
        report = judged(store, endpoint, judge, products(shift=1), GIVEN)
    assert (report.verdict, report.diagnosis.dataset_quality) == ("NO-GO", "misplaced_references")


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "asks"), [(1, ALONE), (0, GIVEN)])
def test_references_that_fit_or_that_the_judge_never_sees_convict_nobody(
    store: Store, endpoint: FakeEndpoint, shift: int, asks: str
) -> None:
    endpoint.answer = multiplied
    marks = iter([0.0, 1.0, 1.0] * 80)
    with FakeEndpoint(answer=lambda _: json.dumps({"steps": [], "result": next(marks)})) as judge:
        report = judged(store, endpoint, judge, products(shift), asks)
    assert (report.verdict, report.diagnosis.conditions) == ("GO", ())
    assert report.diagnosis.grader_checked is False


@pytest.mark.slow
def test_refusals_are_the_cause_of_a_low_mean_under_a_judge(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: REFUSAL
    with FakeEndpoint(answer=exact) as judge:
        report = judged(store, endpoint, judge, products(), GIVEN)
    assert (report.verdict, report.diagnosis.dataset_quality) == ("NO-GO", "refusals")
