"""python: the user's own ``grade(sample, item)``, run in the sandbox."""

from __future__ import annotations

import asyncio
import os
from time import perf_counter
from types import TracebackType
from typing import Self

from dryrun.errors import GraderError, Problem
from dryrun.graders.isolation import Limits, Mechanism
from dryrun.graders.namespace import sample_fields
from dryrun.graders.outcome import NO_SAMPLE, GradeError, graded, graded_zero, ungraded
from dryrun.graders.pool import WorkerPool
from dryrun.graders.process import Reply, WorkerError, WorkerFault
from dryrun.graders.sandbox import sandbox_status
from dryrun.records import Grade, GradeOutcome, Item, Sample

MAX_WORKERS = 4


class PythonGrader:
    """Grades with a python source on a pool of sandboxed workers.

    Parameters
    ----------
    source : str
    timeout : float
        Seconds one grade may take.
    workers : int, optional
        Default: one for each processor this process may use, at most `MAX_WORKERS`.
    limits : Limits, optional
    """

    def __init__(
        self, source: str, timeout: float, workers: int | None = None, limits: Limits | None = None
    ) -> None:
        self._source = source
        self._timeout = timeout
        self._workers = workers or min(MAX_WORKERS, _processors())
        self._limits = limits
        self._pool: WorkerPool | None = None

    async def grade(self, sample: Sample, item: Item) -> Grade:
        """The grade of one sample.

        What the grader's code does wrong makes 0 with ``python_grader_runtime_error``; a sandbox
        that fails makes no grade, with ``python_grader_server_error``.
        """
        if self._pool is None:
            raise RuntimeError("open the grader with 'async with' before grading")
        if not sample.gradable:
            return NO_SAMPLE
        start = perf_counter()
        try:
            reply = await asyncio.wrap_future(self._pool.submit(sample_fields(sample), item))
        except WorkerError as error:
            return self._failed(error, perf_counter() - start)
        return _of_reply(reply, perf_counter() - start)

    async def __aenter__(self) -> Self:
        """Start the workers.

        Raises
        ------
        GraderError
            Nothing can isolate the code here.
        """
        status = await asyncio.to_thread(sandbox_status)
        mechanism = _required(status.mechanism, status.reason)
        self._pool = WorkerPool(self._source, mechanism, self._workers, self._timeout, self._limits)
        self._pool.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            await asyncio.to_thread(self._pool.close)

    def _failed(self, error: WorkerError, seconds: float) -> Grade:
        match error.fault:
            case WorkerFault.TIMEOUT:
                detail = f"grade did not return within {self._timeout:g} seconds"
                return graded_zero(GradeError.PYTHON_RUNTIME, detail, seconds)
            case WorkerFault.NOT_LOADED:
                return graded_zero(GradeError.PYTHON_RUNTIME, f"loading the source: {error}", seconds)
        return ungraded(GradeError.PYTHON_SERVER, f"{error.fault}: {error}", seconds)


def _of_reply(reply: Reply, seconds: float) -> Grade:
    if reply.value is None:
        return graded_zero(GradeError.PYTHON_RUNTIME, reply.error, seconds)
    if reply.note:
        errors = {GradeError.OTHER.value: reply.note}
        return Grade(GradeOutcome.GRADED, reply.value, errors=errors, seconds=seconds)
    return graded(reply.value, seconds)


def _required(mechanism: Mechanism | None, reason: str) -> Mechanism:
    if mechanism is None:
        raise GraderError("This grader cannot run here:", [Problem("$.type", reason)])
    return mechanism


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
