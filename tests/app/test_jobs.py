"""Runs that outlive their pages: found, watched and cancelled by anybody, keys shared with nobody."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import aiohttp
import pytest
import streamlit as st

from dryrun.app.run.progress import POLL_SECONDS
from dryrun.app.shared import jobs
from dryrun.core.errors import DryRunError
from dryrun.core.records import RunState
from dryrun.engine import work as engine_work
from dryrun.engine.ledger import FLUSH_SECONDS, Ledger
from dryrun.engine.pipeline import Pipeline
from dryrun.engine.work import TRYING
from dryrun.graders.protocol import Grader
from dryrun.models.client import Client
from dryrun.probes.anchors import grade_anchors
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run
from tests.helpers.fake_endpoint import FakeEndpoint, HangAfter, deterministic_answer
from tests.helpers.pages import page, texts
from tests.helpers.support import ROOT, make_run, wait_until, work

KEPT_PER_RUN = (
    jobs.Job,
    Pipeline,
    Ledger,
    Client,
    aiohttp.ClientSession,
    asyncio.BaseEventLoop,
    asyncio.Task,
)


@pytest.fixture(autouse=True)
def _no_run_outlives_its_test() -> Iterator[None]:
    yield
    jobs.stop_all()


def ended(run: Run) -> None:
    """Wait until nobody in this process works on it."""
    wait_until(lambda: jobs.find(run) is None)


def test_what_others_see_is_at_most_two_seconds_old() -> None:
    """A viewer in another process reads what was flushed last, as often as the page polls."""
    assert FLUSH_SECONDS + POLL_SECONDS <= 2.0


@pytest.mark.slow
def test_a_run_works_on_a_thread_of_its_own_and_starting_it_again_attaches(store: Store) -> None:
    with FakeEndpoint() as endpoint:
        endpoint.hold()
        run = make_run(store, endpoint.base_url, concurrency=4)
        job = jobs.start_job(run)
        assert jobs.start_job(run) is job
        assert jobs.status(run).live
        endpoint.release()
        ended(run)
        assert endpoint.calls == 80
    assert jobs.status(run).state is RunState.FINISHED


@pytest.fixture
def held_anchors(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Grading of the anchors sets the first event as it begins, and waits for the second."""
    begun, released = threading.Event(), threading.Event()

    async def held(run: Run, grader: Grader) -> None:
        begun.set()
        await asyncio.to_thread(released.wait, 30)
        await grade_anchors(run, grader)

    monkeypatch.setattr(engine_work, "grade_anchors", held)
    return begun, released


@pytest.mark.slow
def test_a_verdict_is_no_last_word_before_the_grader_was_tried(
    store: Store, endpoint: FakeEndpoint, held_anchors: tuple[threading.Event, threading.Event]
) -> None:
    begun, released = held_anchors
    run = make_run(store, endpoint.base_url)
    jobs.start_job(run)
    assert begun.wait(30)
    results, progress = page("results", run=run.id), page("run", run=run.id)
    assert "Measuring" in texts(progress)
    assert "so far" in texts(results)
    assert "Not checked:" in texts(results)
    assert all(TRYING in texts(test) for test in (results, progress))
    released.set()
    ended(run)
    for test in (results, progress):
        said = texts(test.run())
        assert "GO" in said
        assert not any(words in said for words in ("Measuring", "so far", TRYING))
    assert "Not checked:" not in texts(results)


@pytest.mark.slow
def test_anchors_that_come_later_are_read(store: Store, endpoint: FakeEndpoint) -> None:
    """Another process works on the run: nothing here knows when it ends."""
    run = make_run(store, endpoint.base_url)
    work(run)
    anchors = run.folder / "anchors.json"
    kept = anchors.read_bytes()
    anchors.unlink()
    test = page("results", run=run.id)
    assert "Not checked:" in texts(test)
    anchors.write_bytes(kept)
    assert "Not checked:" not in texts(test.run())


