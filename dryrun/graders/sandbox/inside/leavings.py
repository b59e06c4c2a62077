"""Runs inside the sandbox: what a grade leaves behind, noticed and taken away before the next one.

Handed over as text like `worker`, so the standard library is all there is. User code shares this
process and may tamper with what is here; what it gains by that is found by grading again (`again`).
"""

import contextlib
import os
import shutil
import sys
from _thread import _count as python_threads
from importlib import import_module
from os import _exit, getpid, listdir, pread, stat
from time import monotonic, sleep
from typing import Any

kept, length, truth, wholes = set, len, bool, int
"""Bound here, as in `worker`: a grader that patches builtins does not change what is noticed."""

SIGNALS: Any = import_module("_signal")
"""Not ``signal`` itself: that this was imported tells that the grader may set timers."""

HARMLESS = frozenset(("compile", "exec", "marshal.loads", "sys._getframe", "time.sleep"))
"""Audited events after which nothing can be left behind: what the code does raises events of its own."""

UNAUDITED = ("_ctypes", "_cffi_backend", "_multiprocessing", "_posixshmem", "_posixsubprocess", "_sqlite3")
"""Modules that reach the system without an event for each step."""

SANDBOX = "sandbox"
"""The host name of a sandbox with namespaces of its own."""

SCRATCH = ("/tmp", "/dev/shm")
MOST_KNOWN = 1_000
"""Files and folders made while loading that are watched for changes."""

PR_SET_DUMPABLE = 4

END_SECONDS = 1.0
"""How long killed processes may take to be gone."""


class Leavings:
    """What is looked at after a grade.

    Parameters
    ----------
    private : bool
        Whether scratch space and process ids are this sandbox's alone.

    Attributes
    ----------
    events : Events
    """

    def __init__(self, private: bool) -> None:
        # Never on the machine itself, whatever was asked for: what follows removes files and ends processes.
        private = private and os.uname().nodename == "sandbox"
        self._me, self._here = getpid(), os.getcwd()
        self._litter, self._scratch = Litter(private), Scratch() if private else None
        self.events = Events()

    def after(self, last: bool) -> bool:
        """A grade has ended: True when this process should grade no more.

        Parameters
        ----------
        last : bool
            Of its batch: then all is looked at, whatever was heard.
        """
        events = self.events
        if events.timers:
            # no timer of one grade goes off in another: one that raised before its alarm(0) left it set
            for timer in (SIGNALS.ITIMER_REAL, SIGNALS.ITIMER_VIRTUAL, SIGNALS.ITIMER_PROF):
                SIGNALS.setitimer(timer, 0.0)
        if not (events.heard or last):
            return False
        if getpid() != self._me:
            _exit(0)  # a child that user code forked has no business with the protocol
        moved = not back_to(self._here)
        changed = self._scratch is not None and self._scratch.sweep()
        left = self._litter.left()
        events.looked()
        return moved or changed or left

    def clear(self) -> bool:
        """The same where each grade had a process of its own; False when this one is of no more use."""
        if self._scratch is None:
            return True
        ended = not self._litter.left() or self._litter.end()
        return not self._scratch.sweep() and ended

    def shield(self) -> None:
        """Where grades have processes of their own, none of them reads or writes the memory of this one."""
        if self._scratch is not None:
            with contextlib.suppress(ImportError, AttributeError, OSError):
                import_module("ctypes").CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def back_to(folder: str) -> bool:
    """Make it the working directory again; False where it is gone."""
    try:
        os.chdir(folder)
    except OSError:
        return False
    return True


