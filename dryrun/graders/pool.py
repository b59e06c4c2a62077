"""A few warm workers that grade with one Python source, usable from any thread and event loop.

Each worker process belongs to one thread for life: the kernel ends the process when that thread ends
(``--die-with-parent``), so nothing outlives even a killed parent. Jobs go out in batches, and answers
come back one by one, so that the pipe's latency is paid once a batch and the time limit holds for each.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from itertools import count
from time import monotonic
from typing import Any

from dryrun.graders.again import Repeater, chosen
from dryrun.graders.isolation import Limits, Mechanism, launch
from dryrun.graders.jobs import Job
from dryrun.graders.process import Reply, WorkerError, WorkerFault, WorkerProcess, encoded
from dryrun.graders.program import Program
from dryrun.graders.watch import Watch

MAX_BATCH = 32
"""Jobs sent to a worker at once."""

MAX_ATTEMPTS = 2
"""A job whose worker broke down is tried once more on a fresh one: the job before may be to blame."""

FINAL = (WorkerFault.TIMEOUT, WorkerFault.LIMIT)
"""What is certainly the job's own doing."""

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
        self, program: Program, mechanism: Mechanism, size: int, timeout: float, limits: Limits | None = None
    ) -> None:
        self._program = program
        self._mechanism = mechanism
        self._timeout = timeout
        self._limits = limits or Limits()
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._numbers = count()
        self._broken: WorkerError | None = None
        self._closed = False
        self._crews = [_Crew(self) for _ in range(size)]
        self._watch = Watch(self._workers, self._limits.memory)
        self._repeater = Repeater(self.new_worker, lambda worker: self.begin(worker, fork=True), timeout)

    def start(self) -> None:
        """Start the threads; each brings up its worker at once."""
        self._watch.start()
        for crew in self._crews:
            crew.thread.start()

    def submit(self, sample: Mapping[str, Any], item: Mapping[str, Any]) -> Future[Reply]:
        """Queue one grading.

        Returns
        -------
        Future of Reply
            Raises `WorkerError` for a timeout, or where the sandbox failed.
        """
        job = Job(next(self._numbers), sample, item)
        with self._changed:
            if self._closed:
                job.future.set_exception(WorkerError(WorkerFault.DIED, "the grader is closed"))
            else:
                self._jobs.append(job)
                self._changed.notify()
        return job.future

    def close(self) -> None:
        """End all workers; what is unfinished fails. Returns when every process is gone."""
        with self._changed:
            self._closed = True
            left = [job for job in self._jobs if job.begun()]
            self._jobs.clear()
            self._changed.notify_all()
        for job in left:
            job.future.set_exception(WorkerError(WorkerFault.DIED, "the grader was closed"))
        for crew in self._crews:
            crew.stop()
        self._repeater.close()
        self._watch.close()

    def _workers(self) -> list[WorkerProcess]:
        holders = [crew.worker for crew in self._crews] + [self._repeater.worker]
        return [worker for worker in holders if worker is not None]

    # What follows is for the crews.

    def new_worker(self) -> WorkerProcess:
        """A fresh worker, not yet begun."""
        return WorkerProcess(launch(self._mechanism, self._limits), self._limits)

    def begin(self, worker: WorkerProcess, fork: bool = False) -> None:
        """Load the program. `fork`: see `WorkerProcess.begin`."""
        worker.begin(self._program, self._timeout, fork)

    def settle(self, job: Job, reply: Reply) -> None:
        """Hand a reply to whoever waits for it; of some jobs after a second grading."""
        if chosen(job.number):
            self._repeater.take(job, reply)
        else:
            job.future.set_result(reply)

    def take(self) -> list[Job] | None:
        """The next batch, a fair share of what waits; None when the pool is closed."""
        with self._changed:
            while not self._jobs and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            share = -(-len(self._jobs) // len(self._crews))
            taken = [self._jobs.popleft() for _ in range(min(MAX_BATCH, share))]
        return [job for job in taken if job.begun()]

    def put_back(self, jobs: list[Job]) -> None:
        """Return jobs that were not begun, to the front of the queue."""
        with self._changed:
            if not self._closed:
                self._jobs.extendleft(reversed(jobs))
                self._changed.notify_all()
                return
        for job in jobs:
            job.future.set_exception(WorkerError(WorkerFault.DIED, "the grader was closed"))

    @property
    def closed(self) -> bool:
        """Whether no more jobs are taken."""
        return self._closed

    @property
    def timeout(self) -> float:
        """Seconds one grade may take."""
        return self._timeout

    @property
    def broken(self) -> WorkerError | None:
        """Why no worker will ever come up, once that is known."""
        return self._broken

    def give_up(self, error: WorkerError) -> None:
        """Remember that no worker will come up."""
        self._broken = error


class _Crew:
    """A thread and its worker process."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool
        self._worker: WorkerProcess | None = None
        self._failed_starts = 0
        self.thread = threading.Thread(target=self._work, name="dryrun-grader", daemon=True)

    @property
    def worker(self) -> WorkerProcess | None:
        """The worker, where there is one now."""
        return self._worker

    def stop(self) -> None:
        """Wake the thread wherever it waits, and wait for it."""
        while self.thread.is_alive():
            worker = self._worker
            if worker is not None:
                worker.interrupt()
            self.thread.join(0.1)

    def _work(self) -> None:
        try:
            self._ready()
            while (jobs := self._pool.take()) is not None:
                self._serve(jobs)
        finally:
            self._drop()

    def _ready(self) -> WorkerProcess | None:
        """The worker, started if need be; None when it does not come up."""
        if self._worker is None and self._pool.broken is None:
            try:
                self._worker = self._pool.new_worker()
                self._pool.begin(self._worker)
                self._failed_starts = 0
            except WorkerError as error:
                self._drop()
                self._note_failed_start(error)
        return self._worker

    def _note_failed_start(self, error: WorkerError) -> None:
        self._failed_starts += 1
        final = error.fault in (WorkerFault.NOT_LOADED, WorkerFault.TIMEOUT)
        if (final or self._failed_starts >= MAX_FAILED_STARTS) and not self._pool.closed:
            self._pool.give_up(error)

    def _drop(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def _serve(self, jobs: list[Job]) -> None:
        """Grade a batch, as far as the worker lasts; the rest goes back into the queue."""
        if not jobs:
            return
        worker = self._ready()
        if worker is None:
            self._refuse(jobs)
            return
        done = 0
        try:
            worker.send(encoded([job.payload() for job in jobs]), monotonic() + self._pool.timeout)
            for job in jobs:
                reply = worker.reply(job.tag, monotonic() + self._pool.timeout)
                done += 1
                self._pool.settle(job, reply)
                if reply.recycle:
                    break
            if reply.recycle or not worker.idle():  # what nobody asked for is forged
                self._drop()
        except WorkerError as error:
            self._drop()
            self._blame(jobs[done], error)
            done += 1
        except Exception as error:  # a job that cannot even be sent must not silence this crew
            self._drop()
            for job in jobs[done:]:
                job.future.set_exception(
                    WorkerError(WorkerFault.DIED, f"the sample cannot be sent: {error!r}")
                )
            return
        if jobs[done:]:
            self._pool.put_back(jobs[done:])

    def _blame(self, job: Job, error: WorkerError) -> None:
        """The worker broke down at this job: once may be another job's doing, twice is its own."""
        job.attempts += 1
        if error.fault in FINAL or job.attempts >= MAX_ATTEMPTS or self._pool.closed:
            job.future.set_exception(error)
        else:
            self._pool.put_back([job])

    def _refuse(self, jobs: list[Job]) -> None:
        """No worker: for good, or try again."""
        broken = self._pool.broken
        if broken is None and not self._pool.closed:
            self._pool.put_back(jobs)
            return
        error = broken or WorkerError(WorkerFault.DIED, "the grader was closed")
        for job in jobs:
            job.future.set_exception(error)
