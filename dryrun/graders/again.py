"""Same input, same result? Some grades are made a second time, where nothing was graded before.

A grader that keeps something from one grade to the next (a counter, a list of what it has seen, a
patched function) or draws lots gives rewards that belong to the order of a run, not to its responses.
So the first few grades of a session and a falling share of the later ones are repeated in a process
forked from one that has only loaded the source. A different result is reported with the grade.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from dryrun.graders.jobs import Job
from dryrun.graders.process import Reply, WorkerError, WorkerFault, WorkerProcess, encoded
from dryrun.records import GRADED_AGAIN

FIRST = 8
"""Of a session's grades all of the first `FIRST` are repeated, then number n with the chance
``FIRST / (n + 1)``: 29 of 120, 48 of 1,200, 83 of 100,000, on average."""

MAX_STARTS = 4
"""So often a process is started for this in a session; then repeating stops."""

NEAR = 1e-12


def chosen(number: int) -> bool:
    """Whether grade `number`, counted from 0, is repeated. The same in every session."""
    digest = hashlib.blake2b(number.to_bytes(8, "big"), digest_size=8).digest()
    return int.from_bytes(digest, "big") * (number + 1) < FIRST << 64


class Repeater:
    """A thread with a worker of its own that repeats the grades it is handed, and then passes them on.

    Parameters
    ----------
    create : callable
        Gives a worker.
    begin : callable
        Makes it ready to run each job in a process of its own.
    timeout : float
        Seconds one grade may take.
    """

    def __init__(
        self, create: Callable[[], WorkerProcess], begin: Callable[[WorkerProcess], None], timeout: float
    ) -> None:
        self._create, self._begin, self._timeout = create, begin, timeout
        self._waiting: deque[tuple[Job, Reply]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._worker: WorkerProcess | None = None
        self._starts = 0
        self._thread: threading.Thread | None = None

    def take(self, job: Job, reply: Reply) -> None:
        """Repeat the job and settle it, with `reply` and what the repetition says of it."""
        with self._changed:
            if not self._closed:
                self._waiting.append((job, reply))
                self._changed.notify()
                self._thread = self._thread or self._started()
                return
        job.future.set_result(reply)

    @property
    def worker(self) -> WorkerProcess | None:
        """The worker, where there is one now."""
        return self._worker

    def close(self) -> None:
        """Settle what waits, unrepeated, and end the worker."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        while self._thread is not None and self._thread.is_alive():
            worker = self._worker
            if worker is not None:
                worker.interrupt()
            self._thread.join(0.1)

    def _started(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, name="dryrun-repeater", daemon=True)
        thread.start()
        return thread

    def _work(self) -> None:
        try:
            while (next_one := self._next()) is not None:
                job, reply = next_one
                job.future.set_result(self._compared(job, reply))
        finally:
            self._drop()

    def _next(self) -> tuple[Job, Reply] | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return self._waiting.popleft() if self._waiting else None

    def _compared(self, job: Job, reply: Reply) -> Reply:
        second = None if self._closed else self._repeated(job)
        return reply if second is None else replace(reply, unstable=difference(reply, second))

    def _repeated(self, job: Job) -> Reply | None:
        """The second result; None where the repetition itself failed, which says nothing of the grade."""
        try:
            worker = self._ready()
            if worker is None:
                return None
            deadline = monotonic() + self._timeout
            worker.send(encoded([job.payload()]), deadline)
            return worker.reply(job.tag, deadline)
        except WorkerError as error:
            self._drop()
            if error.fault is WorkerFault.NOT_LOADED:
                self._starts = MAX_STARTS
            return None

    def _ready(self) -> WorkerProcess | None:
        """The worker, started if need be; None after too many starts."""
        if self._worker is None and self._starts < MAX_STARTS:
            self._starts += 1
            self._worker = self._create()
            self._begin(self._worker)
        return self._worker

    def _drop(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None


def difference(first: Reply, second: Reply) -> str:
    """What two results for one input have different, as a sentence part; ``""`` if nothing."""
    a, b = _result(first), _result(second)
    if a == b:
        return ""
    if isinstance(a, float) and isinstance(b, float) and abs(a - b) <= NEAR * max(1.0, abs(a)):
        return ""
    return (
        f"graded {_shown(a)}, but {_shown(b)} {GRADED_AGAIN}: the grader keeps something from one grade "
        "to the next, or draws lots"
    )


def _result(reply: Reply) -> float | str:
    """What counts of a reply: the number, else which kind of failure. Texts of errors may carry addresses."""
    if reply.value is not None:
        return reply.value
    return "none" if reply.absent else "an error"


def _shown(result: float | str) -> str:
    return result if isinstance(result, str) else f"{result:.6g}"
