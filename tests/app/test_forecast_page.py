"""The forecast of a training on the results page: a form, figures, and what is missing."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from dryrun.engine.imports.run import import_samples
from dryrun.store.partition import Store
from dryrun.store.runs import Run
from tests.helpers.pages import page, texts
from tests.helpers.support import EXACT, work

TAB = "Training signal"


def imported(store: Store, rollouts: int) -> Run:
    """30 prompts; every second response is right."""
    rows = [
        {
            "prompt": f"Problem {prompt}?",
            "completion": "yes" if (prompt + place) % 2 else "no",
            "answer": "yes",
        }
        for prompt in range(30)
        for place in range(rollouts)
    ]
    run = import_samples(store, "\n".join(map(json.dumps, rows)).encode(), "half.jsonl", EXACT)
    work(run)
    return run


def opened(run: Run) -> AppTest:
    test = page("results", run=run.id, tab=TAB)
    test.toggle(key="forecast_shown").set_value(True).run()
    assert not test.exception
    return test


def fill(test: AppTest, **fields: float) -> dict[str, str]:
    """Fill in the form; the figures below it."""
    for name, value in fields.items():
        test.number_input(key=f"plan_{name}").set_value(value).run()
        assert not test.exception
    return {metric.label: metric.value for metric in test.metric if metric.label in FIGURES}


FIGURES = ("Price", "Time", "Tokens generated", "Groups that teach nothing")


@pytest.mark.slow
def test_figures_follow_the_form(store: Store) -> None:
    test = opened(imported(store, 4))
    first = fill(test)
    assert (first["Price"], first["Time"]) == ("–", "–")
    assert first["Groups that teach nothing"] != "–"
    assert "Time: not known. Give tokens per second or seconds per step." in texts(test)
    timed = fill(test, seconds_per_step=72, hourly_price=56)
    assert timed["Time"] == r"≈ 4\.0 hours"
    assert timed["Price"] == r"≈ \$224\.00"
    longer = fill(test, steps=400)
    assert longer["Time"] == r"≈ 8\.0 hours"


@pytest.mark.slow
def test_a_published_price_stands_with_its_page_and_ones_own_wins(store: Store) -> None:
    test = opened(imported(store, 4))
    published = test.selectbox(key="plan_published")
    assert "Azure: $100 an hour" in published.options
    published.set_value("azure").run()
    assert "An hourly price needs a pace" in texts(test)
    assert fill(test, seconds_per_step=72)["Price"] == r"≈ \$400\.00"
    assert "read November 2026" in texts(test)
    opened_sections = [one.label for one in test.expander if one.proto.expanded]
    assert opened_sections == ["What it is made from", "Time and price"]
    assert fill(test, hourly_price=56)["Price"] == r"≈ \$224\.00"
    assert "read November 2026" not in texts(test)


@pytest.mark.slow
def test_an_hourly_price_asks_for_a_pace(store: Store) -> None:
    test = opened(imported(store, 4))
    assert fill(test, hourly_price=56) == {}
    assert "An hourly price needs a pace" in texts(test)


@pytest.mark.slow
def test_one_response_to_each_prompt_says_what_is_missing(store: Store) -> None:
    test = opened(imported(store, 1))
    assert "has too little for a forecast" in texts(test)
