"""A live run is watched for a settled verdict and can be ended early; nothing that was asked is left out."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from rich.console import Console

from dryrun.analysis.early_stop import Settled
from dryrun.app.shared import jobs
from dryrun.cli.main import main
from dryrun.cli.terminal import ProgressLine
from dryrun.core.records import RunState
from dryrun.engine.budget import Budget
from dryrun.engine.early_stop import SettledWatch
from dryrun.probes.anchors import load_anchors
from dryrun.report import report_of
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, RunStatus
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import page, texts
from tests.helpers.support import make_run, stored_grades, wait_until, work


def partial(store: Store, endpoint: FakeEndpoint, calls: int) -> tuple[Run, RunStatus]:
    """A run of 300 prompts, two responses each, that has made so many calls."""
    run = make_run(store, endpoint.base_url, rows=300)
    return run, work(run, budget=Budget(calls=calls))


@pytest.mark.slow
def test_a_clear_verdict_is_called_settled_from_the_second_look_on(
    store: Store, endpoint: FakeEndpoint
) -> None:
    run, status = partial(store, endpoint, 130)
    watch = SettledWatch(run, seconds=0.0)
    assert watch.check(status) is None, "one look at 60 prompts is not enough"
    status = work(run, budget=Budget(calls=200))
    found = watch.check(status)
    assert found is not None
    assert (found.verdict, found.since, found.prompts) == ("GO", 60, 100)
    watch = SettledWatch(run, seconds=0.0)
    assert watch.follow(status) is None
    watch.close()
    assert watch.latest == found
    assert SettledWatch(run, seconds=600.0).check(status) is None, "a run that has just begun is left alone"


@pytest.mark.slow
def test_only_the_first_prompts_that_are_complete_are_looked_at(store: Store, endpoint: FakeEndpoint) -> None:
    """One early prompt waits for its grade: later ones, however many, do not count before it."""
    run, status = partial(store, endpoint, 400)
    planned = run.plan()
    assert planned is not None
    plan, _, grades = planned
    missing = plan["grade_key"][2 * 70].as_py()
    rows = [row for row in grades.read(grades.schema.names).to_pylist() if row["key"] != missing]
    for part in grades.parts():
        part.unlink()
    grades.append(rows)
    assert SettledWatch(run, seconds=0.0).check(status) is None
    watch = SettledWatch(run, seconds=0.0)
    work(run, budget=Budget(calls=401))
    assert watch.check(status) is not None


@pytest.mark.slow
def test_an_early_stop_finishes_what_is_in_flight_grades_it_and_resumes(store: Store) -> None:
    with FakeEndpoint() as endpoint:
        endpoint.hold(after=200)
        run = make_run(store, endpoint.base_url, rows=300, concurrency=8)
        ended: list[RunStatus] = []
        working = threading.Thread(target=lambda: ended.append(work(run)))
        working.start()
        wait_until(lambda: endpoint.calls == 208)
        run.stop_early()
        endpoint.release()
        working.join()
        [status] = ended
        assert (status.state, "Stopped early, as asked" in status.message) == (RunState.CANCELLED, True)
        assert status.sampled == status.graded == endpoint.calls < 220
        results = load_results(run)
        assert sorted(set(results.rollouts["prompt"].to_pylist())) == list(range(-(-status.sampled // 2)))
        assert load_anchors(run) is not None, "the judgement has its evidence"
        assert report_of(results, evidence=True).verdict == "GO"
        assert work(run).state is RunState.FINISHED
        assert endpoint.calls == 600


def test_the_terminal_offers_a_stop_once_and_the_command_takes_it(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(file=None, stderr=True, width=200)
    status = RunStatus(RunState.RUNNING, total=600, sampled=200, graded=200, message="Generating.")
    with ProgressLine(console) as line:
        for _ in range(3):
            line.show(status, Settled("GO", 60, 100, 0.999))
    printed = capsys.readouterr().err
    assert printed.count("Settled: since prompt 60 mean and std say GO in 99.9 % of bootstrap samples.") == 1
    assert "python -m dryrun stop" in printed
    assert main(["stop"]) == 2
    assert "No run is live" in capsys.readouterr().err
    with FakeEndpoint() as endpoint:
        endpoint.hold(after=8)
        run = make_run(store, endpoint.base_url, rows=300, concurrency=4)
        assert main(["stop", run.id]) == 2
        assert "Nobody is working" in capsys.readouterr().err
        working = threading.Thread(target=work, args=(run,))
        working.start()
        wait_until(lambda: endpoint.calls == 12)
        assert main(["stop"]) == 0
        endpoint.release()
        working.join()
        assert endpoint.calls < 20
    assert run.status().state is RunState.CANCELLED


@pytest.mark.slow
def test_the_run_page_offers_a_stop_and_never_takes_it(store: Store) -> None:
    with FakeEndpoint() as endpoint:
        endpoint.hold(after=250)
        run = make_run(store, endpoint.base_url, rows=300, concurrency=16)
        jobs.start_job(run, api_key="k")
        wait_until(lambda: stored_grades(run) >= 250)
        test = page("run", run=run.id)
        wait_until(lambda: "Settled:" in texts(test.run()))
        assert jobs.status(run).live
        test.button(key="stop_early").click().run()
        assert not test.exception
        endpoint.release()
        wait_until(lambda: not jobs.status(run).live)
        assert endpoint.calls < 600
        said = texts(page("run", run=run.id))
        assert "Stopped early, as asked" in said


@pytest.mark.slow
def test_imported_and_tiny_runs_are_not_watched(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url, rows=40)
    status: Any = work(run)
    assert SettledWatch(run, seconds=0.0).check(status) is None
