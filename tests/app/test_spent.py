"""What one person may take of a shared server: one sentence where it is too much."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from dryrun.app.shared import jobs
from dryrun.app.shared.access import spent
from dryrun.app.shared.access.spent import Allowance, allowance, check_calls, check_stored, note_calls
from dryrun.core.errors import DryRunError
from dryrun.core.paths import data_dir
from dryrun.store.partition import Store
from dryrun.store.prune import bytes_of_run
from dryrun.store.runs import list_runs
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import page, texts
from tests.helpers.support import make_run, work


@pytest.fixture(autouse=True)
def _nothing_spent() -> Iterator[None]:
    spent._asked.clear()
    yield
    spent._asked.clear()


def test_settings_are_read_and_a_bad_one_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert allowance() == Allowance()
    monkeypatch.setenv("DRYRUN_HOSTED_CALLS", "70")
    monkeypatch.setenv("DRYRUN_HOSTED_LIVE", "2")
    assert allowance() == Allowance(live=2, calls=70)
    for bad in ("0", "-1", "many", "1.5", "²"):
        monkeypatch.setenv("DRYRUN_HOSTED_MEGABYTES", bad)
        with pytest.raises(DryRunError, match="DRYRUN_HOSTED_MEGABYTES"):
            allowance()


def test_calls_are_counted_for_an_hour_and_each_person(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setenv("DRYRUN_HOSTED_CALLS", "100")
    monkeypatch.setattr(time, "time", lambda: now)
    with pytest.raises(DryRunError, match="This run takes 101 calls"):
        check_calls("ann", 101)
    for count in (60, 30):
        check_calls("ann", count)
        note_calls("ann", count)
        now += 600
    check_calls("ann", 10)
    with pytest.raises(DryRunError, match=r"You asked for 90 calls .* takes 11; .* in 40 min"):
        check_calls("ann", 11)
    check_calls("ben", 100)
    now += 2400
    check_calls("ann", 70)
    with pytest.raises(DryRunError, match="You asked for 30 calls"):
        check_calls("ann", 71)


@pytest.mark.slow
def test_what_runs_hold_is_counted_with_their_responses(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.answer = lambda body: "x" * 50_000
    run = make_run(store, endpoint.base_url, rows=20, rollouts=1)
    before = bytes_of_run(run)
    work(run)
    assert bytes_of_run(run) - before >= 20 * 50_000
    check_stored([run])
    monkeypatch.setenv("DRYRUN_HOSTED_MEGABYTES", "1")
    with pytest.raises(DryRunError, match=r"Your runs hold 1 MB .* Delete one on Runs"):
        check_stored([run])
    check_stored([])


def test_a_run_that_is_too_much_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_LIVE", 0)
    monkeypatch.setenv("DRYRUN_HOSTED_CALLS", "119")
    test = page("home")
    test.button(key="quick").click().run()
    assert len(list_runs(Store(data_dir()))) == 1  # on one's own machine
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    test = page("home")
    test.button(key="quick").click().run()
    assert "This run takes 120 calls; this shared server allows 119 an hour" in texts(test)
    assert len(list_runs(Store(data_dir()))) == 1
