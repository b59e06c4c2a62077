"""People who sign in: runs are theirs, in whatever browser; without accounts nothing is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from dryrun.app.shared import jobs
from dryrun.core.paths import data_dir
from dryrun.store.access import give_to, hash_of, owner_of
from dryrun.store.partition import Store
from dryrun.store.runs import list_runs
from tests.helpers.pages import page, texts
from tests.helpers.support import make_run

ANN: dict[str, Any] = {"is_logged_in": True, "iss": "https://id", "sub": "1", "email": "ann@example.org"}
BEN: dict[str, Any] = {"is_logged_in": True, "iss": "https://id", "sub": "2", "email": "ann@example.org"}
ELSEWHERE: dict[str, Any] = {"is_logged_in": True, "iss": "https://other", "sub": "1"}
NOBODY: dict[str, Any] = {"is_logged_in": False}
ANNS = hash_of("person", "https://id\n1")


@pytest.fixture(autouse=True)
def _hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")


def keys(test: Any) -> set[str]:
    """The keys of all buttons."""
    return {str(button.key) for button in test.button}


@pytest.mark.slow
def test_a_run_belongs_to_a_person_in_every_browser(store: Store) -> None:
    run = make_run(store, "http://127.0.0.1:1/v1")
    give_to(run, ANNS)
    for browser in ("a" * 32, "b" * 32):
        assert "resume" in keys(page("run", browser=browser, user=ANN, run=run.id))
    for other in (BEN, ELSEWHERE, NOBODY):
        assert "resume" not in keys(page("run", browser="a" * 32, user=other, run=run.id))


@pytest.mark.slow
def test_runs_lists_the_persons(store: Store) -> None:
    for rows, owner in ((4, ANNS), (5, "someone else")):
        give_to(make_run(store, "http://127.0.0.1:1/v1", rows=rows), owner)
    test = page("runs", user=ANN)
    assert "1 run." in texts(test)
    assert "Your runs, and those you opened" in texts(test)
    assert "There is no run here yet" in texts(page("runs", user=BEN))


@pytest.mark.slow
def test_nobody_starts_a_run_before_signing_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_LIVE", 0)
    test = page("home", user=NOBODY)
    assert "sign_in_" in keys(test)
    test.button(key="quick").click().run()
    assert "Sign in first" in texts(test)
    assert list_runs(Store(data_dir())) == []
    test = page("home", user=ANN)
    assert "ann@example.org" in texts(test)
    assert "sign_out" in keys(test)
    test.button(key="quick").click().run()
    [run] = list_runs(Store(data_dir()))
    assert owner_of(run) == ANNS


def test_without_accounts_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not keys(page("home")) & {"sign_in_", "sign_out"}
    monkeypatch.setenv("DRYRUN_HOSTED", "0")
    assert not keys(page("home", user=NOBODY)) & {"sign_in_", "sign_out"}
