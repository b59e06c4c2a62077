"""Hands out the shards of a profile, several at once, and takes in their counts as they are done."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from dryrun.analysis.training.profile import PromptCounts
from dryrun.core.arrays import Ints
from dryrun.core.config import ModelConfig, ModelKind
from dryrun.core.errors import DryRunError
from dryrun.core.records import RunState
from dryrun.core.text import plural
from dryrun.engine.budget import Budget
from dryrun.engine.campaign.keeper import KINDS, Keys, Overview
from dryrun.engine.campaign.shard import ShardEnd, ShardTask, send_all
from dryrun.engine.profile.whole import Profiler
from dryrun.store.opened import store_name
from dryrun.store.runs import Run, RunStatus
from dryrun.store.shared import registry

LOOK = 0.5
"""Seconds between two looks at how far the workers are."""
SUMMED = ("total", "sampled", "graded", "failed", "ungraded", "reused", "calls", "rate")
PARTING = 20.0
"""Seconds that workers have to put their work away when they are told to stop."""


class Crew(Protocol):
    """Workers that shards are handed to, and the keeper between them."""

    slots: int
    """How many shards are worked on at once."""

    async def begin(self, budget: Budget, before: Mapping[str, RunStatus], keys: Keys) -> None:
        """Make the keeper: see `BudgetKeeper`."""

    def submit(self, task: ShardTask) -> Awaitable[ShardEnd]:
        """Have a worker do this. Raises `DryRunError` where worker after worker died."""

    async def expect(self, sessions: int) -> None:
        """Say how many shards will be worked on."""

    async def overview(self) -> Overview:
        """Where the campaign stands."""

    async def stop(self) -> None:
        """Have all workers stop, and put away what they have."""


@dataclass(slots=True)
class _Open:
    """A shard that a worker has."""

    shard: int
    run: Run
    total: int


@dataclass
class Campaign:
    """`dryrun.engine.profile.whole.Hands` that hand shards to a crew.

    Parameters
    ----------
    crew : Crew
    """

    crew: Crew
    _begun: bool = field(default=False, init=False)

    async def asked(
        self, profiler: Profiler, todo: Iterable[tuple[int, Ints]], responses: int
    ) -> AsyncGenerator[tuple[int, PromptCounts]]:
        """`Hands.asked`, by the crew; the first call sets it to work."""
        if not self._begun:
            work = profiler.work
            keys = Keys(work.get("api_key", ""), work.get("judge_key", ""))
            await self.crew.begin(profiler.budget, profiler.spent_by, keys)
            self._begun = True
        hands = _Round(self.crew, profiler, list(todo), responses)
        try:
            async with contextlib.aclosing(hands.results()) as results:
                async for shard, counts in results:
                    yield shard, counts
        finally:
            await hands.part()


class _Round:
    """One round of a campaign: every shard asked for up to `responses` responses to a row."""

    def __init__(self, crew: Crew, profiler: Profiler, todo: list[tuple[int, Ints]], responses: int) -> None:
        self._crew, self._profiler, self._todo, self._responses = crew, profiler, todo, responses
        self._held: _Open | None = None
        self._open: dict[asyncio.Future[ShardEnd], _Open] = {}
        self._uncounted: list[_Open] = []
        self._ready: list[tuple[int, PromptCounts]] = []
        self._done = self._handed_out = 0
        self._spent, self._expected = False, 0

    async def results(self) -> AsyncGenerator[tuple[int, PromptCounts]]:
        """Each shard's number and counts, as they come."""
        while True:
            await self._fill()
            while self._ready:
                self._done += 1
                yield self._ready.pop(0)
            if not self._open:
                return
            done, _ = await asyncio.wait(self._open, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
            await self._look()
            for future in done:
                self._take(self._open.pop(future), future.result())

    async def part(self) -> None:
        """Have the workers that are still at it stop, and wait for them."""
        if not self._open:
            return
        with contextlib.suppress(DryRunError):
            await self._crew.stop()
        ended, late = await asyncio.wait(self._open, timeout=PARTING)
        for future in late:
            future.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        for future in ended:
            if future.exception() is None:
                self._profiler.spent_by[self._open[future].run.id] = future.result().status

    async def _fill(self) -> None:
        while len(self._open) < self._crew.slots:
            task = await self._next()
            await self._expect(task)
            if task is None:
                return
            words = self._profiler.right_words()
            guess = words is None and (not self._handed_out or task in self._uncounted)
            if task in self._uncounted:
                self._uncounted.remove(task)
            self._handed_out += 1
            asked = self._crew.submit(self._task(task.run, words or "", guess))
            self._open[asyncio.ensure_future(asked)] = task

    def _task(self, run: Run, words: str, guess: bool) -> ShardTask:
        store = self._profiler.store
        shard = run.store.root.relative_to(store.root).as_posix()
        return ShardTask(store_name(store), shard, run.id, words, guess)

    async def _expect(self, next_one: _Open | None) -> None:
        """Announce the number of sessions at work, so that none gets more calls at once than it may keep."""
        left = len(self._open) + len(self._todo) + (self._held is not None) + (next_one is not None)
        expected = max(min(self._crew.slots, left), 1)
        if expected != self._expected:
            self._expected = expected
            await self._crew.expect(expected)

    async def _next(self) -> _Open | None:
        """What to hand out next; None where there is nothing now."""
        if self._uncounted and self._profiler.right_words() is not None:
            return self._uncounted[0]
        if self._held is None:
            self._held = await asyncio.to_thread(self._prepared)
        if self._held is not None and await self._room(self._held.total):
            task, self._held = self._held, None
            return task
        if self._open or not self._uncounted:
            return None
        return min(self._uncounted, key=lambda task: task.shard)

    def _prepared(self) -> _Open | None:
        """The next shard that is not done, its run on disk; what is done already is ready."""
        while self._todo:
            shard, rows = self._todo.pop(0)
            prepared = self._profiler.prepared(rows, self._responses)
            run = self._profiler.shards.run(shard, prepared)
            status = run.status()
            ended = status.state is RunState.FINISHED and not status.worth_resuming
            counts = self._profiler.counts_of(run) if ended else None
            if counts is None:
                send_all(run)
                return _Open(shard, run, 0 if ended else len(rows) * self._responses)
            self._ready.append((shard, counts))
        return None

    async def _room(self, responses: int) -> bool:
        """Whether the budget has room for another shard beside those at work; the first needs no room."""
        budget = self._profiler.budget
        if self._spent or not (budget.capped and responses):
            return not (self._spent and responses)
        seen = await self._crew.overview()
        caps: dict[str, float | None] = {kind: getattr(budget, kind) for kind in KINDS}
        left = {kind: cap - seen.spent[kind] for kind, cap in caps.items() if cap is not None}
        if not self._open:
            if min(left.values()) <= 0:
                self._spend("The budget is spent. A higher one goes on.")
            return not self._spent
        known = {run: status.sampled + status.failed for run, status in seen.live.items()}
        need = responses + sum(task.total - known.get(task.run.id, 0) for task in self._open.values())
        return all(room >= need * _of_one(kind, seen) for kind, room in left.items())

    async def _look(self) -> None:
        """See how far the workers are, and say it."""
        live = (await self._crew.overview()).live
        self._profiler.spent_by.update(live)
        words = (
            f"{plural(self._done, 'shard')} done, {len(self._open)} at work, {self._responses} responses each"
        )
        self._profiler.notify(_together(live.values(), words))

    def _take(self, task: _Open, end: ShardEnd) -> None:
        """A worker is done with a shard."""
        if end.problem:
            raise DryRunError(end.problem)
        self._profiler.spent_by[task.run.id] = end.status
        if end.status.capped:
            self._spend(end.status.message)
        elif end.status.state is not RunState.FINISHED:
            raise DryRunError(end.status.message)
        elif not end.counted:
            self._uncounted.append(task)
        else:
            self._profiler.know(end.words)
            self._ready.append((task.shard, self._counts(task.run)))

    def _spend(self, words: str) -> None:
        self._spent, self._profiler.message = True, words

    def _counts(self, run: Run) -> PromptCounts:
        registry.pull(run.folder, fresh=True)
        counts = self._profiler.counts_of(run)
        if counts is None:
            raise DryRunError(
                f"A worker has counted, but {run.folder} has no counts: put the data directory where "
                "all machines see it."
            )
        return counts


def need_an_endpoint(profiler: Profiler) -> None:
    """Refuse what several machines cannot do together.

    Raises
    ------
    DryRunError
        The model answers on one machine, or through batches.
    """
    model = profiler.options.get("model")
    if isinstance(model, ModelConfig) and model.kind is ModelKind.VLLM:
        raise DryRunError("--on with --vllm: Ray Data spreads vLLM over the cluster itself. Leave --on out.")
    if not isinstance(model, ModelConfig) or model.kind is not ModelKind.ENDPOINT:
        raise DryRunError("--on: the embedded model answers on one machine. Give --model and --base-url.")
    if profiler.work.get("batch") is not None:
        raise DryRunError("--on with --batch: batches wait at the endpoint, for which one machine is enough.")


def _of_one(kind: str, seen: Overview) -> float:
    """The cost of a response, by the responses so far."""
    if not seen.answers:
        return 1.0 if kind == "calls" else math.inf
    return max(seen.spent[kind] / seen.answers, 1.0 if kind == "calls" else 0.0)


def _together(live: Iterable[RunStatus], words: str) -> RunStatus:
    """The sessions at work as one."""
    each = list(live)
    sums = {name: sum(getattr(status, name) for status in each) for name in SUMMED}
    return RunStatus(RunState.RUNNING, message=words, updated=time.time(), **sums)
