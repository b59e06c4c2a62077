"""The sandbox of macOS as text, and what decides there whether it holds: this is no Mac."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dryrun.graders.sandbox import isolation, seatbelt
from dryrun.graders.sandbox.isolation import Mechanism, WorkerLimits, candidates, worker_launch
from dryrun.graders.sandbox.memory import told_by_ps
from dryrun.graders.sandbox.process import WorkerProcess
from dryrun.graders.sandbox.status import PROBE, memory_holds, sandbox_status

RULES = """
(version 1)
(deny default)
(allow file-read-metadata)
(allow sysctl-read)
(allow signal (target self))
(allow process-exec (subpath "/Users/a/py"))
(allow file-read* (literal "/") (subpath "/System") (subpath "/usr/lib") (subpath "/usr/share")
 (subpath "/Library/Apple") (subpath "/private/var/db/dyld") (subpath "/private/var/db/timezone")
 (literal "/dev/null") (literal "/dev/zero") (literal "/dev/random") (literal "/dev/urandom"))
(deny file-read-data (subpath "/Users/a"))
(allow file-read* (subpath "/Users/a/py") (subpath "/private/tmp/s \\"x\\""))
(deny file-write*)
(allow file-write* (subpath "/private/tmp/s \\"x\\""))
(allow file-write-data (literal "/dev/null"))
(deny network*)
(deny process-fork)
"""


def test_the_profile() -> None:
    python = Path("/Users/a/py")
    rules = seatbelt.profile([python], Path("/Users/a"), Path('/private/tmp/s "x"'))
    assert rules == RULES.strip().replace("\n (", " (")


def test_the_command_of_a_worker() -> None:
    launch = worker_launch(Mechanism.SEATBELT, WorkerLimits())
    scratch = launch.scratch
    assert scratch is not None
    try:
        assert launch.command[:2] == ["/usr/bin/sandbox-exec", "-p"]
        assert launch.command[3] == sys.executable
        writes = [line for line in launch.command[2].splitlines() if "file-write*" in line]
        assert writes == ["(deny file-write*)", f'(allow file-write* (subpath "{scratch}"))']
        assert launch.environment["TMPDIR"] == launch.environment["HOME"] == str(scratch)
        assert not launch.forks
        assert not launch.private
    finally:
        scratch.rmdir()


def test_a_folder_of_a_worker_goes_with_it(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    launch = isolation.Launch(
        [sys.executable, "-c", "open('left', 'w').close(); print(1, flush=True)"], scratch=scratch
    )
    worker = WorkerProcess(launch)
    worker.kill()
    assert not scratch.exists()


def test_a_mac_tries_it_and_a_hosted_one_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(seatbelt, "PROGRAM", sys.executable)
    monkeypatch.delenv("DRYRUN_SANDBOX", raising=False)
    assert candidates() == [Mechanism.SEATBELT]
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    assert candidates() == []
    monkeypatch.delenv("DRYRUN_HOSTED")
    monkeypatch.setattr(seatbelt, "PROGRAM", str(tmp_path / "none"))
    assert candidates() == []


def test_what_is_tried_there(tmp_path: Path) -> None:
    """Without a sandbox everything comes through, and the probe says so."""
    (tmp_path / "private").write_text("x")
    probe = PROBE.format(file=str(tmp_path / "private"), port=1, pid=os.getpid(), home=str(tmp_path))
    said = "code in it can read files, list folders, write files, reach other processes, list the home"
    with pytest.raises(RuntimeError, match=said):
        exec(probe, {})


def test_memory_is_held_where_the_sandbox_is_to_be_had() -> None:
    status = sandbox_status()
    assert status.mechanism is not None
    assert memory_holds(status.mechanism)


def test_memory_that_ps_tells() -> None:
    taken = bytearray(os.urandom(1 << 20) * 64)
    assert len(taken) < told_by_ps(os.getpid()) < 64 * len(taken)
    assert told_by_ps(2**22 + 1) == 0
