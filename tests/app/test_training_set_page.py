"""The training set on the results page: survivors follow the sliders, and downloads hold what they say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dryrun.engine.imports.run import import_samples
from dryrun.store.partition import Store
from tests.helpers.pages import page, texts
from tests.helpers.support import EXACT, work

SETS = ("Train", "Validation", "Control, unfiltered")


def rows() -> bytes:
    """40 prompts x 4: a quarter never right, a quarter always, the others in 1 to 3 of 4."""
    right = [0, 4, 1, 2, 0, 4, 3, 2]
    lines = [
        {
            "prompt": f"Problem {prompt}?",
            "completion": str(prompt) if place < right[prompt % 8] else "no",
            "reference_answer": str(prompt),
            "topic": "even" if prompt % 2 == 0 else "odd",
        }
        for prompt in range(40)
        for place in range(4)
    ]
    return "\n".join(map(json.dumps, lines)).encode()


@pytest.fixture
def mixed(store: Store) -> Any:
    run = import_samples(store, rows(), "mixed.jsonl", EXACT, topic_field="topic")
    work(run)
    return run


def profiled(run: Any) -> AppTest:
    test = page("results", run=run.id, tab="Training signal")
    assert "Training set" in texts(test)
    assert not metrics(test)
    return test.toggle(key="profile_shown").set_value(True).run()


def metrics(test: AppTest) -> dict[str, int]:
    return {one.label: int(one.value.replace(",", "")) for one in test.metric if one.label in SETS}


@pytest.mark.slow
def test_survivors_follow_the_band_and_the_size(mixed: Any) -> None:
    test = profiled(mixed)
    said = texts(test)
    assert "40 prompts, 160 responses with a score." in said
    before = metrics(test)
    assert 0 < before["Train"] == before["Control, unfiltered"]
    test.slider(key="set_band").set_value((0.0, 1.0)).run()
    assert metrics(test)["Train"] == 36
    assert metrics(test)["Validation"] == 4
    test.number_input(key="set_size").set_value(10).run()
    assert metrics(test)["Train"] == 10
    assert not test.exception


@pytest.mark.slow
def test_topics_are_mixed_by_weight(mixed: Any) -> None:
    test = profiled(mixed)
    test.slider(key="set_band").set_value((0.0, 1.0)).run()
    test.toggle(key="set_mix").set_value(True).run()
    test.slider(key="set_topic_odd").set_value(0.0).run()
    even = metrics(test)["Train"]
    assert 0 < even <= 20
    assert not test.exception


@pytest.mark.slow
def test_a_band_that_holds_nothing_says_what_to_do(mixed: Any) -> None:
    test = profiled(mixed)
    test.slider(key="set_band").set_value((0.0, 0.0)).run()
    assert metrics(test)["Train"] == 0
    assert "No row fits: widen the band" in texts(test)
