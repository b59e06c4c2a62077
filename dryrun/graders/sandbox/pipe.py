"""The event loop's end of a worker: jobs go down a pipe, replies come back, each grade within its time."""

from __future__ import annotations

import asyncio
import os
import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from dryrun.graders.format.template import Parts
from dryrun.graders.sandbox.frames import (
    NUMBER,
    NUMBER_SIZE,
    PLAIN,
    WorkerError,
    WorkerFault,
    WorkerReply,
    encoded,
    reply_of,
    reply_with,
    sendable,
    size_of,
)
from dryrun.graders.sandbox.process import WorkerProcess

MOST_AHEAD = 128
"""Jobs a worker may have at once."""

AHEAD_SECONDS = 0.02
"""Seconds of work that a worker gets ahead: enough to hide the pipe's latency, too little to be unfair."""

PATIENCE = 1 / 8
"""Share of a grade's time after which several jobs are not waited for any longer: one of them may never
end, and the others would wait with it. Each then goes alone, and has all of its time."""

LEAST_PATIENCE = 1.0
"""Seconds that are waited in any case: on a busy machine a reply can be late by itself."""

CHUNK = 1 << 16


def next_frame(jobs: Sequence[GradeJob]) -> tuple[bytes, Sequence[GradeJob]]:
    """A frame of jobs, and which are in it.

    A job that cannot be sent fails. One that holds other than plain values is sent as it comes back from
    JSON. Neither changes what the others are sent.
    """
    try:
        return encoded([(job.tag, job.sample, job.item) for job in jobs]), jobs
    except ValueError:
        sent, bodies = [], []
    for job in jobs:
        try:
            bodies.append((job.tag, job.sample, sendable(job.item)))
            sent.append(job)
        except (ValueError, TypeError, RecursionError) as error:
            job.settle(WorkerError(WorkerFault.DIED, f"the row cannot be sent: {error}"))
    return encoded(bodies), sent


