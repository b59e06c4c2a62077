"""The compare page: choosing two runs, what it shows, what it says when it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from dryrun.store.partition import Store
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import page, texts
from tests.helpers.support import FUZZY, make_run, work


@pytest.fixture
def two(store: Store, endpoint: FakeEndpoint) -> list[Any]:
    runs = [
        make_run(store, endpoint.base_url, rows=60, grader=grader)
        for grader in ({**FUZZY, "evaluation_metric": "bleu"}, FUZZY)
    ]
    for run in runs:
        work(run)
    return runs


def test_two_runs_of_a_link_are_compared(two: list[Any]) -> None:
    test = page("compare", run=two[0].id, **{"with": two[1].id})
    said = texts(test)
    assert "Two graders on the same 120 responses" in said
    assert "Spearman" in said
    assert len(test.main.get("vega_lite_chart")) == 2
    assert "grader.evaluation_metric" in str(test.main.dataframe[0].value)
    test.sidebar.number_input(key="mean_low").set_value(0.89).run()
    assert "NO-GO after" in str([element.value for element in test.main.header])


@pytest.mark.slow
def test_runs_are_chosen_from_a_list_and_land_in_the_link(two: list[Any]) -> None:
    test = page("compare")
    assert "Choose two runs" in texts(test)
    test.selectbox(key="compare_first").set_value(two[1].id).run()
    test.selectbox(key="compare_second").set_value("recorded").run()
    assert not test.exception
    assert "share no prompts" in texts(test)
    assert test.query_params["run"] == two[1].id
    assert test.query_params["with"] == "recorded"
    test.switch_page("pages/results.py").run()
    test.query_params.pop("with", None)  # as a click in the menu does
    test.switch_page("pages/compare.py").run()
    assert "share no prompts" in texts(test), "the comparison is still there"
    test.selectbox(key="compare_second").set_value(two[1].id).run()
    assert "same one" in texts(test)


@pytest.mark.slow
def test_on_a_shared_server_runs_are_typed_not_listed(
    two: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    test = page("compare", run=two[0].id)
    assert two[1].id not in str(test.main)
    test.text_input(key="compare_second").set_value(f"http://host/results?run={two[1].id}").run()
    assert "Two graders on the same" in texts(test)
    test.text_input(key="compare_second").set_value("![x](http://h)").run()
    assert "There is no run" in texts(test)