def test_a_run_cancelled_while_its_grader_is_tried_has_ended_as_it_had(
    store: Store, endpoint: FakeEndpoint, held_anchors: tuple[threading.Event, threading.Event]
) -> None:
    begun, released = held_anchors
    run = make_run(store, endpoint.base_url)
    job = jobs.start_job(run)
    assert begun.wait(30)
    job.cancel()
    released.set()
    ended(run)
    assert run.status().state is RunState.FINISHED


@pytest.mark.slow
def test_cancel_waits_for_no_answer_and_keeps_what_is_done(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = HangAfter(30, deterministic_answer)
    run = make_run(store, endpoint.base_url, concurrency=4)
    jobs.start_job(run)
    wait_until(lambda: endpoint.calls == 34)
    jobs.cancel(run)
    ended(run)
    assert (run.status().state, run.status().sampled) == (RunState.CANCELLED, 30)
    wait_until(lambda: endpoint.in_flight == 0)
    endpoint.answer = deterministic_answer
    jobs.start_job(run)
    ended(run)
    assert (run.status().state, endpoint.calls) == (RunState.FINISHED, 34 + 50)


def test_cancel_before_the_first_call_is_heard(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url)
    jobs.start_job(run).cancel()
    ended(run)
    assert run.status().state in (RunState.CANCELLED, RunState.INTERRUPTED)
    assert endpoint.calls < 80


@pytest.mark.slow
def test_ten_watch_three_runs_that_do_not_hinder_each_other(store: Store) -> None:
    with FakeEndpoint() as quick, FakeEndpoint() as hung:
        quick.hold()
        hung.answer = HangAfter(0, deterministic_answer)
        runs = [make_run(store, quick.base_url, seed=seed, concurrency=4) for seed in range(2)]
        stuck = make_run(store, hung.base_url)
        for run in (stuck, *runs):
            jobs.start_job(run)
        with pytest.raises(DryRunError, match="3 runs are live on this server already"):
            jobs.start_job(make_run(store, quick.base_url, seed=9))
        seen: list[list[int]] = [[] for _ in range(10)]

        def watch(mine: list[int], run: Run) -> None:
            while (status := jobs.status(run)).live:
                mine.append(status.sampled)
                time.sleep(0.01)
            mine.append(status.sampled)

        watchers = [
            threading.Thread(target=watch, args=(mine, runs[number % 2])) for number, mine in enumerate(seen)
        ]
        for watcher in watchers:
            watcher.start()
        wait_until(lambda: all(seen))
        quick.release()
        for watcher in watchers:
            watcher.join(60)
        assert all(mine[-1] == 80 and mine == sorted(mine) for mine in seen)
        assert jobs.status(stuck).live
        jobs.cancel(stuck)
        ended(stuck)


@pytest.mark.slow
def test_finished_cancelled_and_failed_runs_leave_nothing_behind(
    store: Store, endpoint: FakeEndpoint
) -> None:
    def one(seed: int, dead: bool = False, cancelled: bool = False) -> None:
        run = make_run(store, "http://127.0.0.1:1/v1" if dead else endpoint.base_url, rows=10, seed=seed)
        job = jobs.start_job(run, api_key="sk-a-key")
        if cancelled:
            job.cancel()
        del job
        ended(run)

    one(0)  # whatever is made once per process
    # A thread or an object of an earlier test may end in the meantime: only new ones count.
    threads, before = set(threading.enumerate()), held()
    for number in range(1, 7):
        one(number, dead=number == 3, cancelled=number == 5)
    wait_until(lambda: not set(threading.enumerate()) - threads)
    assert not held() - before


def held() -> Counter[str]:
    """How many objects there are of those that a run makes."""
    gc.collect()
    return Counter(type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, KEPT_PER_RUN))


