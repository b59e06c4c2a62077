"""What happens in a run, counted and written down: rows to immutable parts, the status beside them.

Of two processes at the same prompts neither repeats what the other has stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path

from dryrun.core.errors import StoreError
from dryrun.core.records import ABANDONED, Attempt, Grade, GradeOutcome, RunState, Sample
from dryrun.store.disk import lock
from dryrun.store.partition import HEAD, NO_RESULT, Partition, has_result
from dryrun.store.runs import Run, RunStatus
from dryrun.store.schemas import NO_ERRORS, Row, attempt_row, grade_row, sample_row

FLUSH_SECONDS = 1.0
RATE_WINDOW = 10.0
OK = 200
SHARED_SECONDS = 0.25
"""Between two flushes, and two looks at what others wrote, once somebody else writes too."""

WITHHELD = Grade(GradeOutcome.UNGRADED, None)
"""The grade of a response that a content filter withheld: no grader was asked, and none failed."""

OnStatus = Callable[[RunStatus], None]
GradesOf = Callable[[set[str]], Mapping[str, int]]
"""By key of a response: the keys of its grades, and the number of rollouts that wait for each."""


class NewParts:
    """Which parts of a partition have not been listed."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self._seen: set[str] = set()

    def listed(self) -> list[Path]:
        """The parts that are new since the last time, oldest first."""
        new = [path for path in self.partition.parts() if path.name not in self._seen]
        self._seen.update(path.name for path in new)
        return new


class Others:
    """Looks for what other processes add to a partition.

    Parameters
    ----------
    partition : Partition
        What is in it already is no news.
    """

    def __init__(self, partition: Partition) -> None:
        self._parts = NewParts(partition)
        self._parts.listed()

    def news(self, own: Set[str]) -> set[str]:
        """Keys with a result in the parts that came since the last look, less those named `own`.

        `own` is asked after the look, and holds a part's name before the part is there.
        """
        new = self._parts.listed()
        return {key for path in new if path.name not in own for key in self._finished(path)}

    def _finished(self, path: Path) -> list[str]:
        head = self._parts.partition.read_part(path, HEAD)
        if head is None:
            return []
        keys: list[str] = head.filter(has_result(head))["key"].to_pylist()
        return keys


class FirstCome:
    """Of two answers to the same request, the one on disk first counts: a later one is not written.

    Else what is shown could be one process's answer beside the grade of the other's.

    Parameters
    ----------
    samples : Partition
    """

    def __init__(self, samples: Partition) -> None:
        self._samples, self._others = samples, Others(samples)
        self._answered: set[str] = set()

    def append(self, rows: Sequence[Row], own: set[str]) -> set[str]:
        """Write what others have not answered; the keys that came too late. `own` gets the part's name.

        Raises
        ------
        StoreError
            As `Partition.append`.
        """
        if not rows:
            return set()
        with self._turn():
            self._answered |= self._others.news(own)
            late = {row["key"] for row in rows if row["outcome"] not in NO_RESULT} & self._answered
            self._samples.append([row for row in rows if row["key"] not in late], own)
            return late

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Look and write under a lock, so that nobody writes in between; where there is none, without."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                lock(stack.enter_context((self._samples.folder / "lock").open("a+b")), exclusive=True)
            yield


