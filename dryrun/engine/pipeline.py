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
from collections.abc import Awaitable, Iterator, Sequence
from functools import partial

import pyarrow as pa

from dryrun.core.config import ModelKind
from dryrun.core.errors import DryRunError, ModelError, StoreError
from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import Prompt, RunState, Sample, SampleOutcome
from dryrun.core.text import plural
from dryrun.engine.batches import BatchRun
from dryrun.engine.budget import Budget, Caps, SessionShare
from dryrun.engine.grading_lane import GradingLane
from dryrun.engine.ledger import SHARED_SECONDS, Ledger, OnStatus, Others
from dryrun.engine.plan import Ask, Turns, away_from_others, make_plan
from dryrun.engine.preflight import Preflight
from dryrun.graders import Grader
from dryrun.graders.judge_access import JudgeAccess
from dryrun.models import Model
from dryrun.models.faults import status_name
from dryrun.models.request import RequestSize
from dryrun.store.disk import check_room
from dryrun.store.partition import Partition
from dryrun.store.runs import Run, RunStatus
from dryrun.store.shared import registry

AGAIN = "resume when the endpoint answers again"
REFUSES = (
    "the endpoint refuses these requests and would refuse them again: change the rows or the model's settings"
)
"""What to do where every call fails."""
GIVE_UP_AFTER = 20
"""The number of failed calls in a row that stops a run, unless a prompt that was answered still is."""
BATCH_ROWS, BATCH_CHARACTERS = 1_000, 8_000_000
"""Rows and characters of a batch between two writes: they come in as fast as they are read."""
MANY_PARTS = 64
"""A partition with more parts is merged into one when a run ends."""
MORE = " The report covers what is done; a higher budget goes on."
EARLY = "Stopped early, as asked. The report covers what is done; Resume goes on."


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
    batches : BatchRun, optional
        The way through the endpoint's Batch API. Default: every response by a call of its own.
    judge : JudgeAccess, optional
        Where `grader` asks models, so that their calls are counted.
    preflight : bool
        Whether the first response is asked for alone.
    share : SessionShare, optional
        What the session may use of what it shares with others.
    """

    def __init__(
        self,
        run: Run,
        model: Model,
        grader: Grader,
        notify: OnStatus,
        budget: Budget | None = None,
        batches: BatchRun | None = None,
        judge: JudgeAccess | None = None,
        preflight: bool = False,
        share: SessionShare | None = None,
    ) -> None:
        self._batches = batches
        self._model = model
        self._budget = budget or Budget()
        self._judge = judge
        self._early = False
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
        status = run.status().another_session(self._plan.table.num_rows)
        self._run = run
        self._ledger = Ledger(run, self._samples, self._grades, status, notify, self._plan.grades_of)
        self._others, self._other_graders = Others(self._samples), Others(self._grades)
        self._answered_elsewhere: set[str] = set()
        self._in_a_row, self._asked_before = 0, status.attempts
        self._answered: Prompt | None = None
        model.on_attempt = self._ledger.add_attempt
        model.on_news = self._ledger.say
        if judge is not None:
            judge.on_attempt = partial(self._ledger.add_attempt, judge=True)
            judge.on_end = model.end
        calls = 0 if judge is None else judge.calls_per_grade
        more = None if share is None else share.more
        self._caps = Caps(self._budget, lambda: (self._ledger.status, self._ledger.unmeasured), calls, more)
        self._lane = GradingLane(grader, self._plan, self._samples, self._ledger, self._caps, judge)
        self._preflight = Preflight(preflight, self._ledger.show_first, self._budget.prices, judge is None)
        self._lane.on_grade = self._preflight.graded

    async def execute(self) -> RunStatus:
        """Do what is left to do.

        Returns
        -------
        RunStatus
            `FINISHED`; `CANCELLED` where it was asked to stop early; `STOPPED` with the reason if the
            model, the grader or the disk gave up.

        Raises
        ------
        asyncio.CancelledError
            After everything that was done has been written and the state is `CANCELLED`.
        """
        try:
            await self._work()
        except asyncio.CancelledError:
            self._ledger.close(RunState.CANCELLED, self._parting_words())
            raise
        except BaseExceptionGroup as group:
            error = _first(group)
            if isinstance(error, DryRunError):
                return self._ledger.close(RunState.STOPPED, str(error))
            self._ledger.close(RunState.STOPPED, f"A fault in Dry Run itself: {error!r}. Resume goes on.")
            raise error from group
        await asyncio.to_thread(self._tidy)
        if self._caps.spent:
            words = f"{self._caps.spent}{self._in_vain() or MORE}"
            return self._ledger.close(RunState.STOPPED, words, capped=True)
        if self._early:
            return self._ledger.close(RunState.CANCELLED, f"{EARLY}{self._in_vain()}")
        return self._ledger.close(RunState.FINISHED, self._closing_words())

    def _stopping(self) -> bool:
        """Whether somebody asked for an early end. Calls in flight are finished: to drop them would leave
        out the slow ones, and with them long responses."""
        self._early = self._early or self._run.stop_asked()
        return self._early

    def _tidy(self) -> None:
        """Merge small parts: a slow model leaves one a second. Space for it is a wish, not a need.

        Never in a shared store, where every machine would have to fetch the rows again.
        """
        if registry.copy_of(self._run.folder) is not None:
            return
        for partition in (self._samples, self._grades, self._run.attempts()):
            if len(partition.parts()) > MANY_PARTS:
                with contextlib.suppress(StoreError):
                    partition.compact()

    async def _work(self) -> None:
        known = await asyncio.to_thread(_sound_keys, self._samples, self._plan.table["sample_key"])
        graded = await asyncio.to_thread(_sound_keys, self._grades, self._plan.table["grade_key"])
        self._lane.graded = graded
        self._count_stored(known, graded)
        todo = [ask for ask in self._plan.asks.values() if ask.key not in known]
        if todo:
            check_room(self._run.folder)
        calls = away_from_others(self._run, todo) if self._batches is None else self._batches.claim(todo)
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self._preflight.close)
            group = await stack.enter_async_context(asyncio.TaskGroup())
            flusher = group.create_task(self._ledger.flush_often())
            watcher = group.create_task(self._watch_others())
            lane = self._lane
            graders = [group.create_task(self._to_the_last(lane.work())) for _ in range(lane.workers)]
            async with asyncio.TaskGroup() as feeding:
                feeding.create_task(lane.feed_stored(known))
                if self._batches is not None:
                    feeding.create_task(self._collect(self._batches))
                feeding.create_task(self._ask_for(calls))
            await lane.feed_put_off(self._answered_elsewhere)
            await lane.empty()
            await lane.feed_late()
            await lane.empty()
            for task in (*graders, flusher, watcher):
                task.cancel()

    async def _ask_for(self, calls: Sequence[Ask]) -> None:
        """Get these responses, the first alone where a preflight is wanted."""
        alone, rest = self._preflight.split(calls)
        if alone:
            await self._to_the_last(self._generate(iter(alone)))
            await self._preflight.settled()
        async with asyncio.TaskGroup() as asking:
            for share in self._shares(rest):
                asking.create_task(self._to_the_last(self._generate(share)))

    def _shares(self, calls: Sequence[Ask]) -> list[Iterator[Ask]]:
        """What each generation worker asks: all draw from the same supply."""
        workers = range(self._model.concurrency)
        if self._run.config().model.kind is ModelKind.EMBEDDED:
            turns = Turns(calls)
            return [turns.of_worker() for _ in workers]
        supply = iter(calls)
        return [supply for _ in workers]

    async def _to_the_last(self, work: Awaitable[None]) -> None:
        """Do this. A fault that ends the run first waits for the other calls in flight: they are paid for."""
        try:
            await work
        except DryRunError as error:
            callers: list[Model | JudgeAccess] = [self._model, *([self._judge] if self._judge else [])]
            self._ledger.say("A fault ends the run. Waiting a few seconds for the answers in flight.")
            for caller in callers:
                caller.end(error)
            await asyncio.gather(*(caller.last_answers() for caller in callers))
            raise

    def _count_stored(self, known: set[str], graded: set[str]) -> None:
        asks = self._plan.asks
        samples = sum(asks[key].rows for key in known)
        grades = sum(key in graded for key in self._plan.table["grade_key"].to_pylist()) if graded else 0
        self._ledger.count(sampled=samples, reused=samples, graded=grades)

    async def _generate(self, todo: Iterator[Ask]) -> None:
        for ask in todo:
            grades = ask.grades
            if ask.key in self._answered_elsewhere:
                if not await self._caps.admit(0, grades):
                    return
                self._ledger.count(sampled=ask.rows, reused=ask.rows)
                self._lane.put_off.add(ask.key)
                continue
            if self._stopping() or not await self._caps.admit(1, grades, self._elsewhere()):
                return
            if self._stopping():  # asked while this one waited for its turn
                self._caps.back(1, grades)
                return
            sample = await self._model.generate(ask.prompts[0][0], ask.rollout)
            self._ledger.add_sample(sample, ask.rows)
            self._caps.back(1, 0 if sample.returned else grades)
            self._preflight.take(sample, bool(self._lane.ungraded(ask)))
            if sample.returned:
                self._in_a_row, self._asked_before = 0, self._ledger.status.attempts
                self._answered = ask.prompts[0][0]
                self._lane.hand_over(sample)
            else:
                await self._note_failure(sample)

    async def _watch_others(self) -> None:
        """Learn what other processes answer and grade for the same prompts, for as long as the task lives."""
        while True:
            await asyncio.sleep(self._ledger.flush_seconds)
            own = self._ledger.own
            answered = await asyncio.to_thread(self._others.news, own)
            self._lane.elsewhere |= await asyncio.to_thread(self._other_graders.news, own)
            self._answered_elsewhere |= answered
            if not answered.isdisjoint(self._plan.asks):
                self._ledger.flush_seconds = SHARED_SECONDS
                self._ledger.say(
                    "Generating and grading, and sharing the calls with another run of the same."
                )

    async def _collect(self, batches: BatchRun) -> None:
        """Take in what comes through batches; what one gave is graded while others are waited for."""
        rows = characters = 0
        room = self._room if self._budget.capped else None
        async with asyncio.TaskGroup() as grading:

            async def keep() -> None:
                await self._ledger.flush()
                if self._lane.put_off:
                    grading.create_task(self._lane.feed_put_off(self._answered_elsewhere))

            async with contextlib.aclosing(batches.samples(self._ledger.say, keep, room)) as samples:
                async for sample in samples:
                    self._ledger.add_sample(sample, self._plan.asks[sample.key].rows)
                    if sample.returned:
                        self._lane.hand_over(sample)
                    rows, characters = rows + 1, characters + len(sample.text)
                    if rows >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
                        await keep()
                        rows = characters = 0
        if batches.left and not self._caps.met(self._elsewhere()):
            self._caps.spent = f"The budget has no room for {batches.left:,} more requests, at worst."

    def _room(self, under_way: Sequence[RequestSize], asked: Sequence[RequestSize]) -> int:
        return self._budget.room(self._ledger.status, under_way, asked)

    def _elsewhere(self) -> int:
        """Requests in batches."""
        return self._batches.under_way if self._batches is not None else 0

    async def _note_failure(self, sample: Sample) -> None:
        self._in_a_row += 1
        if self._in_a_row >= GIVE_UP_AFTER:
            failed, attempts = self._in_a_row, self._ledger.status.attempts
            self._in_a_row = 0
            if await self._still_answers():
                return
            none_again = attempts - self._asked_before <= failed
            again = "mend that at the server, then resume" if none_again else AGAIN
            again = REFUSES if sample.refused else again
            after = f"Everything done so far is kept; {again}." if self._done else f"{again.capitalize()}."
            raise ModelError(
                f"The model failed {failed} times in a row, the last time so: "
                f"{sample.error.rstrip('.')}. {after}"
            )

    async def _still_answers(self) -> bool:
        """Whether a prompt that was answered is answered once more: then others fail, however often."""
        if self._answered is None or not await self._caps.admit(1, 0, self._elsewhere()):
            return False
        sample = await self._model.generate(self._answered, 0)
        self._caps.back(1, 0)
        return sample.returned

    @property
    def _done(self) -> bool:
        """Whether there is anything to keep."""
        return self._ledger.status.sampled > 0

    def _parting_words(self) -> str:
        left = self._elsewhere()
        kept = "Cancelled. Everything done so far is kept." if self._done else "Cancelled before an answer."
        goes_on = f" {left:,} requests go on in a batch at the endpoint: resume collects them."
        return kept + (goes_on if left else self._in_vain())

    def _in_vain(self) -> str:
        """How calls failed most often and what to do, where none was answered; else an empty text."""
        faults = self._ledger.faults
        if self._done or not faults:
            return ""
        status, (_, words) = max(faults.items(), key=lambda fault: fault[1][0])
        refused = Sample("", 0, SampleOutcome.FAILED, status=status).refused
        answered = f"The endpoint answered {status_name(status)}: " if status else ""
        failed = f"{plural(sum(count for count, _ in faults.values()), 'call')} failed, most often so"
        again = REFUSES if refused else AGAIN
        return f" {failed}: {answered}{words.rstrip('.')}. {again[:1].upper()}{again[1:]}."

    def _closing_words(self) -> str:
        status = self._ledger.status
        missing = status.total - status.sampled - status.failed
        if missing:  # a model that generates nothing
            return f"Graded what is stored; {missing:,} responses are missing and were not asked for."
        if not (status.failed or status.ungraded):
            return "Finished."
        failed = f"{plural(status.failed, 'call')} failed"
        bare = f"{plural(status.ungraded, 'sample')} {'has' if status.ungraded == 1 else 'have'} no grade"
        lacking = ((status.failed, failed), (status.ungraded, bare))
        words = " and ".join(what for count, what in lacking if count)
        if status.refused == status.failed and not status.ungraded:
            return f"Finished, but {words}. The endpoint refuses these requests, and would refuse them again."
        return f"Finished, but {words}. The same command, or Resume, tries just those again."


def _sound_keys(partition: Partition, keys: pa.ChunkedArray) -> set[str]:
    """Which of `keys` have a result that can be read whole."""
    asked = keys.combine_chunks()
    with contextlib.suppress(OSError):  # what cannot be renamed is left out wherever it is met
        partition.set_aside_damaged(asked)
    return partition.finished_keys(asked)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