class Events:
    """Whether a grade did anything that could leave something behind, by Python's audit events.

    Opening a file, starting a thread or a process, importing: all of it raises an event (PEP 578), and a
    look for what was left is due. Code that raises none, nearly all graders', saves looking after each
    grade; what compiled modules may do unheard is found at the end of each batch.

    Attributes
    ----------
    heard : bool
        Something was done. Before each grade set to `unheard`.
    unheard : bool
        Something can be done without an event.
    timers : bool
        Timers may be set, which raises no event.
    """

    def __init__(self) -> None:
        self.heard = self.unheard = self.timers = True
        sys.addaudithook(self._hear)

    def looked(self) -> None:
        """After a look; importing is an event, so this knows of every module."""
        modules = sys.modules
        self.unheard = truth([name for name in UNAUDITED if name in modules])
        self.timers = "signal" in modules

    def _hear(self, event: str, arguments: object) -> None:
        if event not in HARMLESS:
            self.heard = self.timers = True


class Litter:
    """Whether a grade left threads or processes running, told by one small read.

    The last field of ``/proc/loadavg`` is the youngest process id of this namespace; while it stands
    still nothing was started. Without a namespace of its own, only Python's threads are counted. What
    loading started is a part of the grader and stays.

    Parameters
    ----------
    private : bool
        Whether the process ids in ``/proc`` are those of this sandbox alone.
    """

    def __init__(self, private: bool) -> None:
        self._fd = os.open("/proc/loadavg", os.O_RDONLY) if private else -1
        self._seen = self._youngest()
        self._threads = self._running_threads()
        self._helpers = running() if private else kept()

    def left(self) -> bool:
        """True when something started since the last call is still running."""
        if self._fd < 0:
            return self._running_threads() > self._threads
        youngest = self._youngest()
        if youngest == self._seen:
            return False
        self._seen = youngest
        return truth(self._others()) or self._running_threads() > self._threads

    def end(self) -> bool:
        """Kill what grades started; False where some of it does not end."""
        deadline = monotonic() + END_SECONDS
        while others := self._others():
            for process in others:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, SIGNALS.SIGKILL)
            if monotonic() > deadline:
                return False
            sleep(0.001)
        return True

    def _others(self) -> set[int]:
        return running() - self._helpers

    def _youngest(self) -> bytes:
        return b"" if self._fd < 0 else pread(self._fd, 128, 0).rsplit(b" ", 1)[-1]

    def _running_threads(self) -> int:
        return python_threads() if self._fd < 0 else length(listdir("/proc/self/task"))


def running() -> set[int]:
    """Ids of the processes beside this one and the namespace's first."""
    return {wholes(name) for name in listdir("/proc") if name.isdigit()} - {1, getpid()}


class Scratch:
    """Takes away the files that a grade left, so that the next one does not find them.

    What was there when the source had been loaded stays; a grade that changes it is told.
    """

    def __init__(self) -> None:
        self._known = {folder: kept(listdir(folder)) for folder in SCRATCH}
        self._files: dict[str, tuple[int, ...]] = {}
        for top in SCRATCH:
            self._note(top)

    def _note(self, top: str) -> None:
        """What is below a folder, but for what is mounted there to be read."""
        device = stat(top).st_dev
        for folder, inner, names in os.walk(top):
            inner[:] = [name for name in inner if os.lstat(f"{folder}/{name}").st_dev == device]
            if length(self._known) + length(self._files) > MOST_KNOWN:
                break
            self._known[folder] = kept(listdir(folder))
            self._files.update({path: state(path) for path in (f"{folder}/{name}" for name in names)})

    def sweep(self) -> bool:
        """Remove what is new; True when something that loading left was changed or removed."""
        changed = False
        for folder, known in self._known.items():
            try:
                found = kept(listdir(folder))
            except OSError:
                changed = True
                continue
            for name in found - known:
                remove(f"{folder}/{name}")
            changed = changed or truth(known - found)
        return changed or truth([path for path, was in self._files.items() if state(path) != was])


def state(path: str) -> tuple[int, ...]:
    """What tells that a file was written or replaced; nothing where it is gone."""
    try:
        found = stat(path, follow_symlinks=False)
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def remove(path: str) -> None:
    """Remove a file, a link or a folder with all that is in it."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(path)
