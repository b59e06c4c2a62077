"""Who may do what with a run where strangers share the server."""

from __future__ import annotations

from typing import Any

import pytest

from dryrun.app.shared import jobs
from dryrun.app.shared.access.gate import RIGHTS, Access, Right, ViewerRole
from dryrun.core.errors import DryRunError
from dryrun.core.paths import data_dir
from dryrun.core.text import short
from dryrun.store.access import give_to, hash_of, owner_of
from dryrun.store.partition import Store
from dryrun.store.runs import Run, list_runs
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import page, texts
from tests.helpers.support import make_run, wait_until, work

MINE, OTHERS = "a" * 32, "b" * 32


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is hosted, and may call a test's endpoint all the same."""
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    monkeypatch.setattr("dryrun.models.client.hosted", lambda: False)


@pytest.fixture
def finished(store: Store, endpoint: FakeEndpoint) -> Run:
    run = make_run(store, endpoint.base_url, rows=60)
    work(run)
    return run


def owned(run: Run, secret: str = MINE) -> Run:
    give_to(run, hash_of("browser", secret))
    return run


def keys(test: Any) -> set[str]:
    """The keys of all buttons."""
    return {str(button.key) for button in test.button}


@pytest.mark.parametrize("role", ViewerRole)
@pytest.mark.parametrize("right", Right)
def test_what_is_not_allowed_is_one_sentence(role: ViewerRole, right: Right) -> None:
    access = Access(role)
    assert access.may(right) is (right in RIGHTS[role])
    if access.may(right):
        access.need(right)
        return
    with pytest.raises(DryRunError, match=right.value):
        access.need(right)


def test_nobody_but_the_owner_may_change_share_or_label_into_a_run() -> None:
    for role in set(ViewerRole) - {ViewerRole.OWNER, ViewerRole.OPEN}:
        assert not RIGHTS[role] & {Right.CONTROL, Right.EDIT, Right.SHARE}
    for role in (ViewerRole.SAMPLES, ViewerRole.FIGURES):
        assert not RIGHTS[role] & {Right.LABEL, Right.PAGES}
    assert RIGHTS[ViewerRole.FIGURES] == {Right.FIGURES}


@pytest.mark.slow
def test_a_stranger_cannot_resume_and_the_owner_can_after_a_reload(store: Store, hosted: None) -> None:
    run = owned(make_run(store, "http://127.0.0.1:1/v1"))
    for _ in range(2):  # each page is a session of its own
        assert "resume" in keys(page("run", browser=MINE, run=run.id))
    for browser in (OTHERS, ""):
        test = page("run", browser=browser, run=run.id)
        assert "resume" not in keys(test)
        assert "Only the person who started this run can resume it." in texts(test)


@pytest.mark.slow
def test_a_run_that_nobody_owns_can_be_resumed_by_whoever_has_its_link(store: Store, hosted: None) -> None:
    run = make_run(store, "http://127.0.0.1:1/v1")
    assert "resume" in keys(page("run", browser=OTHERS, run=run.id))


@pytest.mark.slow
def test_only_the_owner_names_and_deletes_in_whatever_session(store: Store, hosted: None) -> None:
    run = owned(make_run(store, "http://127.0.0.1:1/v1"))
    nobodys = make_run(store, "http://127.0.0.1:1/v1", rows=5)
    mine = page("runs", browser=MINE)
    assert "1 run." in texts(mine)
    for browser, each, expected in (
        (MINE, run, {"Name and note", "Delete"}),
        (OTHERS, run, set()),
        (MINE, nobodys, set()),
    ):
        test = page("run", browser=browser, run=each.id)  # opened, so that it is listed
        test.switch_page("pages/runs.py").run()
        names = list(test.main.dataframe[0].value["Name"])
        place = next(number for number, name in enumerate(names) if short(each.id) in name)
        test.session_state[str(test.main.dataframe[0].key)] = {"selection": {"rows": [place], "columns": []}}
        test.run()
        assert {button.label for button in test.button} & {"Name and note", "Delete"} == expected


@pytest.mark.slow
def test_on_ones_own_machine_everybody_may(store: Store) -> None:
    assert "resume" in keys(
        page("run", browser=OTHERS, run=owned(make_run(store, "http://127.0.0.1:1/v1")).id)
    )


@pytest.mark.slow
def test_only_the_owner_cancels_and_still_does_in_another_session(
    store: Store, endpoint: FakeEndpoint, hosted: None
) -> None:
    endpoint.hold()
    run = owned(make_run(store, endpoint.base_url, rows=100))
    test = page("run", browser=MINE, run=run.id)
    test.button(key="resume").click().run()
    assert not test.exception
    wait_until(lambda: endpoint.calls > 0)
    assert "cancel" not in keys(page("run", browser=OTHERS, run=run.id))
    test = page("run", browser=MINE, run=run.id)
    test.button(key="cancel").click().run()
    assert not test.exception
    wait_until(lambda: jobs.find(run) is None)
    assert "resume" not in keys(page("run", browser=OTHERS, run=run.id))


@pytest.mark.slow
def test_who_starts_a_run_owns_it(hosted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_LIVE", 0)  # it is made, and waits
    test = page("home", browser=MINE)
    test.button(key="quick").click().run()
    [run] = list_runs(Store(data_dir()))
    assert owner_of(run) == hash_of("browser", MINE)
