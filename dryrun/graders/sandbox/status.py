"""Can python grader code be isolated on this machine? Tried once, for real."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dryrun.graders.sandbox.frames import WorkerError, WorkerFault
from dryrun.graders.sandbox.isolation import (
    CHOICE_SETTING,
    MEGABYTE,
    UNSAFE_SETTING,
    Mechanism,
    WorkerLimits,
    bwrap,
    candidates,
    worker_launch,
)
from dryrun.graders.sandbox.memory import Watch
from dryrun.graders.sandbox.process import WorkerProcess
from dryrun.graders.sandbox.program import Program

PROBE = """
import os, socket
def attempts():
    yield "read files", lambda: open({file!r}).read()
    yield "list folders", lambda: os.listdir(os.path.dirname({file!r}))
    yield "write files", lambda: open({file!r} + ".new", "x")
    yield "use the network", lambda: socket.create_connection(("127.0.0.1", {port}), 2)
    if {pid}:
        yield "reach other processes", lambda: os.kill({pid}, 0)
    if {home!r}:
        yield "list the home", lambda: os.listdir({home!r})
        yield "start processes", lambda: os.fork() or os._exit(0)
came_through = []
for what, attempt in attempts():
    try:
        attempt()
        came_through.append(what)
    except Exception:
        pass
if came_through:
    raise RuntimeError("code in it can " + ", ".join(came_through))
def grade(sample, item):
    return 1.0
"""
"""Tries to get out while it is loaded; braces are filled with what is there to reach."""

HELD = 256 * MEGABYTE
TAKES_MEMORY = f"""
import time
taken = bytearray({2 * HELD})
for page in range(0, len(taken), 4096):
    taken[page] = 1
time.sleep(3)
def grade(sample, item):
    return 1.0
"""

_STRENGTH = {
    Mechanism.BUBBLEWRAP: "Python graders run in a bubblewrap sandbox: no network, no files, no privileges.",
    Mechanism.BUBBLEWRAP_ROOT: "Python graders run in a bubblewrap sandbox as a user without rights: "
    "no network, no files, no privileges.",
    Mechanism.LANDLOCK: "Python graders run behind Landlock and a filter of system calls, a weaker "
    "sandbox than bubblewrap: no network, no other processes, no files but Python's, one folder to write to. "
    "They can learn which files exist, not what is in them.",
    Mechanism.SEATBELT: "Python graders run behind macOS's Seatbelt, a weaker sandbox than bubblewrap: no "
    "network, no other processes, no files but Python's and the system's, one folder to write to. They can "
    "learn which files exist, not what is in them.",
    Mechanism.NOTHING: f"Python graders run without isolation, because {UNSAFE_SETTING}=1 is set.",
}


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """Whether python graders can run here.

    Attributes
    ----------
    available : bool
    mechanism : Mechanism or None
        None when there is none.
    reason : str
        A sentence: why not, or how strong it is.
    """

    available: bool
    mechanism: Mechanism | None
    reason: str


def sandbox_status() -> SandboxStatus:
    """Which isolation there is for python graders, or why there is none.

    The first call starts a sandbox to see whether it works (a fraction of a second); later calls
    with the same environment remember.
    """
    mechanism, reasons = _probed(tuple(candidates()))
    if mechanism is None:
        return SandboxStatus(False, None, _why_not(reasons))
    return SandboxStatus(True, mechanism, _STRENGTH[mechanism])


@lru_cache(maxsize=8)
def _probed(mechanisms: tuple[Mechanism, ...]) -> tuple[Mechanism | None, tuple[str, ...]]:
    """The first one that holds, and why those before it do not."""
    reasons: list[str] = []
    for mechanism in mechanisms:
        reason = _failure(mechanism)
        if reason is None:
            return mechanism, tuple(reasons)
        reasons.append(reason)
    return None, tuple(reasons)


def _failure(mechanism: Mechanism) -> str | None:
    """Why a worker does not come up under `mechanism`, or what it does not keep in; None when it holds."""
    try:
        worker = WorkerProcess(worker_launch(mechanism, WorkerLimits()))
    except (WorkerError, OSError) as error:
        return str(error)
    try:
        with _targets(mechanism) as probe:
            worker.begin(Program(probe), load_timeout=60.0)
    except (WorkerError, OSError) as error:
        return str(error)
    finally:
        worker.kill()
    if mechanism is Mechanism.SEATBELT and not memory_holds(mechanism):
        return "code in it can use more memory than allowed"
    return None


def memory_holds(mechanism: Mechanism) -> bool:
    """Whether a worker that takes more memory than it may does not get it, or is ended."""
    limits = WorkerLimits(memory=HELD)
    try:
        worker = WorkerProcess(worker_launch(mechanism, limits))
    except (WorkerError, OSError):
        return False
    watch = Watch(lambda: [worker], limits.memory, limits.scratch)
    watch.start()
    try:
        worker.begin(Program(TAKES_MEMORY), load_timeout=60.0)
    except WorkerError as error:
        return error.fault in (WorkerFault.LIMIT, WorkerFault.NOT_LOADED)
    finally:
        watch.close()
        worker.kill()
    return False


@contextmanager
def _targets(mechanism: Mechanism) -> Iterator[str]:
    """The probe, with a file, a port and a process to reach; nothing to reach where nothing is promised."""
    if mechanism is Mechanism.NOTHING:
        yield "def grade(sample, item):\n    return 1.0\n"
        return
    # within a namespace the same number is another process
    pid = os.getpid() if mechanism in (Mechanism.LANDLOCK, Mechanism.SEATBELT) else 0
    home = str(Path.home()) if mechanism is Mechanism.SEATBELT else ""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        file = Path(folder) / "private"
        file.write_text("private")
        yield PROBE.format(file=str(file), port=server.getsockname()[1], pid=pid, home=home)


def _why_not(reasons: Sequence[str]) -> str:
    refused = "Python graders are refused here, because nothing can keep their code in"
    if reasons:
        return f"{refused}: the sandbox does not start ({'; '.join(reasons)})."
    if not sys.platform.startswith(("linux", "darwin")):
        return f"{refused}: the sandbox needs Linux or macOS."
    if wanted := os.environ.get(CHOICE_SETTING):
        return f"{refused}: {CHOICE_SETTING}={wanted} is not available here; leave it out."
    if bwrap() is None:
        return f"{refused}: bubblewrap is not installed. Install the package bubblewrap."
    return f"{refused}."
