"""The pages over a data directory that machines share: what another machine wrote is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dryrun.core.records import RunState
from dryrun.store.access import LinkKind, give_to, hash_of, make_link
from dryrun.store.opened import open_store
from dryrun.store.runs import Run
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.machines import ADDRESS, Machine, sent
from tests.helpers.object_store import FAILS, REFUSED, ObjectStore, puts
from tests.helpers.pages import page, texts
from tests.helpers.support import FUZZY, make_run, work

MINE, OTHERS = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def _shared(bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_DATA", ADDRESS)


@pytest.fixture
def elsewhere(machine: Machine, endpoint: FakeEndpoint) -> Run:
    """A finished run of another machine."""
    run = make_run(machine("elsewhere"), endpoint.base_url, rows=60)
    work(run)
    assert sent(run.store) == 0
    return run


@pytest.mark.slow
def test_home_and_results_show_a_run_of_another_machine(elsewhere: Run) -> None:
    assert elsewhere.id in str([link.proto.query_string for link in page("home").get("page_link")])
    assert "120 responses with a score" in texts(page("results", run=elsewhere.id))


@pytest.mark.slow
def test_runs_and_compare_show_runs_of_another_machine(elsewhere: Run, endpoint: FakeEndpoint) -> None:
    assert "1 run" in texts(page("runs"))
    other = make_run(elsewhere.store, endpoint.base_url, rows=60, grader=FUZZY)
    work(other)
    assert sent(other.store) == 0
    said = texts(page("compare", run=elsewhere.id, **{"with": other.id}))
    assert "Two graders on the same 120 responses" in said


@pytest.mark.slow
def test_a_run_that_another_machine_works_on_is_watched(machine: Machine) -> None:
    run = make_run(machine("elsewhere"), "http://127.0.0.1:1/v1")
    with run.hold():
        run.write_status(replace(run.status(), state=RunState.RUNNING))
        sent(run.store)
        test = page("run", run=run.id)
    assert "Another machine is working on this run" in texts(test)
    assert not {button.key for button in test.main.button} & {"resume", "cancel"}


@pytest.mark.slow
def test_hosted_owners_and_links_hold_over_machines(elsewhere: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    give_to(elsewhere, hash_of("browser", MINE))
    token = make_link(elsewhere, LinkKind.FIGURES)
    assert sent(elsewhere.store) == 0
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    assert "1 run" in texts(page("runs", browser=MINE))
    assert "1 run" not in texts(page("runs", browser=OTHERS))
    assert "120 responses with a score" in texts(page("results", browser=OTHERS, share=token))


@pytest.mark.slow
def test_a_store_that_cannot_be_opened_is_one_sentence(
    bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.trouble = lambda method, path: REFUSED
    (error,) = page("home").error
    assert "s3://bucket/team cannot be used" in texts_of(error)
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    (error,) = page("home").error
    assert "bucket" not in texts_of(error)


def test_what_is_not_in_the_store_yet_is_said(bucket: ObjectStore) -> None:
    store = open_store()
    bucket.trouble = puts(FAILS)
    make_run(store, "http://127.0.0.1:1/v1", rows=3)
    assert sent(store, 0.3) > 0
    assert "not in s3://bucket/team yet" in texts(page("home"))


def texts_of(element: object) -> str:
    return str(getattr(element, "value", "")).replace("\\", "")
