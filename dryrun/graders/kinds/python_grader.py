"""The grader of a Python source: its function, called in the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Self

from dryrun.core.errors import GraderError, Problem
from dryrun.core.paths import processors
from dryrun.core.records import Grade
from dryrun.core.text import one_line
from dryrun.graders.format.conventions import VOICES, Convention
from dryrun.graders.format.template import sample_parts
from dryrun.graders.protocol import (
    CANNOT_RUN,
    NO_SAMPLE,
    TOGETHER,
    UNLOADED,
    GradeError,
    Grader,
    Pair,
    Take,
    graded,
    graded_zero,
    ungraded,
)
from dryrun.graders.sandbox.frames import WorkerError, WorkerFault, WorkerReply
from dryrun.graders.sandbox.isolation import WorkerLimits
from dryrun.graders.sandbox.pipe import Result
from dryrun.graders.sandbox.pool import WorkerPool
from dryrun.graders.sandbox.program import Program
from dryrun.graders.sandbox.status import sandbox_status

MAX_WORKERS = 4


class PythonGrader(Grader):
    """Grades with a Python source on a pool of sandboxed workers.

    Parameters
    ----------
    program : Program or str
        A source alone is OpenAI's ``grade(sample, item)``.
    timeout : float
        Seconds one grade may take.
    workers : int, optional
        Default: one for each processor this process may use, at most `MAX_WORKERS`.
    limits : Limits, optional
    """

    def __init__(
        self,
        program: Program | str,
        timeout: float,
        workers: int | None = None,
        limits: WorkerLimits | None = None,
    ) -> None:
        self._program = program if isinstance(program, Program) else Program(program)
        entry = self._program.entry
        self._voice = VOICES[entry.convention if entry else Convention.OPENAI]
        self._timeout = timeout
        self._workers = workers or min(MAX_WORKERS, processors())
        self._limits = limits
        self._mechanism = ""
        self._pool: WorkerPool | None = None

    @property
    def at_once(self) -> int:
        """Many: most of what a short grade costs here is the way to a worker and back."""
        return TOGETHER

    async def grade_each(self, pairs: Sequence[Pair], take: Take) -> None:
        """Grade several samples on all workers at once.

        What the grader's code does wrong makes 0 with ``python_grader_runtime_error`` where that is its
        convention's rule, else no grade with the same error. A sandbox that fails, or has not what the code
        wants, makes no grade, with ``python_grader_server_error``. A reward that a convention allows to be
        missing makes no grade, with ``other_error``.
        """
        if self._pool is None:
            raise RuntimeError("open the grader with 'async with' before grading")
        places = [place for place, (sample, _) in enumerate(pairs) if sample.gradable]
        if len(places) < len(pairs):
            for place in set(range(len(pairs))) - set(places):
                take(place, NO_SAMPLE)
        work = [(sample_parts(pairs[place][0]), pairs[place][1]) for place in places]
        start = perf_counter()

        def settle(number: int, result: Result, seconds: float) -> None:
            if isinstance(result, WorkerError):
                grade = self._failed(result, perf_counter() - start)
            else:
                grade = self._grade_of(result, seconds)
            take(places[number], grade)

        await self._pool.run(work, settle)

    async def __aenter__(self) -> Self:
        """Start the workers.

        Raises
        ------
        GraderError
            Nothing can isolate the code here.
        """
        status = await asyncio.to_thread(sandbox_status)
        if status.mechanism is None:
            raise GraderError(CANNOT_RUN, [Problem("$.type", status.reason)])
        self._mechanism = status.mechanism
        self._pool = WorkerPool(self._program, status.mechanism, self._workers, self._timeout, self._limits)
        self._pool.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._pool is not None:
            await self._pool.close()

    def _failed(self, error: WorkerError, seconds: float) -> Grade:
        match error.fault:
            case WorkerFault.TIMEOUT:
                return self._wrong(f"grade did not return within {self._timeout:g} seconds", seconds)
            case WorkerFault.LIMIT | WorkerFault.ENDED:
                return self._wrong(str(error), seconds)
            case WorkerFault.NOT_LOADED:
                return self._wrong(f"{UNLOADED}{error}", seconds)
            case WorkerFault.NEEDS_MORE:
                return ungraded(GradeError.PYTHON_SERVER, self._needs(str(error)), seconds)
        return ungraded(GradeError.PYTHON_SERVER, f"{error.fault}: {error}", seconds)

    def _wrong(self, detail: str, seconds: float) -> Grade:
        """The code did something wrong: 0 or no grade, by its convention."""
        make = graded_zero if self._voice.zero_on_error else ungraded
        return make(GradeError.PYTHON_RUNTIME, detail, seconds)

    def _needs(self, what: str) -> str:
        """Why code that wants more than this sandbox has gets no grade."""
        return (
            f"the grader's code, or the response that it runs, {what}, which the sandbox on this machine "
            f"({self._mechanism}) does not allow: grade on Linux where bubblewrap starts"
        )

    def _grade_of(self, reply: WorkerReply, seconds: float) -> Grade:
        if reply.value is not None and not (reply.note or reply.unstable or reply.parts):
            return graded(reply.value, seconds)
        if reply.needs:
            return ungraded(GradeError.PYTHON_SERVER, self._needs(reply.needs), seconds)
        if reply.absent and self._voice.absent:
            grade = ungraded(GradeError.OTHER, f"{reply.absent}: {self._voice.absent}", seconds)
        elif reply.value is None:
            grade = self._wrong(reply.error or reply.absent, seconds)
        else:
            grade = graded(reply.value, seconds)
        messages = (reply.unstable, grade.errors.get(GradeError.OTHER.value), reply.note)
        other = "; ".join(filter(None, messages))
        errors = {**grade.errors, GradeError.OTHER.value: one_line(other)} if other else grade.errors
        return grade._replace(sub_rewards=dict(reply.parts), errors=errors)
