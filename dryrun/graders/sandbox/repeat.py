"""Same input, same result? Some grades are made again, after an earlier grade of the same response.

A grader that keeps something from one grade to the next (a counter, a list of what it has seen, a
patched function) or draws lots gives rewards that belong to the order of a run, not to its responses.
So the first few grades of a session and a falling share of the later ones are made again in a process that
has loaded the source and graded the same response once. A different result is reported with the grade.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from dryrun.core.records import GRADED_AGAIN
from dryrun.graders.sandbox.frames import FINAL, WorkerError, WorkerFault, WorkerReply
from dryrun.graders.sandbox.pipe import GradeJob, Keeper, Line, Order, Result
from dryrun.graders.sandbox.process import WorkerProcess
from dryrun.graders.sandbox.program import Program

FIRST = 8
"""Of a session's grades all of the first `FIRST` are repeated, then number n with about the chance
``FIRST / (n + 1)``: some 29 of 120, 48 of 1,200, 83 of 100,000."""

MAX_LOST = 4
"""The number of processes that may break down at this in a session; then repeating stops."""

NEAR = 1e-12


def chosen() -> Iterator[int]:
    """Numbers of the grades that are repeated, counted from 0: nothing that a grader could foresee."""
    chance = random.SystemRandom()
    number = 0
    while True:
        yield number
        gap = chance.expovariate(1.0) * (number + 1) / FIRST
        number += max(1, round(gap)) if number + 1 >= FIRST else 1


class Repeater(Keeper):
    """A worker of its own that repeats the grades it is handed, and then passes them on.

    Parameters
    ----------
    create : callable
        Gives a worker, not yet begun.
    timeout : float
        Seconds one grade may take.
    """

    def __init__(self, create: Callable[[], WorkerProcess], timeout: float) -> None:
        super().__init__()
        self._create, self._timeout = create, timeout
        self._waiting: deque[tuple[GradeJob, WorkerReply]] = deque()
        self._lost = 0
        self._closed = False

    def take(self, job: GradeJob, reply: WorkerReply, program: Program) -> None:
        """Repeat the job and settle it, with `reply` and what the repetition shows."""
        if self._closed:
            job.settle(reply)
            return
        self._waiting.append((job, reply))
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self._work(program))

    async def close(self) -> None:
        """Settle what waits, unrepeated, and end the worker."""
        self._closed = True
        await self.stop()
        await self.drop()

    async def _work(self, program: Program) -> None:
        while self._waiting:
            job, reply = self._waiting.popleft()
            try:
                second = None if self._closed else await self._repeated(job, program)
                if second is not None:
                    reply = reply._replace(unstable=difference(reply, second))
            finally:  # a fault in Dry Run must not leave a task waiting for ever
                job.settle(reply)

    async def _repeated(self, job: GradeJob, program: Program) -> WorkerReply | None:
        """The second result; None where there is no process to repeat in, or the session ends.

        A process that breaks down at it is a result too: there the same input did not earn the same. Else
        a grader could keep what it likes from one grade to the next, and end whatever checks on it.
        """
        used = self.line is not None
        line = await self._ready(program)
        if line is None or self.worker is None:
            return None
        reply = await _answered(line, job)
        self._lost += reply is None and not used
        fault = await self._fault(line) if reply is None else None
        if reply is None or line.ended.done():
            line.end(None)
            await self.drop()
        if reply is not None or fault in FINAL:  # a busy machine, or memory for two grades, says nothing
            return reply
        if used and not self._closed:  # the repetition before may have ended it
            return await self._repeated(job, program)
        return None if self._closed else WorkerReply(None, error="no result")

    async def _fault(self, line: Line) -> WorkerFault | None:
        """Why a line has ended; None where the session ends."""
        error = line.ended.result() if line.ended.done() else None
        if error is not None and error.fault is WorkerFault.DIED and self.worker is not None:
            error = await asyncio.to_thread(self.worker.died)
        return error.fault if error is not None else None

    async def _ready(self, program: Program) -> Line | None:
        """The line to a worker, started if need be; None after too many were lost."""
        if self.line is None and self._lost < MAX_LOST:
            try:
                self.worker = self._create()
                await asyncio.to_thread(self.worker.begin, program, self._timeout, again=True)
                self.line = Line(self.worker, 2 * self._timeout, GradeJob.settle)
            except WorkerError:
                self._lost += 1
                await self.drop()
        return self.line


async def _answered(line: Line, job: GradeJob) -> WorkerReply | None:
    """What comes of a job at the other end of a line; None where that ends first."""
    results: list[Result] = []
    order = Order(1, lambda _, result, __: results.append(result))
    line.give([GradeJob(job.number, job.sample, job.item, order)])
    both: list[asyncio.Future[Any]] = [order.done, line.ended]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    order.done.cancel()
    return next((result for result in results if isinstance(result, WorkerReply)), None)


def difference(first: WorkerReply, second: WorkerReply) -> str:
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


def _result(reply: WorkerReply) -> float | str:
    """What counts of a reply: the number, else which kind of failure. Texts of errors may carry addresses."""
    if reply.value is not None:
        return reply.value
    return "none" if reply.absent else "an error"


def _shown(result: float | str) -> str:
    return result if isinstance(result, str) else f"{result:.6g}"
