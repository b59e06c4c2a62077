"""A run that another process works on: seen as it goes, and as interrupted once that process is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dryrun.app.shared import jobs
from dryrun.core.records import RunState
from dryrun.store.partition import Store
from dryrun.store.runs import Run, list_runs
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import page, texts
from tests.helpers.support import ROOT, at, input_files, make_run, wait_until, work

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals and locks of POSIX"),
]


@pytest.fixture
def elsewhere(
    store: Store, endpoint: FakeEndpoint, tmp_path: Path
) -> Iterator[tuple[Run, subprocess.Popen[bytes]]]:
    """A run of 400 calls, worked on by a command line beside this process."""
    endpoint.hold(after=20)
    options = at(endpoint, "--concurrency", "4", "--data", str(store.root))
    command = [sys.executable, "-m", "dryrun", "run", *input_files(tmp_path, rows=200), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: bool(list_runs(store)) and list_runs(store)[0].status().sampled > 0)
        yield list_runs(store)[0], process
        process.kill()


def test_it_is_seen_going_on_and_cannot_be_started_twice(
    elsewhere: tuple[Run, subprocess.Popen[bytes]], endpoint: FakeEndpoint
) -> None:
    run, process = elsewhere
    first = jobs.status(run)
    assert first.live
    endpoint.hold(after=20)
    wait_until(lambda: jobs.status(run).sampled > first.sampled)
    test = page("run", run=run.id)
    assert "Another process on this machine is working on this run" in texts(test)
    buttons = {button.key for button in test.main.button}
    assert not buttons & {"resume", "cancel"}
    jobs.start_job(run)  # as a page drawn just before would
    wait_until(lambda: jobs.find(run) is None)
    assert jobs.status(run).live
    endpoint.release()
    assert process.wait(60) in (0, 1), "GO or NO-GO"
    assert jobs.status(run).state is RunState.FINISHED
    assert endpoint.calls == 400


def test_it_is_interrupted_once_that_process_is_gone_and_can_be_resumed_here(
    elsewhere: tuple[Run, subprocess.Popen[bytes]], endpoint: FakeEndpoint
) -> None:
    run, process = elsewhere
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    assert jobs.status(run).state is RunState.INTERRUPTED
    test = page("run", run=run.id)
    assert "The process that ran it is gone" in texts(test)
    endpoint.release()
    test.button(key="resume").click().run()
    assert not test.exception
    wait_until(lambda: jobs.find(run) is None)
    assert jobs.status(run).state is RunState.FINISHED
    assert "See the results" in [button.label for button in page("run", run=run.id).main.button]


def test_its_end_waits_for_the_answers_that_its_grader_is_tried_on(
    store: Store, endpoint: FakeEndpoint
) -> None:
    """They are graded after the last response, when the status on disk says finished."""
    run = make_run(store, endpoint.base_url)
    work(run)
    with run.hold():
        assert run.status().state is RunState.FINISHED
        assert jobs.status(run).live
        test = page("results", run=run.id)
        assert "The verdict may change." in texts(test)
    assert jobs.status(run).state is RunState.FINISHED
    assert "The verdict may change." not in texts(test.run())
