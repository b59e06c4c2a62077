"""Runs inside the sandbox: what a grade leaves behind is taken away before the next one.

Handed over compiled like `worker`, so the standard library is all there is. The grade itself ran in a process
of its own that has ended; only its files and the processes it started can be left.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from importlib import import_module
from time import monotonic, sleep

SCRATCH = ("/tmp", "/dev/shm")
MOST_KNOWN = 1_000
"""Files and folders made while loading that are watched for changes."""

END_SECONDS = 1.0
"""How long killed processes may take to be gone."""

TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)


class Leavings:
    """Removes what a grade leaves behind. What loading made belongs to the grader and stays.

    Parameters
    ----------
    private : bool
        Whether scratch space and process ids are this sandbox's alone.
    scratch : str
        Else the one folder that is, or ``""``.
    """

    def __init__(self, private: bool, scratch: str = "") -> None:
        # Never on the machine itself, whatever was asked for: what follows removes files and ends processes.
        self._private = private and os.uname().nodename == "sandbox"
        self._here = os.getcwd()
        self._processes = set(running()) if self._private else set()
        self._known: dict[str, set[str]] = {}
        self._files: dict[str, tuple[int, ...]] = {}
        for top in SCRATCH if self._private else filter(None, [scratch]):
            self._note(top)

    def clear(self, child: int) -> bool:
        """Remove what the grade in process `child` left behind; False when something stays."""
        if not self._private:
            return self._sweep()
        ended = youngest() == child or self._end()  # nothing was started after it
        return self._sweep() and ended

    def tidy(self) -> bool:
        """The same within the process of a grade, before it grades once more; False when files stay."""
        for timer in TIMERS:
            signal.setitimer(timer, 0.0)
        os.chdir(self._here)
        return self._sweep()

    def _end(self) -> bool:
        """Kill the processes that grades started; False where one does not end."""
        deadline = monotonic() + END_SECONDS
        while others := set(running()) - self._processes:
            for process in others:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            if monotonic() > deadline:
                return False
            sleep(0.001)
        return True

    def _note(self, top: str) -> None:
        """What is below a folder, but for what is mounted there to be read."""
        device = os.stat(top).st_dev
        for folder, inner, names in os.walk(top):
            inner[:] = [name for name in inner if os.lstat(f"{folder}/{name}").st_dev == device]
            if len(self._known) + len(self._files) > MOST_KNOWN:
                break
            self._known[folder] = set(os.listdir(folder))
            self._files.update({path: state(path) for path in (f"{folder}/{name}" for name in names)})

    def _sweep(self) -> bool:
        """Remove what is new; False where it cannot be, or something that loading left has changed."""
        for folder, known in self._known.items():
            try:
                for name in set(os.listdir(folder)) - known:
                    remove(f"{folder}/{name}")
                if set(os.listdir(folder)) != known:
                    return False
            except OSError:
                return False
        return all(state(path) == was for path, was in self._files.items())


def youngest() -> int:
    """The process id of this namespace that was given last, to a thread or a process."""
    with open("/proc/loadavg") as file:
        return int(file.read().rsplit(" ", 1)[-1])


def running() -> Iterator[int]:
    """Ids of the processes beside this one and the namespace's first."""
    ids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return (process for process in ids if process not in (1, os.getpid()))


def state(path: str) -> tuple[int, ...]:
    """What tells that a file was written or replaced; nothing where it is gone."""
    try:
        status = os.stat(path, follow_symlinks=False)
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


def remove(path: str) -> None:
    """Remove a file, a link or a folder with all that is in it, where that can be done."""
    if os.path.isdir(path) and not os.path.islink(path):
        rmtree = import_module("shutil").rmtree  # slow to import, and few grades leave a folder
        rmtree(path, ignore_errors=True)
        if os.path.lexists(path):
            with contextlib.suppress(OSError):
                os.chmod(path, 0o700)
            rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(path)
