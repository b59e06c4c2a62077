"""The Batch API on the pages: the switch, the state while it is waited for, and going on later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dryrun.app.shared import jobs
from dryrun.core.config import BatchConfig
from dryrun.core.records import RunState
from dryrun.engine import batches
from dryrun.engine.batch_records import under_way
from dryrun.store.partition import Store
from dryrun.store.runs import Run, list_runs
from tests.helpers.fake_batches import FakeBatches
from tests.helpers.pages import group, page, texts
from tests.helpers.support import make_run, wait_until


def over(run: Run) -> bool:
    """Whether a run finished, and its job has tried the grader and ended too."""
    return run.status().state is RunState.FINISHED and jobs.find(run) is None


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PACING", batches.Pacing(first=0.05, longest=0.05))


@pytest.fixture
def server() -> Iterator[FakeBatches]:
    with FakeBatches(looks=10**9) as endpoint:
        yield endpoint
        jobs.stop_all()


def configured(base_url: str) -> AppTest:
    """Configure, with an endpoint whose Batch API is switched on."""
    test = page("configure")
    group(test, "model_where").set_value("OpenAI-compatible endpoint").run()
    test.text_input(key="base_url").set_value(base_url).run()
    test.text_input(key="model_name").set_value("fake").run()
    test.number_input(key="sample_size").set_value(40).run()
    test.toggle(key="model_batch").set_value(True).run()
    assert not test.exception
    return test


def waiting(server: FakeBatches) -> bool:
    return bool(server.batches) and server.batches["batch_0"].looks >= 2


def cancelled(store: Store, server: FakeBatches) -> Run:
    """A run that was left while its batch was at the endpoint."""
    run = make_run(store, server.base_url, batch=BatchConfig())
    job = jobs.start_job(run, api_key="k", batch=BatchConfig())
    wait_until(lambda: waiting(server))
    jobs.cancel(run)
    job.join(10)
    return run


@pytest.mark.slow
def test_the_switch_warns_where_a_batch_api_is_not_known(server: FakeBatches) -> None:
    test = configured(server.base_url)
    said = texts(test)
    assert "127.0.0.1 is not known to have a Batch API" in said
    assert "through its Batch API" in said
    test.text_input(key="base_url").set_value("https://api.openai.com/v1").run()
    assert "is not known to have a Batch API" not in texts(test)
    test.toggle(key="model_batch").set_value(False).run()
    assert "through its Batch API" not in texts(test)


@pytest.mark.slow
def test_a_run_started_on_the_page_goes_through_a_batch_and_says_so(
    store: Store, server: FakeBatches
) -> None:
    test = configured(server.base_url)
    test.button(key="start").click().run()
    assert not test.exception
    wait_until(lambda: waiting(server))
    run = list_runs(store)[0]
    wait_until(lambda: "Batch" in jobs.status(run).message)
    said = texts(page("run", run=run.id))
    assert "Batch validating: 0 of 160 answered. You may leave" in said
    assert "through its Batch API" in said
    server.looks = 1
    wait_until(lambda: over(run))
    assert server.calls == 0


@pytest.mark.slow
def test_a_cancelled_run_tells_of_its_batch_and_resume_collects_it(store: Store, server: FakeBatches) -> None:
    run = cancelled(store, server)
    test = page("run", run=run.id)
    said = texts(test)
    assert "80 requests are in a batch at the endpoint" in said
    assert test.button(key="resume").label == "Resume"
    assert "80 requests go on in a batch at the endpoint: resume collects them" in said
    server.looks = 1
    test.button(key="resume").click().run()
    wait_until(lambda: over(run))
    assert (server.creates, server.calls, under_way(run)) == (1, 0, 0)


@pytest.mark.slow
def test_what_is_left_can_be_asked_call_by_call(store: Store, server: FakeBatches) -> None:
    run = cancelled(store, server)
    server.looks, server.answered = 1, 60
    test = page("run", run=run.id)
    test.button(key="resume").click().run()
    wait_until(lambda: over(run))
    test = page("run", run=run.id)
    assert "20 calls failed" in texts(test)
    test.toggle(key="resume_batch").set_value(False).run()
    test.button(key="resume").click().run()
    wait_until(lambda: run.status().failed == 0 and over(run))
    assert (server.creates, server.calls) == (1, 20)


@pytest.mark.slow
def test_runs_that_wait_leave_room_for_others(store: Store, server: FakeBatches) -> None:
    batch = BatchConfig()
    runs: list[Any] = [make_run(store, server.base_url, rows=2, seed=n, batch=batch) for n in range(4)]
    for run in runs:
        jobs.start_job(run, batch=batch)
    live = make_run(store, server.base_url, rows=3)
    jobs.start_job(live)
    wait_until(lambda: over(live))
    assert [run.status().state for run in runs] == [RunState.RUNNING] * 4
