"""The tabs of the results page: the URL names the open one, and only that one is computed."""

from __future__ import annotations

from typing import Any

import pytest

from dryrun.analysis.verdict.tree import Branch
from dryrun.app.results.tabs import tree_diagram
from dryrun.core.thresholds import Thresholds
from dryrun.engine.budget import Budget
from dryrun.store.notes import RunNote, keep_note
from dryrun.store.partition import Store
from tests.helpers.fake_endpoint import FakeEndpoint, Reply, deterministic_answer
from tests.helpers.pages import page, texts
from tests.helpers.support import make_run, work

ONLY = {
    "Samples": "\nSamples\n",
    "Topics": "Hollow: the topic's own mean",
    "Grader": "What answers earn",
    "Training signal": "What training groups would see",
    "Labels": "Only people can tell a wrong answer key",
    "Details": "The path taken ends at: Proceed to training",
}
"""What stands in one tab and in no other."""


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("tab", ONLY)
def test_only_the_open_tab_is_computed(tab: str) -> None:
    said = texts(page("results", run="recorded", tab=tab))
    assert [name for name, words in ONLY.items() if words in said] == [tab]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("named", ["", "banana", "samples"])
def test_a_tab_that_is_not_there_opens_the_first(named: str) -> None:
    assert ONLY["Samples"] in texts(page("results", run="recorded", tab=named))


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("bars", "said"), [("3,4,19", "Scores 0.15 to 0.25, 0.95 to 1.00"), ("x,99,-1", ""), ("", "")]
)
def test_bars_in_the_link_cut_the_samples_and_are_named_in_a_chip(bars: str, said: str) -> None:
    test = page("results", run="recorded", bars=bars, show="all")
    chips = [button.label for button in test.main.button if button.key == "bar_chip"]
    assert chips == ([said] if said else [])


def test_the_tree_lights_the_path_that_was_taken() -> None:
    limits = Thresholds()
    low = tree_diagram(Branch.MEAN_TOO_LOW, 0.04, 0.2, limits)
    assert [line.split()[1] for line in low.splitlines() if line.startswith("style")] == [
        "q0",
        "mean_too_low",
    ]
    go = tree_diagram(Branch.PROCEED, 0.4, 0.2, limits)
    assert [line.split()[1] for line in go.splitlines() if line.startswith("style")] == [
        "q0",
        "q1",
        "q2",
        "go",
    ]


@pytest.mark.slow
def test_a_tree_that_ends_elsewhere_than_the_verdict_says_so(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda body: deterministic_answer({**body, "seed": 0})  # the same every time
    run = make_run(store, endpoint.base_url, rollouts=4)
    work(run)
    said = texts(page("results", run=run.id, tab="Details"))
    assert "the verdict is NO-GO for the reasons under Why" in said
    said = texts(page("results", run="recorded", tab="Details"))
    assert "what to mend first is said under Why" in said
    assert "the verdict is" not in said


@pytest.mark.slow
def test_changed_thresholds_are_listed_first_and_stay_in_the_details() -> None:
    test = page("results", run="recorded", tab="Details", mean_low="0.2")
    (table,) = (one for one in test.main.dataframe if "Threshold" in one.value.columns)
    assert list(table.value.iloc[0][["Threshold", "Value", "Default"]]) == ["Mean at least", "0.2", "0.1"]
    assert list(table.value["Changed"]).count("changed") == 1


def test_a_run_without_a_response_is_not_called_invalid_while_it_can_be_started(
    store: Store, endpoint: FakeEndpoint
) -> None:
    run = make_run(store, endpoint.base_url, rows=40)
    keep_note(run, RunNote("Fewer rows"))
    said = texts(page("results", run=run.id, tab="Details"))
    assert "Fewer rows · prompts · fake" in said
    assert "Not finished" in said
    assert "Thresholds" in said.splitlines()
    assert not any(word in said for word in ("Measuring", "INVALID"))


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("tab", ["Topics", "Samples", "Training signal", "Labels"])
def test_a_tab_says_so_where_no_response_is_in(store: Store, endpoint: FakeEndpoint, tab: str) -> None:
    test = page("results", run=make_run(store, endpoint.base_url, rows=40).id, tab=tab)
    assert "No response is in yet." in texts(test)
    assert ONLY[tab] not in texts(test)
    assert "no topic" not in texts(test)


@pytest.mark.slow
def test_what_to_mend_before_training_is_said_once() -> None:
    one = texts(page("results", run="recorded"))
    assert one.lower().count("pay the other parts of the reward only for right answers") == 1
    two = texts(page("results", run="recorded", warn_usable="0.9"))
    assert "1. **Drop prompts that are always right" in two
    assert "2. **Pay the other parts of the reward" in two


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "cut", "calls", "first"),
    [
        (8, 0, None, "Change it on New run"),
        (40, 4, None, "Change it on New run"),
        (40, 4, 70, "Resume the run"),
        (40, 0, None, ""),
    ],
)
def test_the_step_that_comes_first_is_another_run_where_no_grader_could_help(
    store: Store, endpoint: FakeEndpoint, rows: int, cut: int, calls: int | None, first: str
) -> None:
    def answer(body: dict[str, Any]) -> Reply | str:
        number = int(body["messages"][-1]["content"].split()[0])
        return Reply(text="so", finish_reason="length") if number < cut else deterministic_answer(body)

    endpoint.answer = answer
    run = make_run(store, endpoint.base_url, rows=rows)
    work(run, budget=Budget(calls=calls))
    test = page("results", run=run.id)
    coloured = [button.label for button in test.main.button if button.proto.type == "primary"]
    assert coloured == ([first] if first else [])
    if "New run" in first:
        test.button(key="change").click().run()
        assert "A copy of run" in texts(test)
