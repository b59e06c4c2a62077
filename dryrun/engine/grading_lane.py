"""The second lane of a run: responses come in as they are stored or generated, grades go to the ledger.

Generation waits for nobody: a response that finds the lane full waits on disk until no call would wait for
it. What others grade of the same is learned while it waits, so it is looked up when its turn comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set

from dryrun.core.errors import DryRunError
from dryrun.core.records import Grade, Prompt, Sample
from dryrun.engine.budget import Caps
from dryrun.engine.ledger import WITHHELD, Ledger
from dryrun.engine.plan import Ask, Plan
from dryrun.graders import Grader
from dryrun.graders.judge_access import JudgeAccess
from dryrun.graders.protocol import UNLOADED, GradeError, Pair
from dryrun.store.partition import Partition
from dryrun.store.texts import stream_samples

GRADING = 256
"""Samples that are graded at once: enough for judges, which have a lane of their own within."""
QUEUE = 256


def grading_workers(grader: Grader, judge: JudgeAccess | None = None) -> int:
    """The number of tasks that grade in a run, each with as many samples together as the grader takes."""
    workers = max(1, GRADING // grader.at_once)
    return workers if judge is None else min(workers, 2 * judge.config.concurrency)


class GradingLane:
    """Grades responses for one session of a run.

    Parameters
    ----------
    grader : Grader
        Open.
    plan : Plan
    samples : Partition
        Where responses are stored.
    ledger : Ledger
    caps : Caps
    judge : JudgeAccess, optional
        Where `grader` asks models.

    Attributes
    ----------
    graded : set of str
        Keys of grades that were stored when the session began.
    elsewhere : set of str
        Keys of grades that another process has stored since.
    put_off : set of str
        Keys of responses that wait on disk.
    on_grade : callable
        Called with every new grade and its response.
    """

    def __init__(
        self,
        grader: Grader,
        plan: Plan,
        samples: Partition,
        ledger: Ledger,
        caps: Caps,
        judge: JudgeAccess | None = None,
    ) -> None:
        self._grader, self._plan, self._samples = grader, plan, samples
        self._ledger, self._caps, self._judge = ledger, caps, judge
        self._queue: asyncio.Queue[Sample] = asyncio.Queue(QUEUE)
        self._borrowed: set[str] = set()
        self.graded: set[str] = set()
        self.elsewhere: set[str] = set()
        self.put_off: set[str] = set()
        self.on_grade: Callable[[Sample, Grade], None] = lambda _sample, _grade: None

    @property
    def workers(self) -> int:
        """The number of tasks that should `work`."""
        return grading_workers(self._grader, self._judge)

    async def work(self) -> None:
        """Grade what comes, for as long as the task lives."""
        while True:
            samples = [await self._queue.get()]
            while len(samples) < self._grader.at_once and not self._queue.empty():
                samples.append(self._queue.get_nowait())
            await self._grade(samples)
            for sample in samples:
                self._caps.back(0, self._plan.asks[sample.key].grades)
                self._queue.task_done()
            await asyncio.sleep(0)  # a grader that waits for nothing would keep everything else waiting

    def hand_over(self, sample: Sample) -> None:
        """Take a new response, or leave it on disk where the graders are behind."""
        if self._queue.full():
            self.put_off.add(sample.key)
        else:
            self._queue.put_nowait(sample)

    async def feed_stored(self, known: set[str]) -> None:
        """Grade stored responses that lack a grade."""
        asks = self._plan.asks
        await self._feed({key for key in known if self.ungraded(asks[key])} if self.graded else known)

    async def feed_put_off(self, answered_elsewhere: Set[str]) -> None:
        """Grade what was put off, now that no call waits for it; last where others come first."""
        await self._ledger.flush()
        waiting, self.put_off = self.put_off, set()
        await self._feed(waiting - answered_elsewhere, admitted=True)
        await self._feed(waiting & answered_elsewhere, admitted=True)

    async def feed_late(self) -> None:
        """Grade what stands of the responses that others had stored first, where they have not done so."""
        late = set(self._ledger.late)
        self._ledger.late.clear()
        await self._feed(late)

    async def empty(self) -> None:
        """Wait until all that was fed has been graded."""
        await self._queue.join()

    async def _feed(self, keys: set[str], admitted: bool = False) -> None:
        parts = stream_samples(self._samples, keys)
        while (samples := await asyncio.to_thread(next, parts, None)) is not None:
            for sample in samples:
                grades = self._plan.asks[sample.key].grades
                if not (admitted or await self._caps.admit(0, grades)):
                    return
                await self._queue.put(sample)

    def ungraded(self, ask: Ask) -> list[tuple[str, Prompt, int]]:
        """The grades that a response still lacks: key, prompt, and the number of waiting rollouts."""
        named = [(self._plan.grade_key(ask.key, prompt), prompt, rows) for prompt, rows in ask.prompts]
        return [pending for pending in named if pending[0] not in self.graded]

    async def _grade(self, samples: list[Sample]) -> None:
        pairs: list[Pair] = []
        waiting: list[tuple[str, int]] = []
        for sample in samples:
            if self._judge is not None and self._caps.met():
                break
            if sample.key in self._ledger.late:
                continue
            for key, prompt, rows in self.ungraded(self._plan.asks[sample.key]):
                if key in self.elsewhere:
                    self._ledger.count(graded=0 if key in self._borrowed else rows)
                    self._borrowed.add(key)
                elif sample.gradable:
                    pairs.append((sample, prompt.item))
                    waiting.append((key, rows))
                else:
                    self._ledger.add_withheld(key, rows)
                    self.on_grade(sample, WITHHELD)

        unloaded: list[str] = []

        def take(place: int, grade: Grade) -> None:
            if why := _not_loaded(grade):  # no result: it may load another time, with what it imports
                unloaded.append(why)
                return
            key, rows = waiting[place]
            if pairs[place][0].key not in self._ledger.late:
                self._ledger.add_grade(key, grade, rows)
                self.on_grade(pairs[place][0], grade)

        await self._grader.grade_each(pairs, take)
        if unloaded:
            raise DryRunError(
                f"The grader cannot be loaded: {unloaded[0].rstrip('.')}. Mend its source, or what it needs; "
                "the responses that came are kept."
            )


def _not_loaded(grade: Grade) -> str:
    """The error of a source that fails at a line of its own while it is loaded; else ``""``."""
    message = grade.errors.get(GradeError.PYTHON_RUNTIME.value, "")
    words = message.partition(UNLOADED)[2]
    return words if words.startswith("line ") else ""