class Ledger:
    """Counts what happens and writes it down: rows to parts, the status beside them.

    All methods are called on the event loop; only `_write` runs on other threads.
    """

    def __init__(
        self,
        run: Run,
        samples: Partition,
        grades: Partition,
        status: RunStatus,
        notify: OnStatus,
        grades_of: GradesOf,
    ) -> None:
        self._run, self._samples, self._grades = run, FirstCome(samples), grades
        self._grades_of = grades_of
        self._attempts = run.attempts()
        self._attempt_rows: list[Row] = []
        self._sample_rows: list[Row] = []
        self._grade_rows: list[Row] = []
        self._notify = notify
        self._began, self._before = time.monotonic(), status.seconds
        self._recent: deque[float] = deque()
        self._flushing, self._writing = asyncio.Lock(), threading.Lock()
        self._closed = False
        self._status = status
        self._counted: Counter[str] = Counter()
        self.flush_seconds = FLUSH_SECONDS
        self.own: set[str] = set()
        """Names of the parts this session has written."""
        self.late: set[str] = set()
        """Responses that somebody else had stored first: theirs stand, and are to be graded."""
        self.faults: dict[int | None, tuple[int, str]] = {}
        """By status, the calls of this session that failed and the last one's words, which may hold an id."""
        self.unmeasured = 0
        """Answers of this session that came without a count of their tokens."""

    @property
    def status(self) -> RunStatus:
        """Where the run stands. Made when it is asked for: counting goes on thousands of times a second."""
        if self._counted:
            sums = {name: getattr(self._status, name) + n for name, n in self._counted.items()}
            self._status = replace(self._status, **sums)
            self._counted.clear()
        return self._status

    def count(self, **more: int) -> None:
        """Add to the status's counters."""
        for name, n in more.items():
            self._counted[name] += n

    def add_attempt(self, attempt: Attempt, judge: bool = False) -> None:
        """A call ended: to the base model, or to a judge or a model that embeds."""
        self._attempt_rows.append(attempt_row(attempt, judge))
        if attempt.outcome == ABANDONED:
            self.count(abandoned=1)
            return
        if attempt.error and not judge:
            self.faults[attempt.status] = self.faults.get(attempt.status, (0, ""))[0] + 1, attempt.error
        self.unmeasured += attempt.status == OK and attempt.prompt_tokens is None
        asked, answered = attempt.prompt_tokens or 0, attempt.completion_tokens or 0
        if judge:
            self.count(judged=1, judge_prompt_tokens=asked, judge_completion_tokens=answered)
        else:
            self.count(attempts=1, prompt_tokens=asked, completion_tokens=answered)
        if attempt.batch:
            self.count(batched=1, batch_prompt_tokens=asked, batch_completion_tokens=answered)

    def say(self, message: str) -> None:
        """Keep a message on what is going on for the next flush."""
        self._status = replace(self.status, message=message)

    def show_first(self, words: str) -> None:
        """Keep a message on the session's first response for the next flush."""
        self._status = replace(self.status, first=words)

    def add_sample(self, sample: Sample, rows: int) -> None:
        """Take in a response that `rows` rollouts of the run were waiting for."""
        self._sample_rows.append(sample_row(sample))
        self._recent.append(time.monotonic())
        self.count(calls=1, answers=1, **({"sampled": rows} if sample.returned else {"failed": rows}))
        self.count(refused=rows if sample.refused else 0)

    def add_grade(self, key: str, grade: Grade, rows: int) -> None:
        """Take in a grade that `rows` rollouts of the run were waiting for."""
        self._grade_rows.append(grade_row(key, grade))
        self.count(**{"ungraded" if grade.outcome is GradeOutcome.UNGRADED else "graded": rows})

    def add_withheld(self, key: str, rows: int) -> None:
        """A response needs no grade since a content filter withheld it: `rows` rollouts are done with."""
        self._grade_rows.append(grade_row(key, WITHHELD))
        self.count(graded=rows)

    async def flush_often(self) -> None:
        """Flush every `flush_seconds` for as long as the task lives."""
        while True:
            await asyncio.sleep(self.flush_seconds)
            await self.flush()

    async def flush(self) -> None:
        """Write what has come in; the rows are on disk when it returns."""
        async with self._flushing:  # a grade is taken only once its response is known to stand
            await self._flush()

    async def _flush(self) -> None:
        taken = self._take()
        self._stamp()
        try:
            late = await asyncio.to_thread(self._write, taken, self.status)
        except StoreError:
            for rows, back in zip(self._rows(), taken, strict=True):
                rows[:0] = back
            raise
        if late:
            self._forget(late, taken[-1])

    def close(self, state: RunState, message: str, capped: bool = False) -> RunStatus:
        """The last flush, on this thread: executors may be gone when a process ends.

        If even that cannot be written the returned status says so; the disk keeps the last one.
        """
        self._status = replace(self.status, state=state, message=message, rate=0.0, capped=capped)
        self._stamp()
        try:
            self._write(self._take(), self.status, last=True)
        except StoreError as error:
            self._status = replace(self.status, state=RunState.STOPPED, message=str(error))
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
        self._status = replace(self.status, seconds=seconds, rate=rate if live else 0.0, updated=time.time())

    def _write(self, taken: list[list[Row]], status: RunStatus, last: bool = False) -> set[str]:
        """Write it down; the responses that came too late, which were left out with their grades."""
        attempts, samples, grades = taken
        with self._writing:  # a flush that was under way when the run was closed must not speak last
            self._attempts.append(attempts, self.own)
            late = self._samples.append(samples, self.own)
            self.late |= late
            lost = self._grades_of(self.late)
            self._grades.append([row for row in grades if row["key"] not in lost], self.own)
            if not self._closed:
                self._closed = last
                self._run.write_status(status)
                self._notify(status)
        return late

    def _forget(self, late: set[str], written: list[Row]) -> None:
        """Take back the counts of grades whose responses do not stand."""
        lost = self._grades_of(late)
        for row in (*written, *self._grade_rows):
            if row["key"] in lost:
                bare = row["outcome"] == GradeOutcome.UNGRADED.value and row["errors"] != NO_ERRORS
                self.count(**{"ungraded" if bare else "graded": -lost[row["key"]]})
        self._grade_rows[:] = [row for row in self._grade_rows if row["key"] not in lost]
