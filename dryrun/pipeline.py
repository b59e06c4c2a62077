"""The run: prompts -> samples -> grades; concurrent, resumable, observable.

Two lanes work at once. Generation workers share one iterator of the rollouts that have no stored
response yet (never one task per rollout), and hand what comes back to grading workers through a
bounded queue. Where grading is the slower lane, a response that finds the queue full waits on disk
instead of holding up the next call. What was stored before is only read, and graded only if this
grader has not seen it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from dryrun.budget import Budget
from dryrun.config import ModelKind
from dryrun.errors import DryRunError, ModelError, StoreError
from dryrun.fingerprint import fingerprint
from dryrun.graders import Grader
from dryrun.models import Model
from dryrun.plan import Ask, make_plan
from dryrun.records import Attempt, Grade, GradeOutcome, Prompt, RunState, Sample
from dryrun.runs import Run, RunStatus
from dryrun.schemas import Row, attempt_row, grade_row, sample_row
from dryrun.store import Partition, stream_samples

FLUSH_SECONDS = 1.0
GRADING_WORKERS = 32
"""Enough for judges, which have a lane of their own within; other graders never wait that long."""
QUEUE = 256
GIVE_UP_AFTER = 20
"""So many failed calls in a row, none answered between them, stop a run: the endpoint is not there."""
RATE_WINDOW = 10.0
MANY_PARTS = 64
"""A partition with more parts is merged into one when a run ends."""

CARRIED = (
    "attempts",
    "answers",
    "prompt_tokens",
    "completion_tokens",
    "judged",
    "judge_prompt_tokens",
    "judge_completion_tokens",
)
"""Counters that go on from session to session of a run."""

OnStatus = Callable[[RunStatus], None]


class Ledger:
    """Counts what happens and writes it down: rows to parts, the status beside them.

    All methods are called on the event loop; only `_write` runs on other threads.
    """

    def __init__(
        self, run: Run, samples: Partition, grades: Partition, status: RunStatus, notify: OnStatus
    ) -> None:
        self._run, self._samples, self._grades = run, samples, grades
        self._attempts = run.attempts()
        self._attempt_rows: list[Row] = []
        self._sample_rows: list[Row] = []
        self._grade_rows: list[Row] = []
        self._notify = notify
        self._began, self._before = time.monotonic(), status.seconds
        self._recent: deque[float] = deque()
        self._writing = threading.Lock()
        self._closed = False
        self.status = status

    def count(self, **more: int) -> None:
        """Add to the status's counters."""
        self.status = replace(
            self.status, **{name: getattr(self.status, name) + n for name, n in more.items()}
        )

    def add_attempt(self, attempt: Attempt) -> None:
        """A call to the base model ended."""
        self._attempt_rows.append(attempt_row(attempt))
        self.count(
            attempts=1,
            prompt_tokens=attempt.prompt_tokens or 0,
            completion_tokens=attempt.completion_tokens or 0,
        )

    def add_sample(self, sample: Sample, rows: int) -> None:
        """A response came back that `rows` rollouts of the run were waiting for."""
        self._sample_rows.append(sample_row(sample))
        self._recent.append(time.monotonic())
        self.count(calls=1, answers=1, **({"sampled": rows} if sample.gradable else {"failed": rows}))

    def add_grade(self, key: str, grade: Grade, rows: int) -> None:
        """A grade came back that `rows` rollouts of the run were waiting for."""
        self._grade_rows.append(grade_row(key, grade))
        if grade.prompt_tokens is not None:
            self.count(
                judged=1,
                judge_prompt_tokens=grade.prompt_tokens,
                judge_completion_tokens=grade.completion_tokens or 0,
            )
        self.count(**{"ungraded" if grade.outcome is GradeOutcome.UNGRADED else "graded": rows})

    async def flush_often(self) -> None:
        """Flush every `FLUSH_SECONDS` for as long as the task lives."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what has come in; the rows are on disk when it returns."""
        taken = self._take()
        self._stamp()
        try:
            await asyncio.to_thread(self._write, taken, self.status)
        except StoreError:
            for rows, back in zip(self._rows(), taken, strict=True):
                rows[:0] = back
            raise

    def close(self, state: RunState, message: str) -> RunStatus:
        """The last flush, on this thread: executors may be gone when a process ends.

        If even that cannot be written the returned status says so; the disk keeps the last one.
        """
        self.status = replace(self.status, state=state, message=message, rate=0.0)
        self._stamp()
        try:
            self._write(self._take(), self.status, last=True)
        except StoreError as error:
            self.status = replace(self.status, state=RunState.STOPPED, message=str(error))
        self._notify(self.status)
        return self.status

    def _rows(self) -> tuple[list[Row], ...]:
        """What waits to be written, in the order of writing: a grade never before its sample."""
        return self._attempt_rows, self._sample_rows, self._grade_rows

    def _take(self) -> list[list[Row]]:
        taken = [list(rows) for rows in self._rows()]
        for rows in self._rows():
            rows.clear()
        return taken

    def _stamp(self) -> None:
        now = time.monotonic()
        while self._recent and now - self._recent[0] > RATE_WINDOW:
            self._recent.popleft()
        rate = len(self._recent) / min(RATE_WINDOW, max(now - self._began, 1.0))
        seconds = self._before + now - self._began
        live = self.status.live
        self.status = replace(self.status, seconds=seconds, rate=rate if live else 0.0, updated=time.time())

    def _write(self, taken: list[list[Row]], status: RunStatus, last: bool = False) -> None:
        with self._writing:  # a flush that was under way when the run was closed must not speak last
            for partition, rows in zip((self._attempts, self._samples, self._grades), taken, strict=True):
                partition.append(rows)
            if not self._closed:
                self._closed = last
                self._run.write_status(status)
                self._notify(status)


