"""A few warm workers that grade with one Python source, for the tasks of one event loop.

Each worker process belongs to the loop's thread: the kernel ends it when that thread ends
(``--die-with-parent``), so nothing outlives even a killed parent. Jobs go down each worker's pipe a
little ahead, so that its latency is not paid for every grade; the time limit holds for each.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from dryrun.graders.format.template import Parts
from dryrun.graders.sandbox.frames import FINAL, WorkerError, WorkerFault, WorkerReply
from dryrun.graders.sandbox.isolation import Mechanism, WorkerLimits, worker_launch
from dryrun.graders.sandbox.memory import Watch
from dryrun.graders.sandbox.pipe import GradeJob, Keeper, Line, Order, TakeResult
from dryrun.graders.sandbox.process import WorkerProcess
from dryrun.graders.sandbox.program import Program
from dryrun.graders.sandbox.repeat import Repeater, chosen

MAX_ATTEMPTS = 2
"""A job whose worker broke down is tried once more on a fresh one: the job before may be to blame."""

MAX_FAILED_STARTS = 3
"""Starts in a row that may fail before the pool gives up."""


class WorkerPool:
    """Grades jobs with one program on `size` workers.

    Parameters
    ----------
    program : Program
    mechanism : Mechanism
    size : int
    timeout : float
        Seconds one grade, and loading the source, may take.
    limits : Limits
    """

    def __init__(
        self,
        program: Program,
        mechanism: Mechanism,
        size: int,
        timeout: float,
        limits: WorkerLimits | None = None,
    ) -> None:
        self._program = program
        self._mechanism = mechanism
        self._limits = limits or WorkerLimits()
        self._jobs: deque[GradeJob] = deque()
        self._numbers = count()
        self._waiting = asyncio.Event()
        self._pumping = False
        self._choice = chosen()
        self._repeated = next(self._choice)
        self.timeout = timeout
        self.singly = not program.plain
        self.broken: WorkerError | None = None
        self.closed = False
        self._loop = asyncio.get_running_loop()
        self._crews = [_Crew(self) for _ in range(size)]
        self._repeater = Repeater(self.new_worker, timeout)
        self._watch = Watch(self._workers, self._limits.memory, self._limits.scratch)

    def start(self) -> None:
        """Bring up the workers."""
        self._watch.start()
        for crew in self._crews:
            crew.start()

    async def run(self, work: Sequence[tuple[Parts, Mapping[str, Any]]], take: TakeResult) -> None:
        """Grade some samples with their items; `take` gets each result as it comes, in any order.

        A result is a `WorkerError` for a timeout, or where the sandbox failed.
        """
        if not work:
            return
        order = Order(len(work), take)
        jobs = [
            GradeJob(number, sample, item, order, place)
            for (place, (sample, item)), number in zip(enumerate(work), self._numbers, strict=False)
        ]
        if self.closed:
            _fail(jobs, WorkerError(WorkerFault.DIED, "the grader is closed"))
        else:
            self._jobs.extend(jobs)
            self._waiting.set()
            self._pump_soon()
        await order.done

    async def close(self) -> None:
        """End all workers; what is unfinished fails. Returns when every process is gone."""
        self.closed = True
        self._waiting.set()
        await asyncio.gather(*(crew.stop() for crew in self._crews), self._repeater.close())
        self._fail_all(WorkerError(WorkerFault.DIED, "the grader was closed"))
        await asyncio.to_thread(self._watch.close)

    # What follows is for the crews.

    def new_worker(self) -> WorkerProcess:
        """A fresh worker, not yet begun."""
        return WorkerProcess(worker_launch(self._mechanism, self._limits))

    async def begin(self, worker: WorkerProcess) -> None:
        """Load the program."""
        await asyncio.to_thread(worker.begin, self._program, self.timeout)

    def settle(self, job: GradeJob, reply: WorkerReply) -> None:
        """Hand a reply to the task that waits for it; some jobs are graded a second time first."""
        if self._jobs:
            self._pump_soon()
        if job.number >= self._repeated:
            self._repeated = next(self._choice)
            self._repeater.take(job, reply, self._program)
        else:
            job.settle(reply)

    def put_back(self, jobs: list[GradeJob]) -> None:
        """Return jobs that have no reply, to the front of the queue."""
        self._jobs.extendleft(reversed(jobs))
        if self._jobs:
            self._waiting.set()
            self._pump_soon()

    async def work(self) -> None:
        """Wait until there is some, or the pool is closed."""
        while not self._jobs and not self.closed:
            self._waiting.clear()
            await self._waiting.wait()

    def refuse(self, error: WorkerError) -> None:
        """No worker will ever come up."""
        self.broken = error
        self._fail_all(error)

    def _fail_all(self, error: WorkerError) -> None:
        jobs = list(self._jobs)
        self._jobs.clear()
        _fail(jobs, error)

    def _pump_soon(self) -> None:
        """Hand out jobs once the tasks that are ready now have submitted theirs."""
        if not self._pumping:
            self._pumping = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._pumping = False
        lines = [crew.line for crew in self._crews if crew.line is not None]
        while self._jobs and lines:
            line = min(lines, key=lambda line: len(line.jobs))
            # few jobs are spread over all idle workers rather than queued at one
            idle = sum(not line.jobs for line in lines)
            room = min(line.room, -(-len(self._jobs) // max(1, idle)))
            if room > 0 and (batch := self._batch(room, not line.jobs)):
                _give(line, batch)
            else:
                lines.remove(line)

    def _batch(self, most: int, idle: bool) -> list[GradeJob]:
        """The next jobs for one line; one that goes alone, to an idle line only."""
        if self._jobs[0].alone:
            return [self._jobs.popleft()] if idle else []
        batch: list[GradeJob] = []
        while self._jobs and len(batch) < most and not self._jobs[0].alone:
            batch.append(self._jobs.popleft())
        return batch

    def _workers(self) -> list[WorkerProcess]:
        holders = [crew.worker for crew in self._crews] + [self._repeater.worker]
        return [worker for worker in holders if worker is not None]


def _give(line: Line, batch: Sequence[GradeJob]) -> None:
    try:
        line.give(batch)
    except Exception as error:
        _fail(batch, _own_fault(error))
        raise


def _own_fault(error: Exception) -> WorkerError:
    """The result of jobs that a fault in Dry Run has ended: otherwise their tasks would wait for ever."""
    return WorkerError(WorkerFault.NOT_STARTED, f"a fault in Dry Run itself: {error!r}")


def _fail(jobs: Iterable[GradeJob], error: WorkerError) -> None:
    for job in jobs:
        job.settle(error)


class _Crew(Keeper):
    """A worker process, replaced when it is used up, and the line to it."""

    def __init__(self, pool: WorkerPool) -> None:
        super().__init__()
        self._pool = pool
        self._failed_starts = 0

    def start(self) -> None:
        """Bring up the worker, and keep one up while there is work."""
        self.task = asyncio.get_running_loop().create_task(self._keep_up())

    async def _keep_up(self) -> None:
        try:
            while not self._pool.closed:
                if self._pool.broken is not None:
                    self._pool.refuse(self._pool.broken)
                elif await self._come_up():
                    await self._serve()
                    await self.drop()
                if self._failed_starts == 0 or self._pool.broken is not None:
                    await self._pool.work()
        except Exception as error:
            self._pool.refuse(_own_fault(error))
            raise
        finally:
            await self.drop()

    async def _come_up(self) -> bool:
        """Start the worker; False when it does not come up this time."""
        try:
            self.worker = self._pool.new_worker()
            await self._pool.begin(self.worker)
        except WorkerError as error:
            await self.drop()
            self._failed_starts += 1
            final = error.fault in (WorkerFault.NOT_LOADED, WorkerFault.NEEDS_MORE, WorkerFault.TIMEOUT)
            if (final or self._failed_starts >= MAX_FAILED_STARTS) and not self._pool.closed:
                self._pool.refuse(error)
            return False
        self._failed_starts = 0
        return True

    async def _serve(self) -> None:
        """Grade as long as the worker lasts; what has no reply goes back into the queue."""
        assert self.worker is not None, "it has come up"
        self.line = Line(self.worker, self._pool.timeout, self._pool.settle, self._pool.singly)
        self._pool.put_back([])
        error = await self.line.ended
        left, self.line = list(self.line.jobs), None
        if error is not None and error.fault is WorkerFault.DIED:
            error = await asyncio.to_thread(self.worker.died)
        if error is not None and len(left) == 1:
            left = self._blame(left[0], error)
        for job in left:
            job.alone = error is not None  # one of them may have broken it: each goes by itself now
        self._pool.put_back(left)

    def _blame(self, job: GradeJob, error: WorkerError) -> list[GradeJob]:
        """The worker broke down at this job: once may be another job's doing, twice is its own."""
        job.attempts += 1
        if error.fault in FINAL or job.attempts >= MAX_ATTEMPTS or self._pool.closed:
            its_own = error.fault is WorkerFault.DIED and job.attempts >= MAX_ATTEMPTS
            job.settle(WorkerError(WorkerFault.ENDED, str(error)) if its_own else error)
            return []
        return [job]