class Line:
    """What one worker has to do, and how far it is.

    Parameters
    ----------
    worker : WorkerProcess
        Begun.
    timeout : float
        Seconds one grade may take.
    settle : callable
        Takes each job with its reply.
    singly : bool
        Whether the next job is sent only when the last has its reply: no grade can look at another's.
    """

    def __init__(
        self,
        worker: WorkerProcess,
        timeout: float,
        settle: Callable[[GradeJob, WorkerReply], None],
        singly: bool = False,
    ) -> None:
        self._singly = singly
        self._loop = asyncio.get_running_loop()
        self._timeout, self._settle = timeout, settle
        self._in, self._out, self._buffer = worker.in_fd, worker.out_fd, worker.unread()
        self._unsent, self._blocked = b"", False
        self._since = self._loop.time()
        self._pace = AHEAD_SECONDS / 4  # a guess before the first reply: four jobs ahead
        self._timer: asyncio.TimerHandle | None = None
        self.jobs: deque[GradeJob] = deque()
        self.ended: asyncio.Future[WorkerError | None] = self._loop.create_future()
        self._loop.add_reader(self._out, self._readable)

    @property
    def room(self) -> int:
        """The number of jobs it should get now: slow graders one at a time, quick ones many at once."""
        has = len(self.jobs)
        if self.ended.done() or (has and (self._singly or self.jobs[-1].alone)):
            return 0
        if self._singly:
            return 1
        ahead = min(MOST_AHEAD, max(1, int(AHEAD_SECONDS / self._pace)))
        return min(ahead - has, max(1, ahead // 2)) if has <= ahead // 2 else 0

    def give(self, jobs: Sequence[GradeJob]) -> None:
        """Send jobs."""
        frame, jobs = next_frame(jobs)
        if not jobs:
            return
        if not self.jobs:
            self._since = self._loop.time()
        self.jobs.extend(jobs)
        self._unsent += frame
        self._send()
        if self._timer is None:
            self._timer = self._loop.call_later(self._patience(2), self._check_time)

    def end(self, error: WorkerError | None) -> None:
        """Nothing more goes down or comes back; `jobs` holds what has no reply."""
        if self.ended.done():
            return
        self._loop.remove_reader(self._out)
        self._loop.remove_writer(self._in)
        if self._timer is not None:
            self._timer.cancel()
        self.ended.set_result(error)

    def _send(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self._in, self._unsent[:CHUNK]) :]
        except BlockingIOError:
            self._loop.add_writer(self._in, self._send)
            self._blocked = True
        except OSError:
            self.end(WorkerError(WorkerFault.DIED, ""))
        else:
            if self._blocked:
                self._loop.remove_writer(self._in)
                self._blocked = False

    def _readable(self) -> None:
        try:
            chunk = os.read(self._out, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.end(WorkerError(WorkerFault.DIED, ""))
            return
        self._buffer += chunk
        try:
            self._take_frames()
        except WorkerError as error:
            self.end(error)

    def _take_frames(self) -> None:
        """Every reply that has arrived whole, and its job."""
        done: list[tuple[GradeJob, WorkerReply]] = []
        try:
            recycle = self._read_frames(done)
        finally:  # replies before a forged one count
            self._settle_all(done)
        if recycle:
            self.end(None)

    def _read_frames(self, done: list[tuple[GradeJob, WorkerReply]]) -> bool:
        """Add to `done` what has arrived; whether the worker has to be replaced after it."""
        buffer, jobs, begin = self._buffer, self.jobs, 0
        whole = min(len(jobs), len(buffer) // NUMBER.size) * NUMBER.size
        for size, kind, tag, reward in NUMBER.iter_unpack(buffer[:whole]):  # nearly all are but a number
            if size != NUMBER_SIZE or kind != PLAIN or tag != jobs[0].tag or not isfinite(reward):
                break
            begin += NUMBER.size
            done.append((jobs.popleft(), reply_with(reward)))
        while (frame := self._frame_at(begin)) is not None:
            reply, begin = frame
            done.append((jobs.popleft(), reply))
            if reply.recycle:
                return True
        self._buffer = buffer[begin:]
        return False

    def _settle_all(self, done: Sequence[tuple[GradeJob, WorkerReply]]) -> None:
        """Hand over replies, and note how long the worker takes for one."""
        if not done:
            return
        now = self._loop.time()
        seconds = (now - self._since) / len(done)
        self._since = now
        self._pace += 0.3 * (seconds - self._pace)  # a moving average: one slow grade changes little
        settle = self._settle
        for job, reply in done:
            job.seconds = seconds
            settle(job, reply)

    def _frame_at(self, begin: int) -> tuple[WorkerReply, int] | None:
        """The reply that stands there, and where it ends; None where it has not arrived whole."""
        stop = begin + 4 + size_of(self._buffer[begin : begin + 4])
        if len(self._buffer) < stop:
            return None
        if not self.jobs:
            raise WorkerError(WorkerFault.FORGED, "the sandbox sent a reply that nobody asked for")
        return reply_of(self._buffer[begin + 4 : stop], self.jobs[0].tag), stop

    def _check_time(self) -> None:
        """End it when the first job is over its time; else look again when it could be."""
        self._timer = None
        waited = self._loop.time() - self._since
        if self.jobs and waited >= self._patience(len(self.jobs)):
            self.end(WorkerError(WorkerFault.TIMEOUT, "no answer in time"))
        elif self.jobs:
            soonest = self._patience(2) - waited  # more jobs may come
            left = soonest if soonest > 0 else self._patience(1) - waited
            self._timer = self._loop.call_later(left, self._check_time)

    def _patience(self, jobs: int) -> float:
        """Seconds without a reply after which `jobs` jobs are given up."""
        return (
            self._timeout if jobs == 1 else min(self._timeout, max(LEAST_PATIENCE, PATIENCE * self._timeout))
        )


class Keeper:
    """Keeps a worker and the line to it, for a task of its own.

    Attributes
    ----------
    task : Task or None
    worker : WorkerProcess or None
        None before it has come up, and after its end.
    line : Line or None
        None while nothing can be sent.
    """

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.worker: WorkerProcess | None = None
        self.line: Line | None = None

    async def stop(self) -> None:
        """End the worker again and again until the task is done."""
        while self.task is not None and not self.task.done():
            if self.line is not None:
                self.line.end(None)
            if self.worker is not None:
                self.worker.interrupt()
            await asyncio.wait([self.task], timeout=0.1)

    async def drop(self) -> None:
        """End the worker, and wait until its process is gone."""
        if self.line is not None:  # else the loop keeps its pipes and never hears of others by their numbers
            self.line.end(None)
        worker, self.worker, self.line = self.worker, None, None
        if worker is not None:
            await asyncio.to_thread(worker.kill)


def _tags() -> Iterator[int]:
    """Numbers of 64 bits that nobody can foresee, drawn a thousand at a time."""
    while True:
        yield from struct.unpack("1024Q", os.urandom(8192))


_new_tags = _tags()

Result = WorkerReply | WorkerError
"""The reply to a job, or the error where there is no reply."""

TakeResult = Callable[[int, Result, float], None]
"""Is handed a job's place in its order, its result, and the seconds it took."""


class Order:
    """Jobs that were handed in together, and who waits for them.

    Parameters
    ----------
    count : int
        Of its jobs.
    take : callable
        Gets each result, as soon as there is one, for as long as somebody waits.

    Attributes
    ----------
    done : Future
        Has a result when the last of them has one.
    """

    __slots__ = ("_left", "_take", "done")

    def __init__(self, count: int, take: TakeResult) -> None:
        self._left, self._take = count, take
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self, place: int, result: Result, seconds: float) -> None:
        """Note that one of the jobs has ended."""
        if self.done.done():
            return
        try:
            self._take(place, result, seconds)
        except Exception as error:  # raised by the waiting task's code: it gets it, the worker goes on
            self.done.set_exception(error)
            return
        self._left -= 1
        if not self._left:
            self.done.set_result(None)


@dataclass(slots=True)
class GradeJob:
    """One sample to grade.

    Attributes
    ----------
    number : int
        Its number in the session, from 0.
    order : Order
        Who waits for it.
    place : int
        Where it stands in there.
    tag : int
        What its reply must name: nothing that an earlier grade could know.
    attempts : int
        How often a worker broke down at it.
    alone : bool
        A worker broke down while it had this job among others: it goes to the next by itself, so
        that it is clear which one is to blame.
    seconds : float
        What the worker took for it; of quick ones that came back together, their average.
    """

    number: int
    sample: Parts
    item: Mapping[str, Any]
    order: Order
    place: int = 0
    tag: int = field(default_factory=_new_tags.__next__)
    attempts: int = 0
    alone: bool = False
    seconds: float = 0.0

    def settle(self, result: Result) -> None:
        """Hand over the result, where somebody still waits for it."""
        self.order.settle(self.place, result, self.seconds)
