"""One run, several machines: one works on it at a time, as far as a store without locks can see to that."""

from __future__ import annotations

import datetime
import threading
import time

import pytest

from dryrun.core.errors import DryRunError
from dryrun.core.records import RunState
from dryrun.store.partition import Store
from dryrun.store.runs import Run, list_runs
from dryrun.store.shared import leases
from tests.helpers.machines import Machine, sent
from tests.helpers.object_store import BUCKET, FAILS, ObjectStore
from tests.helpers.support import make_run, wait_until


@pytest.fixture
def run(machine: Machine) -> Run:
    """A run of machine one, which the bucket has."""
    run = make_run(machine("one"), "http://127.0.0.1:9/v1", rows=3)
    assert sent(run.store) == 0
    return run


def seen_by(store: Store, run: Run) -> Run:
    return Run.open(store, run.id)


@pytest.mark.slow
def test_two_machines_do_not_work_on_one_run(
    run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "TRIES", 1)
    other = seen_by(machine("two"), run)
    with run.hold():
        assert seen_by(other.store, run).held()
        with pytest.raises(DryRunError, match=r"already working on this run.*90 seconds"), other.hold():
            pass
        assert list_runs(other.store)[0].held()
    assert not seen_by(other.store, run).held()
    with other.hold():
        assert seen_by(run.store, run).held()


@pytest.mark.slow
def test_of_two_at_once_at_most_one_gets_it(
    run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "TRIES", 1)
    copies = [run, seen_by(machine("two"), run), seen_by(machine("three"), run)]
    both, most, inside = threading.Barrier(3), 0, 0
    turn = threading.Lock()

    def work(one: Run) -> None:
        nonlocal most, inside
        both.wait()
        try:
            with one.hold():
                with turn:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0.2)
                with turn:
                    inside -= 1
        except DryRunError:
            pass

    threads = [threading.Thread(target=work, args=(one,)) for one in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most <= 1


@pytest.mark.slow
def test_a_live_run_elsewhere_is_live_and_a_dead_one_interrupted(
    run: Run, machine: Machine, bucket: ObjectStore
) -> None:
    with run.hold():
        from dataclasses import replace

        run.write_status(replace(run.status(), state=RunState.RUNNING))
        sent(run.store)
        other = seen_by(machine("two"), run)
        assert other.status().state is RunState.RUNNING
        (lease,) = bucket.names(f"team/runs/{run.id}/leases/")
        bucket.date(lease, datetime.datetime(2026, 1, 1))
        other = seen_by(other.store, run)
        assert other.status().state is RunState.INTERRUPTED
        with other.hold():  # the lease has run out
            assert bucket.names(f"team/runs/{run.id}/leases/") != {lease}


@pytest.mark.slow
def test_a_killed_process_does_not_keep_its_own_machine_out(
    run: Run, machine: Machine, bucket: ObjectStore
) -> None:
    again = seen_by(machine("one"), run)
    machine_name = (again.store.root / ".machine").read_text()
    bucket.keep(f"team/runs/{run.id}/leases/host.{machine_name}.abcd", b"{}")
    with again.hold():
        assert not any(name.endswith(".abcd") for name in bucket.names())


def test_whoever_lost_a_run_stops(
    run: Run, machine: Machine, bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.05)
    with run.hold():
        assert not run.stop_asked()
        bucket.keep(f"team/runs/{run.id}/leases/host.{'f' * 12}.abcd", b"{}")
        wait_until(run.stop_asked)


def test_whoever_slept_while_another_finished_the_run_stops(
    run: Run, bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.05)
    with run.hold():
        (lease,) = bucket.names(f"team/runs/{run.id}/leases/")
        wait_until(lambda: bucket.drop(lease) or run.stop_asked())  # it may just be put again


@pytest.mark.slow
def test_another_machine_stops_a_run(run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.05)
    other = seen_by(machine("two"), run)
    with run.hold():
        other.stop_early()
        wait_until(run.stop_asked)
    run.go_on()
    sent(run.store)
    assert not run.stop_asked()


def test_a_lease_is_renewed(run: Run, bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.05)
    with run.hold():
        (lease,) = bucket.names(f"team/runs/{run.id}/leases/")
        before = bucket.requests.count(("PUT", f"/{BUCKET}/{lease}"))
        wait_until(lambda: bucket.requests.count(("PUT", f"/{BUCKET}/{lease}")) > before + 1)
    assert bucket.names(f"team/runs/{run.id}/leases/") == set()


def test_without_the_store_nobody_begins(run: Run, bucket: ObjectStore) -> None:
    bucket.trouble = lambda method, path: FAILS
    with pytest.raises(DryRunError, match="s3://bucket/team"), run.hold():
        pass