@pytest.mark.slow
def test_a_key_is_used_by_its_own_run_alone_and_is_nowhere_on_disk(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-server-itself")
    with FakeEndpoint() as mine, FakeEndpoint() as yours, FakeEndpoint() as keyless:
        keys = {mine: "sk-mine-only-1111", yours: "sk-yours-only-2222", keyless: ""}
        runs = [make_run(store, endpoint.base_url) for endpoint in keys]
        for endpoint in keys:
            endpoint.hold()
        for run, key in zip(runs, keys.values(), strict=True):
            jobs.start_job(run, api_key=key, owner=key)
        wait_until(lambda: all(endpoint.in_flight for endpoint in keys))
        for endpoint in keys:
            endpoint.release()
        for run in runs:
            ended(run)
        for endpoint, key in keys.items():
            sent = {headers["Authorization"] for headers in endpoint.headers}
            assert sent == {f"Bearer {key or 'none'}"}
        again = make_run(store, mine.base_url, temperature=0.5)
        jobs.start_job(again)  # a later run gets nobody's key
        ended(again)
        assert mine.headers[-1]["Authorization"] == "Bearer none"
    kept = b"".join(path.read_bytes() for path in store.root.rglob("*") if path.is_file())
    assert b"sk-" not in kept


def second_module() -> ModuleType:
    """`dryrun.app.shared.jobs` as a server has it whose file was edited: another one beside the first."""
    spec = importlib.util.find_spec("dryrun.app.shared.jobs")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_live_run_is_adopted_after_caches_and_modules_were_thrown_away(
    store: Store, endpoint: FakeEndpoint
) -> None:
    reloaded = second_module()
    endpoint.answer = HangAfter(10, deterministic_answer)
    run = make_run(store, endpoint.base_url, concurrency=4)
    jobs.start_job(run)
    wait_until(lambda: endpoint.calls == 14)
    st.cache_resource.clear()
    st.cache_data.clear()
    assert reloaded.Job is not jobs.Job
    assert reloaded.status(run).live
    assert reloaded.start_job(run) is jobs.find(run)
    reloaded.cancel(run)
    ended(run)
    assert run.status().state is RunState.CANCELLED


@pytest.mark.slow
def test_a_run_that_ended_is_read_from_disk(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url)
    jobs.start_job(run)
    ended(run)
    assert jobs.status(Run.open(Store(Path(store.root)), run.id)).graded == 80
    assert load_results(run).rollouts.num_rows == 80


AT_EXIT = """
import sys, time
from dryrun.app.shared import jobs
from dryrun.core.paths import data_dir
from dryrun.store.partition import Store
from dryrun.store.runs import Run

job = jobs.start_job(Run.open(Store(data_dir()), sys.argv[1]), api_key="k")
while job.latest.sampled < 8:
    time.sleep(0.05)
"""


@pytest.mark.slow
def test_a_process_that_ends_lets_its_runs_write_first(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.hold(after=8)
    run = make_run(store, endpoint.base_url, concurrency=2)
    subprocess.run([sys.executable, "-c", AT_EXIT, run.id], cwd=ROOT, check=True, timeout=60)
    status = run.status()
    assert (status.state, status.sampled) == (RunState.CANCELLED, 8)
    assert "Everything done so far is kept" in status.message


def test_hosted_one_session_leaves_room_for_others(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [make_run(store, endpoint.base_url) for _ in range(3)]
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    monkeypatch.setattr(jobs, "work_on", wait_for_ever)
    jobs.start_job(runs[0], owner="one")
    with pytest.raises(DryRunError, match="You have 1 live run on this shared server already"):
        jobs.start_job(runs[1], owner="one")
    assert jobs.start_job(runs[2], owner="other").is_alive()


async def wait_for_ever(*_: object, **__: object) -> None:
    """As a run whose endpoint never answers."""
    await asyncio.Event().wait()


@pytest.mark.slow
def test_a_run_started_while_its_last_session_ends_is_not_lost(store: Store, endpoint: FakeEndpoint) -> None:
    """After its last word a session still grades answers that check the grader; nobody sees that it lives."""
    run = make_run(store, endpoint.base_url, rows=40)
    first = jobs.start_job(run)
    wait_until(lambda: not first.latest.live)
    second = jobs.start_job(run)
    assert second is not first
    ended(run)
    assert run.status().state is RunState.FINISHED
