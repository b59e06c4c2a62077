"""The page of a run in each of its states: before, while it measures, stopped, and at its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.testing.v1 import AppTest

from dryrun.app.shared import jobs
from dryrun.core.records import RunState
from dryrun.core.text import plural
from dryrun.engine.budget import Budget, Prices
from dryrun.store.notes import RunNote, keep_note
from dryrun.store.partition import Store
from dryrun.store.runs import Run
from tests.helpers.fake_endpoint import FakeEndpoint, Reply, deterministic_answer
from tests.helpers.pages import page, texts
from tests.helpers.support import EXACT, FUZZY, make_run, wait_until, work

BUTTONS = ("See the results", "See the results so far", "Resume", "Start", "Cancel run")


@pytest.fixture(autouse=True)
def _no_run_outlives_its_test() -> Iterator[None]:
    yield
    jobs.stop_all()


def buttons(test: AppTest) -> list[str]:
    """The labels of the run's buttons."""
    return [button.label for button in test.main.button if button.label in BUTTONS]


def headers(test: AppTest) -> list[str]:
    return [element.value for element in test.main.header]


def metrics(test: AppTest) -> dict[str, tuple[str, str]]:
    """Each metric's value, and what stands beneath it."""
    return {one.label: (one.value, one.delta.replace("\\", "")) for one in test.main.metric}


def refuse_some(body: dict[str, Any]) -> Reply | str:
    """One of three requests is refused."""
    number = int(body["messages"][0]["content"].split()[0])
    return (
        Reply.error(400, f"too long (request {number:08d})")
        if number % 3 == 0
        else deterministic_answer(body)
    )


def test_a_run_that_has_not_begun_has_no_verdict_and_nothing_to_keep(
    store: Store, endpoint: FakeEndpoint
) -> None:
    test = page("run", run=make_run(store, endpoint.base_url).id)
    said = texts(test)
    assert "Not started yet." in said
    assert headers(test) == []
    assert buttons(test) == ["Start"]
    assert "kept" not in said