class Pipeline:
    """One session of a run: from what is stored to what was asked.

    Parameters
    ----------
    run : Run
        Held by the caller (`Run.hold`).
    model, grader : Model, Grader
        Open.
    notify : callable
        Called with a `RunStatus` at every flush, from any thread.
    budget : Budget, optional
        What the run may spend, over all its sessions.
    """

    def __init__(
        self, run: Run, model: Model, grader: Grader, notify: OnStatus, budget: Budget | None = None
    ) -> None:
        self._model, self._grader = model, grader
        self._budget = budget or Budget()
        self._judges = run.config().judge is not None
        self._in_flight = 0
        self._spent = ""
        config = run.config()
        identity = model.identity
        self._samples = run.store.samples(fingerprint(identity))
        self._plan = make_plan(run.prompts(), config, model)
        if config.model.kind is ModelKind.IMPORTED:  # not every prompt came with as many responses
            stored = self._samples.finished_keys(self._plan.table["sample_key"])
            self._plan = self._plan.restricted(stored)
        self._grades = run.store.grades(self._plan.grader)
        self._samples.describe(identity)
        self._grades.describe({"grader": config.grader})
        run.write_plan(self._plan.table, self._samples.folder.name, self._grades.folder.name)
        before = run.status()
        status = RunStatus(
            RunState.RUNNING,
            total=self._plan.table.num_rows,
            message="Generating and grading.",
            started=before.started or time.time(),
            seconds=before.seconds,
            **{name: getattr(before, name) for name in CARRIED},
        )
        self._run = run
        self._ledger = Ledger(run, self._samples, self._grades, status, notify)
        self._queue: asyncio.Queue[Sample] = asyncio.Queue(QUEUE)
        self._overflow: set[str] = set()
        self._in_a_row = 0
        model.on_attempt = self._ledger.add_attempt

    async def execute(self) -> RunStatus:
        """Do what is left to do.

        Returns
        -------
        RunStatus
            `FINISHED`; `STOPPED` with the reason if the model, the grader or the disk gave up.

        Raises
        ------
        asyncio.CancelledError
            After everything that was done has been written and the state is `CANCELLED`.
        """
        try:
            await self._work()
        except asyncio.CancelledError:
            self._ledger.close(RunState.CANCELLED, "Cancelled. Everything done so far is kept.")
            raise
        except BaseExceptionGroup as group:
            error = _first(group)
            if isinstance(error, DryRunError):
                return self._ledger.close(RunState.STOPPED, str(error))
            self._ledger.close(RunState.STOPPED, f"A fault in Dry Run itself: {error!r}. Resume goes on.")
            raise error from group
        await asyncio.to_thread(self._tidy)
        if self._spent:
            more = "The report covers what is done; resume with a higher budget to go on."
            return self._ledger.close(RunState.STOPPED, f"{self._spent} {more}")
        return self._ledger.close(RunState.FINISHED, self._closing_words())

    def _tidy(self) -> None:
        """Merge small parts: a slow model leaves one a second. Space for it is a wish, not a need."""
        for partition in (self._samples, self._grades, self._run.attempts()):
            if len(partition.parts()) > MANY_PARTS:
                with contextlib.suppress(StoreError):
                    partition.compact()

    async def _work(self) -> None:
        known = await asyncio.to_thread(self._samples.finished_keys, self._plan.table["sample_key"])
        graded = await asyncio.to_thread(self._grades.finished_keys, self._plan.table["grade_key"])
        self._count_stored(known, graded)
        todo = iter([ask for ask in self._plan.asks.values() if ask.key not in known])
        async with asyncio.TaskGroup() as group:
            flusher = group.create_task(self._ledger.flush_often())
            graders = [group.create_task(self._grade_queued(graded)) for _ in range(GRADING_WORKERS)]
            async with asyncio.TaskGroup() as feeding:
                feeding.create_task(self._feed_stored(known, graded))
                for _ in range(self._model.concurrency):
                    feeding.create_task(self._generate(todo))
            await self._feed_overflow()
            await self._queue.join()
            for task in (*graders, flusher):
                task.cancel()

    def _count_stored(self, known: set[str], graded: set[str]) -> None:
        asks = self._plan.asks
        samples = sum(asks[key].rows for key in known)
        grades = sum(
            count
            for ask in asks.values()
            for prompt, count in ask.prompts
            if self._plan.grade_key(ask.key, prompt) in graded
        )
        self._ledger.count(sampled=samples, reused=samples, graded=grades)

    async def _feed_stored(self, known: set[str], graded: set[str]) -> None:
        needed = {key for key in known if self._ungraded_prompts(self._plan.asks[key], graded)}
        parts = stream_samples(self._samples, needed)
        while (samples := await asyncio.to_thread(next, parts, None)) is not None:
            for sample in samples:
                await self._queue.put(sample)

    async def _feed_overflow(self) -> None:
        """Grade what found the queue full, now that no call waits for it."""
        await self._ledger.flush()
        parts = stream_samples(self._samples, self._overflow)
        while (samples := await asyncio.to_thread(next, parts, None)) is not None:
            for sample in samples:
                await self._queue.put(sample)

    async def _generate(self, todo: Iterator[Ask]) -> None:
        for ask in todo:
            if self._over_budget():
                return
            self._in_flight += 1
            try:
                sample = await self._model.generate(ask.prompts[0][0], ask.rollout)
            finally:
                self._in_flight -= 1
            self._ledger.add_sample(sample, ask.rows)
            if sample.gradable:
                self._in_a_row = 0
                self._hand_over(sample)
            else:
                self._note_failure(sample)

    def _over_budget(self) -> bool:
        self._spent = self._spent or self._budget.exhausted(self._ledger.status, self._in_flight)
        return bool(self._spent)

    def _hand_over(self, sample: Sample) -> None:
        """To the graders, or to the disk alone where they are behind: generation waits for nobody."""
        if self._queue.full():
            self._overflow.add(sample.key)
        else:
            self._queue.put_nowait(sample)

    def _note_failure(self, sample: Sample) -> None:
        self._in_a_row += 1
        if self._in_a_row >= GIVE_UP_AFTER:
            raise ModelError(
                f"The model failed {self._in_a_row} times in a row, the last time so: {sample.error} "
                "Everything done so far is kept; resume when the endpoint answers again."
            )

    def _ungraded_prompts(self, ask: Ask, graded: set[str]) -> list[tuple[Prompt, int]]:
        return [of for of in ask.prompts if self._plan.grade_key(ask.key, of[0]) not in graded]

    async def _grade_queued(self, graded: set[str]) -> None:
        while True:
            sample = await self._queue.get()
            if self._judges and self._over_budget():
                self._queue.task_done()
                continue
            for prompt, rows in self._ungraded_prompts(self._plan.asks[sample.key], graded):
                grade = await self._grader.grade(sample, prompt.item)
                self._ledger.add_grade(self._plan.grade_key(sample.key, prompt), grade, rows)
            self._queue.task_done()

    def _closing_words(self) -> str:
        status = self._ledger.status
        missing = status.total - status.sampled - status.failed
        if missing:  # a model that generates nothing
            return f"Graded what is stored; {missing:,} responses are missing and were not asked for."
        if not (status.failed or status.ungraded):
            return "Finished."
        return (
            f"Finished, but {status.failed:,} calls failed and {status.ungraded:,} samples have no grade. "
            "Resume tries just those again."
        )


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
