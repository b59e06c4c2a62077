"""One worker process, seen from outside: started, fed, listened to with distrust, killed.

What comes back is data of unknown origin: frames are limited in size, must be JSON of exactly the
agreed shape and in the agreed order; anything else ends the process.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from time import monotonic
from typing import Any

from dryrun.graders.sandbox.frames import MAX_TEXT, WorkerError, WorkerFault, encoded, json_reply, size_of
from dryrun.graders.sandbox.isolation import Launch, import_paths
from dryrun.graders.sandbox.program import Program, code_of

STARTUP_SECONDS = 60.0
"""How long Python may take to come up in the sandbox, on a busy machine."""

TOOLS = ("leavings.py", "seal.py", "needs.py")
"""What a worker has beside `worker.py`; the last only where no job has a process of its own."""


class WorkerProcess:
    """A worker, started; `begin` makes it ready.

    Parameters
    ----------
    launch : Launch

    Attributes
    ----------
    pid : int
        Of the process that everything else in the sandbox descends from.
    in_fd : int
        Where jobs go; writing never waits.
    out_fd : int
        Where replies come from; reading never waits.
    forks : bool
        Whether each job can have a process of its own in there.
    private : bool
        Whether it has namespaces of its own.
    scratch : Path or None
        The folder on the disk that it can write to.

    Raises
    ------
    WorkerError
        `NOT_STARTED`.
    """

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._buffer = bytearray()
        self._ending = threading.Lock()
        self._over_limit = ""
        try:
            self._process = _started(launch)
        except OSError as error:
            if launch.scratch is not None:
                _remove(launch.scratch)
            raise WorkerError(WorkerFault.NOT_STARTED, f"cannot start {launch.command[0]}: {error}") from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.pid, self.forks, self.private = self._process.pid, launch.forks, launch.private
        self.scratch = launch.scratch
        self.in_fd, self.out_fd = self._process.stdin.fileno(), self._process.stdout.fileno()
        for stream in (self.in_fd, self.out_fd):
            os.set_blocking(stream, False)

    def begin(self, program: Program, load_timeout: float, again: bool = False) -> None:
        """Confine the process and load the grader.

        Parameters
        ----------
        program : Program
        load_timeout : float
            Seconds the source may take to load.
        again : bool
            Whether each job is graded as if for the second time, in a process of its own.

        Raises
        ------
        WorkerError
            `NOT_STARTED`, `NOT_LOADED`, `NEEDS_MORE`, or another fault while loading.
        """
        start = {
            "source": program.source,
            "adapter": program.adapter,
            "fork": self.forks,
            "shared": program.plain and not again,
            "again": again,
            "limits": self._launch.limits,
            "uid": self._launch.uid,
            "paths": import_paths(),
            "private": self.private,
            "worker": code_of("worker.py"),
            "tools": [code_of(name) for name in TOOLS[: 2 if self.forks else 3]],
            "scratch": str(self._launch.scratch or ""),
            "seal": self._launch.seal,
            "imports": program.imports(anew=self._launch.seal is not None),
        }
        deadline = monotonic() + STARTUP_SECONDS
        try:
            self.send(encoded(start), deadline)
            first = self._frame(deadline)
        except WorkerError as error:
            raise WorkerError(WorkerFault.NOT_STARTED, self._error_output() or str(error)) from None
        if first != {"ready": True}:
            raise WorkerError(WorkerFault.NOT_STARTED, str(first)[:MAX_TEXT])
        try:
            loaded = self._frame(monotonic() + load_timeout)
        except WorkerError as error:
            if error.fault is not WorkerFault.TIMEOUT:
                raise
            problem = f"it was not done after {load_timeout:g} seconds"
            raise WorkerError(WorkerFault.NOT_LOADED, problem) from None
        match loaded:
            case {"error": str(problem)} if len(loaded) == 1:
                raise WorkerError(WorkerFault.NOT_LOADED, problem[:MAX_TEXT])
            case {"needs": str(what)} if len(loaded) == 1:
                raise WorkerError(WorkerFault.NEEDS_MORE, what[:MAX_TEXT])
        if loaded != {"loaded": True}:
            problem = "the sandbox sent something that is not the result of loading"
            raise WorkerError(WorkerFault.FORGED, problem)

    def send(self, frame: bytes, deadline: float) -> None:
        """Write a frame.

        Raises
        ------
        WorkerError
            The worker does not read, or is gone.
        """
        view = memoryview(frame)
        while view:
            _wait(self.in_fd, select.POLLOUT, deadline)
            try:
                view = view[os.write(self.in_fd, view[: 1 << 16]) :]
            except BlockingIOError:
                continue
            except OSError:
                raise self.died() from None

    def unread(self) -> bytes:
        """What it said beyond the answer to `begin`."""
        return bytes(self._buffer)

    def end(self, reason: str) -> None:
        """End it because it went beyond a limit; the task that waits for it gets the reason."""
        self._over_limit = reason
        self.interrupt()

    def interrupt(self) -> None:
        """End the process and everything in its sandbox; a thread that waits for it comes back."""
        with self._ending:
            self._signal()

    def kill(self) -> int:
        """End the process, wait until it is gone, close the pipes; its exit code. Safe to call twice."""
        code = self._gone()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        if self._launch.scratch is not None:
            _remove(self._launch.scratch)
        return code

    def _gone(self) -> int:
        with self._ending:  # nobody signals the process group after its leader was reaped
            self._signal()
            return self._process.wait()

    def _signal(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)  # it leads a group of its own: see _started

    def _frame(self, deadline: float) -> Any:
        return json_reply(self._take(size_of(self._take(4, deadline)), deadline))

    def _take(self, size: int, deadline: float) -> bytes:
        while len(self._buffer) < size:
            _wait(self.out_fd, select.POLLIN, deadline)
            try:
                chunk = os.read(self.out_fd, 1 << 16)
            except BlockingIOError:
                continue
            except OSError:
                chunk = b""
            if not chunk:
                raise self.died()
            self._buffer += chunk
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def died(self) -> WorkerError:
        """How it ended; a process that only closed its pipe is ended. Waits a second at most."""
        try:
            code = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            code = self._gone()
        if self._over_limit:
            return WorkerError(WorkerFault.LIMIT, self._over_limit)
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return WorkerError(WorkerFault.DIED, f"the sandboxed process ended ({how})")

    def _error_output(self) -> str:
        """What the launcher wrote to its error output, on one line."""
        self._gone()
        assert self._process.stderr is not None
        os.set_blocking(self._process.stderr.fileno(), False)
        output = self._process.stderr.read(4096) or b""
        return " ".join(output.decode("utf-8", "replace").split())[:MAX_TEXT]


def _remove(scratch: Path) -> None:
    """Remove a folder with all that is in it, also folders that were made without any permission."""
    for folder, inner, _ in os.walk(scratch):
        for name in inner:
            if not os.path.islink(path := os.path.join(folder, name)):
                with contextlib.suppress(OSError):
                    os.chmod(path, 0o700)
    shutil.rmtree(scratch, ignore_errors=True)


def _started(launch: Launch) -> subprocess.Popen[bytes]:
    """The process; a filter goes through a pipe that only the launcher reads."""
    command = launch.command
    passed: tuple[int, ...] = ()
    with contextlib.ExitStack() as closing:
        if launch.filter is not None:
            reading, writing = os.pipe()
            closing.callback(os.close, reading)
            os.write(writing, launch.filter)
            os.close(writing)
            command = [command[0], "--seccomp", str(reading), *command[1:]]
            passed = (reading,)
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=launch.environment,
            cwd=launch.scratch,
            pass_fds=passed,
            start_new_session=True,  # Ctrl-C in the terminal is for the parent
        )


def _wait(stream: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(stream, event)
    if not poll.poll(max(0.0, deadline - monotonic()) * 1000):
        raise WorkerError(WorkerFault.TIMEOUT, "no answer in time")