def test_the_progress_keeps_its_place_when_a_run_starts(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    register = MemoryFragmentStorage.register

    def noted(self: MemoryFragmentStorage, key: str, *args: Any, **options: Any) -> None:
        names.append(key)
        register(self, key, *args, **options)

    monkeypatch.setattr(MemoryFragmentStorage, "register", noted)
    endpoint.hold()
    run = make_run(store, endpoint.base_url)
    page("run", run=run.id)
    before = names[-1]
    jobs.start_job(run)
    assert "Cancel run" in buttons(page("run", run=run.id))
    assert names[-1] == before, "a draw of the page as it was may end the timer of the page as it is"


def test_the_page_says_which_run_it_is(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url)
    keep_note(run, RunNote("Second try ![x](http://a.example)"))
    test = page("run", run=run.id)
    assert test.title[0].value.startswith(":small[Run] Second try \\!\\[x\\]")
    assert "80 responses (2 per prompt) by fake at" in texts(test)
    (run.folder / "prompts.parquet").write_bytes(b"torn")
    torn = page("run", run=run.id)
    assert "prompts.parquet cannot be read" in texts(torn)
    assert len(torn.title) == 1


@pytest.mark.parametrize(
    ("grader", "right", "word"), [(FUZZY, 0.6, "GO"), (EXACT, 0.0, "NO-GO")], ids=["GO", "NO-GO"]
)
@pytest.mark.slow
def test_a_finished_run_has_its_verdict_in_place(
    store: Store, endpoint: FakeEndpoint, grader: dict[str, Any], right: float, word: str
) -> None:
    endpoint.answer = deterministic_answer if right else lambda _: "no idea"
    run = make_run(store, endpoint.base_url, grader=grader)
    work(run)
    test = page("run", run=run.id)
    assert headers(test)[0].endswith(f" {word}]") or "with conditions" in headers(test)[0]
    assert ("NO-GO" in headers(test)[0]) == (word == "NO-GO")
    assert "80 of 80 responses with a score" in texts(test)
    assert buttons(test) == ["See the results"]
    assert len(test.main.get("vega_lite_chart")) == 2
    assert not test.toast, "nobody watched it"


@pytest.mark.slow
def test_a_run_stopped_by_its_budget_says_why_first(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url, rows=60)
    work(run, budget=Budget(calls=50))
    test = page("run", run=run.id)
    kinds = [element.type for element in test.main]
    assert kinds.index("warning") < kinds.index("header")
    assert "budget of 50 calls is spent" in texts(test)
    assert "so far" in headers(test)[0]
    assert buttons(test) == ["See the results so far", "Resume"]


@pytest.mark.slow
def test_failed_calls_are_counted_by_reason_and_make_it_invalid(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = refuse_some
    run = make_run(store, endpoint.base_url)
    work(run)
    test = page("run", run=run.id)
    said = texts(test)
    assert "INVALID" in headers(test)[0]
    assert "28 × The endpoint answered 400" in said
    assert metrics(test)["Failed calls"] == ("28", "0 without a grade")
    assert metrics(test)["Mean"][1].startswith("95 %"), "the one that the chart beneath it draws"


def test_a_run_that_gave_up_can_be_resumed_and_changed(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: Reply.error(404, "no such model", "model_not_found")
    run = make_run(store, endpoint.base_url)
    work(run)
    test = page("run", run=run.id)
    assert "pick one that the endpoint lists" in test.error[0].value
    assert buttons(test) == ["Resume"]
    (link,) = (link for link in test.main.get("page_link") if link.proto.label == "Change it on New run")
    assert f"duplicate={run.id}" in link.proto.query_string


@pytest.mark.slow
def test_an_endpoint_that_was_never_reached_has_failed_calls_and_no_samples(store: Store) -> None:
    run = make_run(store, "http://127.0.0.1:9/v1", rows=40)
    work(run)
    test = page("run", run=run.id)
    assert "cannot be reached" in test.error[0].value
    calls = run.status().attempts
    assert calls
    assert metrics(test)["Failed calls"] == (str(calls), "0 without a grade")
    assert "Tested: **0 of 40 samples**" in texts(page("results", run=run.id))


def test_a_run_whose_endpoint_refuses_everything_keeps_nothing(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: Reply.error(400, "no such model")
    run = make_run(store, endpoint.base_url)
    work(run, preflight=False)
    test = page("run", run=run.id)
    assert "no such model" in test.error[0].value
    assert "kept" not in texts(test)
    assert headers(test) == []


@pytest.mark.slow
def test_a_live_run_is_measuring_until_its_verdict(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.hold()
    run = make_run(store, endpoint.base_url, rows=100)
    prices = Prices(prompt=1000.0, completion=1000.0)
    jobs.start_job(run, budget=Budget(cost=10.0, prices=prices))
    test = page("run", run=run.id)
    said = texts(test)
    assert "Measuring" in headers(test)[0]
    assert "nothing to judge yet" in said
    assert "INVALID" not in str(headers(test))
    assert len(test.main.get("skeleton")) == 2
    assert metrics(test)["Cost"][1] == "of $10.00"

    endpoint.hold(after=170)
    wait_until(lambda: jobs.status(run).graded >= 170)
    test.run()
    assert "95 % interval" in texts(test)
    assert "Measuring" in headers(test)[0]
    assert len(test.main.get("vega_lite_chart")) == 2
    assert "Newest responses" in str(headers(test))
    wait_until(lambda: "Settled" in texts(test.run()))
    assert "Stop here and keep what is done" in [button.label for button in test.main.button]

    endpoint.release()
    wait_until(lambda: jobs.find(run) is None)
    test.run()
    assert "GO" in headers(test)[0]
    assert "GO" in test.toast[0].value
    assert not test.run().toast, "it is said once"


@pytest.mark.slow
def test_a_live_run_tells_its_failures_with_their_counts(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = refuse_some
    endpoint.hold(after=40)
    run: Run = make_run(store, endpoint.base_url)
    jobs.start_job(run)
    wait_until(lambda: jobs.status(run).failed > 5)
    test = page("run", run=run.id)
    assert "× The endpoint answered 400 Bad Request: too long" in texts(test)
    assert f"{jobs.status(run).failed} responses without a score" in texts(test)


@pytest.mark.slow
def test_cancelled_before_an_answer_it_claims_to_keep_nothing(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.hold()
    run = make_run(store, endpoint.base_url)
    jobs.start_job(run)
    wait_until(lambda: endpoint.in_flight > 0)
    test = page("run", run=run.id)
    test.button(key="cancel").click().run()
    wait_until(lambda: jobs.find(run) is None)
    st.cache_resource.clear()
    said = texts(test.run())
    assert "Cancelled before an answer." in said
    assert "kept" not in said
    assert f"Cut off when the run ended: {plural(endpoint.calls, 'call')} of unknown price" in said
    assert buttons(test) == ["Start"]


@pytest.mark.slow
def test_a_cancelled_run_is_called_unfinished_and_waits_for_no_chart(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: list[str] = []
    monkeypatch.setattr(st, "set_page_config", lambda **config: titles.append(config.get("page_title", "")))
    endpoint.hold(after=3)
    run = make_run(store, endpoint.base_url)
    jobs.start_job(run)
    wait_until(lambda: jobs.status(run).graded == 3)
    test = page("run", run=run.id)
    assert "an interval needs 5 prompts with a score" in texts(test)
    toasts = [toast.value for toast in test.button(key="cancel").click().run().toast]
    wait_until(lambda: jobs.find(run) is None)
    toasts += [toast.value for toast in test.run().toast]  # it may have ended while the page was drawn
    assert "Not finished" in toasts[0]
    assert "verdict" not in toasts[0]
    assert not test.main.get("skeleton")
    assert "Too few: an interval needs" in texts(test)
    assert titles[-1].startswith("Not finished · ")
    titles.clear()
    kinds = {button.key: button.proto.type for button in page("results", run=run.id).main.button}
    assert titles[-1].startswith("Not finished · ")
    assert [key for key, kind in kinds.items() if kind == "primary"] == ["go_on"]


@pytest.mark.slow
def test_a_run_that_ends_while_its_page_is_drawn_shows_its_end(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The buttons above are of a live run then, and the progress below of one that ended."""
    run = make_run(store, endpoint.base_url)
    work(run)
    ended = run.status()
    test = page("run", run=run.id)
    looks = iter([replace(ended, state=RunState.RUNNING)])
    monkeypatch.setattr(jobs, "status", lambda _: next(looks, ended))
    test.run()
    keys = {button.key for button in test.button}
    assert "to_results" in keys
    assert "cancel" not in keys
