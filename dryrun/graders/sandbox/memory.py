"""Keeps watch over what all processes of a sandbox use together; the kernel's limits are for each.

Memory, and scratch space where it lies on the machine's own disk.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from dryrun.graders.sandbox.process import WorkerProcess

EVERY_SECONDS = 0.1
PROC = Path("/proc")
ENTRY = 16 * 1024
"""Bytes that a file or folder counts at least, so that a great number of empty ones is noticed."""

SOCKET = 212_992
"""Bytes a socket can hold by default (``net.core.wmem_default``); the filter refuses to raise it."""

TCP_SOCKET = 10 * 1024**2
"""The same for TCP, which raises it by itself (``tcp_wmem`` and ``tcp_rmem``)."""

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Watch:
    """A thread that ends a worker whose processes use more memory, or scratch space, than it may.

    Parameters
    ----------
    workers : callable
        Gives those that live now.
    limit, scratch : int
        Bytes of memory, and of files in a folder on the disk.
    """

    def __init__(self, workers: Callable[[], Iterable[WorkerProcess]], limit: int, scratch: int) -> None:
        self._workers, self._limit, self._scratch = workers, limit, scratch
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="dryrun-memory", daemon=True)

    def start(self) -> None:
        """Begin, where the kernel tells what processes use."""
        if (PROC / "self" / "statm").exists() or shutil.which("ps"):
            self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            for worker in self._workers():
                if used(worker.pid, self._limit, worker.private) > self._limit:
                    megabytes = self._limit // 1024**2
                    worker.end(f"its processes together used more than {megabytes:,} MB of memory")
                elif worker.scratch is not None and size_in(worker.scratch, self._scratch) > self._scratch:
                    worker.end(f"its files together took more than {self._scratch // 1024**2:,} MB")


def size_in(folder: Path, most: int) -> int:
    """Bytes of the files in a folder, each with what the disk needs for it. Not counted on above `most`."""
    size = 0
    for path, inner, names in os.walk(folder):
        for name in (*inner, *names):
            size += ENTRY
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(path, name)).st_size
            if size > most:
                return size
    return size


def used(pid: int, limit: int = 0, private: bool = False) -> int:
    """Bytes of memory that a process and all its descendants use.

    Pages they share are counted once for each; only where that exceeds `limit` it is counted exactly.

    Parameters
    ----------
    pid, limit : int
    private : bool
        Whether they have a network namespace of their own: then what its sockets can hold counts too.
    """
    if not (PROC / "self" / "statm").exists():
        return told_by_ps(pid)
    family = _family(pid)
    # the first process is the launcher, in our own network namespace; the last one is inside
    held = _in_sockets(family[-1]) if private else 0
    rough = held + sum(_resident(member) for member in family)
    return rough if rough <= limit else held + sum(_proportional(member) for member in family)


def told_by_ps(pid: int) -> int:
    """Bytes of resident memory of a process and all its descendants, where there is no ``/proc``."""
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        asked = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, timeout=10, check=True
        )
        rows = [tuple(map(int, line.split())) for line in asked.stdout.splitlines()]
        family = {pid}
        for _ in rows:  # a child may be listed before its parent
            more = {row[0] for row in rows if row[1] in family} - family
            if not more:
                break
            family |= more
        return sum(row[2] for row in rows if row[0] in family) * 1024
    return 0


def _in_sockets(pid: int) -> int:
    """Bytes that all sockets of its network namespace can hold, which is memory of no process."""
    counts = {
        line.split(":")[0]: line.split()[2] for line in _read(PROC / str(pid) / "net/sockstat").splitlines()
    }
    return int(counts.get("sockets", 0)) * SOCKET + int(counts.get("TCP", 0)) * TCP_SOCKET


def _family(pid: int) -> list[int]:
    """The process and its descendants."""
    members, waiting = [], [pid]
    while waiting:
        member = waiting.pop()
        members.append(member)
        for task in _names(PROC / str(member) / "task"):
            waiting += map(int, _read(PROC / str(member) / "task" / task / "children").split())
    return members


def _resident(pid: int) -> int:
    fields = _read(PROC / str(pid) / "statm").split()
    return int(fields[1]) * PAGE if len(fields) > 1 else 0


def _proportional(pid: int) -> int:
    """Each shared page counted by its share; where the kernel will not tell, the resident pages."""
    for line in _read(PROC / str(pid) / "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return _resident(pid)


def _names(folder: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return os.listdir(folder)
    return []


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text("ascii")
    return ""
