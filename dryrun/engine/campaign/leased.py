"""A session's side of the keeper: what it may spend, how many calls it may make at once, when it waits."""

from __future__ import annotations

import asyncio
from typing import Protocol, Self

from dryrun.engine.budget import Budget
from dryrun.engine.campaign.keeper import News
from dryrun.models.pace import Pace
from dryrun.store.runs import Run, RunStatus

REPORTS = 2.0
"""Seconds between two reports."""


class KeeperLine(Protocol):
    """The part of `BudgetKeeper` that sessions call, near or far."""

    async def open(self, run: str, status: RunStatus) -> tuple[Budget, News]:
        """As `BudgetKeeper.open`."""

    async def more(self, run: str, status: RunStatus) -> Budget | None:
        """As `BudgetKeeper.more`."""

    async def report(self, run: str, status: RunStatus) -> None:
        """As `BudgetKeeper.report`."""

    async def close(self, run: str, status: RunStatus) -> None:
        """As `BudgetKeeper.close`."""

    async def news(self, run: str, version: int) -> News:
        """As `BudgetKeeper.news`."""

    async def pause(self, seconds: float) -> None:
        """As `BudgetKeeper.pause`."""


class Leased:
    """A `SessionShare` that a keeper gives; work is done inside ``async with``.

    When the keeper says stop, the task that entered it is cancelled.

    Parameters
    ----------
    run : Run
    line : KeeperLine

    Attributes
    ----------
    budget : Budget
        What the session begins with.
    stopped : bool
        Whether the keeper said stop.
    """

    budget: Budget

    def __init__(self, run: Run, line: KeeperLine) -> None:
        self._run, self._line = run, line
        self._latest = run.status()
        self._pace: Pace | None = None
        self._width = 0
        self._asides: set[asyncio.Task[None]] = set()
        self.stopped = False

    async def __aenter__(self) -> Self:
        self._worker = asyncio.current_task()
        self.budget, self._news = await self._line.open(self._run.id, self._latest)
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._report())]
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._asides, return_exceptions=True)
        await self._line.close(self._run.id, self._run.status())

    def notify(self, status: RunStatus) -> None:
        """Where the run stands; from any thread."""
        self._latest = status

    def part(self, calls: int) -> int:
        """This session's part of a number of calls at once, 1 or more."""
        return max(calls // self._news.sessions, 1)

    def steer(self, pace: Pace) -> None:
        """Keep the calls to the endpoint within this session's part, and pass on a server's wish to wait."""
        self._pace, self._width = pace, pace.most
        pace.on_pause = self._pass_on
        self._heed()

    async def more(self, spent: RunStatus) -> Budget | None:
        """A larger budget for the session; None where all is spent."""
        return await self._line.more(self._run.id, spent)

    def _heed(self) -> None:
        if self._pace is not None:
            self._pace.narrow(self.part(self._width))
            if self._news.pause:
                self._pace.hold(self._news.pause)

    def _pass_on(self, seconds: float) -> None:
        task = asyncio.create_task(self._line.pause(seconds))
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    async def _listen(self) -> None:
        while not self.stopped:
            if self._news.stop:
                self.stopped = True
                if self._worker is not None:
                    self._worker.cancel()
            else:
                self._news = await self._line.news(self._run.id, self._news.version)
                self._heed()

    async def _report(self) -> None:
        reported = self._latest
        while True:
            await asyncio.sleep(REPORTS)
            if self._latest is not reported:
                reported = self._latest
                await self._line.report(self._run.id, reported)
