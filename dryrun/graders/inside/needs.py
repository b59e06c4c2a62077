"""Runs inside the sandbox: notices that user code tries what the stronger sandbox has and this one has not.

Such a grade says nothing about its response, also where the code swallows the refusal and pays 0.
Handed over compiled like `worker`, so the standard library is all there is.
"""

import contextlib
import os
import sys
from importlib import import_module
from typing import Any

PROCESSES = "starts processes"
FILES = "changes permissions, owners or times of files"
SHARED = "writes to /tmp or /dev/shm by that name, not to tempfile's folder"

EVENTS = {
    **dict.fromkeys(("os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"), PROCESSES),
    # macOS lets a worker change what is its own
    **dict.fromkeys(("os.chmod", "os.chown", "os.utime") if sys.platform == "linux" else (), FILES),
    **dict.fromkeys(("open", "os.mkdir", "os.rename", "os.remove", "sqlite3.connect"), SHARED),
}
"""Python's audit events."""

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
FOLDERS = ("/tmp/", "/dev/shm/")


def notice(scratch: str) -> list[str]:
    """Begin to notice, for the rest of this process; the list gets the first thing that is missing here.

    Parameters
    ----------
    scratch : str
        The folder that can be written to.
    """
    needs: list[str] = []

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        what = EVENTS.get(event)
        if what is None or needs or (what is SHARED and not _shared(event, arguments, scratch)):
            return
        needs.append(what)

    sys.addaudithook(hear)
    _hear_of_semaphores(needs)
    return needs


def unmet_need(needs: list[str], error: BaseException) -> dict[str, str]:
    """The frame for a source that needs what is missing here to load; empty for a fault of its own."""
    cause: BaseException | None = error
    while needs and cause is not None:
        if isinstance(cause, OSError):
            return {"needs": needs[0]}
        cause = cause.__cause__ or cause.__context__
    return {}


def _shared(event: str, arguments: tuple[Any, ...], scratch: str) -> bool:
    """Whether it changes a file in a folder that the stronger sandbox has for itself alone."""
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & WRITES):
        return False
    path = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes)) else ""
    return path.startswith(FOLDERS) and path != scratch and not path.startswith(scratch + "/")


def _hear_of_semaphores(needs: list[str]) -> None:
    """What multiprocessing makes before its first process, for which there is no event."""
    with contextlib.suppress(ImportError, AttributeError):
        module: Any = import_module("_multiprocessing")
        kept = module.SemLock

        def make(kind: Any, *arguments: Any) -> Any:
            needs.append(PROCESSES)
            return kept.__new__(kind, *arguments)

        module.SemLock = type("SemLock", (kept,), {"__new__": make})
