"""What a worker does with one shard: the session of an ordinary run, and then its counts.

What the session may spend, how many calls it may make and when it waits, it leases from the keeper.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

from dryrun.core.errors import DryRunError, StoreError
from dryrun.core.records import RunState
from dryrun.core.version import __version__
from dryrun.engine.budget import Budget
from dryrun.engine.campaign.keeper import Keys, News
from dryrun.engine.profile.count import count_run
from dryrun.engine.work import work_on
from dryrun.models.pace import Pace
from dryrun.store.opened import open_store
from dryrun.store.partition import Store
from dryrun.store.runs import Run, RunStatus
from dryrun.store.shared import registry

SENDS = 120.0
"""Seconds for which a shared store may take nothing."""
FETCH_PAUSES = (1.0, 3.0, 9.0)
"""Seconds after a shared store could not be reached."""
LOOKS = 60
"""How often, half a second apart, it is looked whether a run is free that a dead worker held."""


@dataclass(frozen=True, slots=True)
class ShardTask:
    """What is to be done. To do it twice asks nothing twice.

    Attributes
    ----------
    place : str
        The data directory of the profile: a path or an address that this worker can open.
    shard : str
        The shard's own data directory below it.
    run : str
        The id of the run in that.
    words : str
        What says that a response is right; ``""`` before it is known.
    guess : bool
        Whether it is guessed on this shard.
    version : str
        The version of the program that hands the task out.
    """

    place: str
    shard: str
    run: str
    words: str = ""
    guess: bool = False
    version: str = __version__

    def opened(self) -> Run:
        """The run, as this machine sees it.

        Raises
        ------
        DryRunError
            It is not there, or the worker has another version of Dry Run.
        """
        if self.version != __version__:
            raise DryRunError(
                f"The worker has Dry Run {__version__}, the command {self.version}: install one version"
            )
        store = Store(open_store(self.place).root / self.shard)
        _fetch(store.runs / self.run)
        try:
            return Run.open(store, self.run)
        except DryRunError as error:
            raise DryRunError(
                f"The worker does not see {store.runs / self.run}: put the data directory where all machines "
                "see it"
            ) from error


def _fetch(folder: Path) -> None:
    """Fetch a folder of a shared store. After a failure a copy would show for a while what it had before.

    Raises
    ------
    StoreError
        The store cannot be reached, again and again.
    """
    for pause in FETCH_PAUSES:
        with contextlib.suppress(StoreError):
            registry.pull(folder, fresh=True)
            return
        time.sleep(pause)
    registry.pull(folder, fresh=True)


@dataclass(frozen=True, slots=True)
class ShardEnd:
    """How it ended.

    Attributes
    ----------
    status : RunStatus
        Of the run.
    counted : bool
        Whether its counts are on disk.
    words : str
        What says that a response is right, with its limit; ``""`` where it was not counted.
    problem : str
        Why it gave up, and on which machine; ``""`` if it did not.
    """

    status: RunStatus
    counted: bool = False
    words: str = ""
    problem: str = ""


async def work_on_shard(task: ShardTask, line: KeeperLine, keys: Keys) -> ShardEnd:
    """Do what is left to do of a shard. What the user can put right is in the end's `problem`."""
    try:
        run = task.opened()
        await _free(run)
        end = await _worked(run, task, line, keys)
        await asyncio.to_thread(send_all, run)
        return end
    except DryRunError as error:
        problem = f"{str(error).rstrip('.')} (on the worker {socket.gethostname()})."
        return ShardEnd(RunStatus(RunState.STOPPED), problem=problem)


def send_all(run: Run) -> None:
    """Wait until others see what was written of a run, where the data directory is a shared store.

    Raises
    ------
    DryRunError
        The store does not take it.
    """
    copy = registry.copy_of(run.folder)
    if copy is not None and (unsent := copy.drain(SENDS)).count:
        raise DryRunError(
            f"{unsent.count:,} files are not in {copy.address} yet ({unsent.why or 'no answer'})"
        )


async def _free(run: Run) -> None:
    """Wait for the lock of a worker that was just killed."""
    for _ in range(LOOKS):
        if not run.held():
            return
        await asyncio.sleep(0.5)


async def _worked(run: Run, task: ShardTask, line: KeeperLine, keys: Keys) -> ShardEnd:
    status = run.status()
    if status.state is not RunState.FINISHED or status.worth_resuming:
        status = await _session(run, line, keys)
        if status.state is not RunState.FINISHED:
            ended_well = status.capped or status.state is RunState.CANCELLED
            return ShardEnd(status) if ended_well else _gave_up(status)
    if not (task.words or task.guess):
        return ShardEnd(status)
    _, words = await count_run(run, task.words or None)
    return ShardEnd(run.status(), True, words)


async def _session(run: Run, line: KeeperLine, keys: Keys) -> RunStatus:
    share = Leased(run, line)
    try:
        async with share:
            return await work_on(
                run,
                api_key=keys.model,
                judge_key=keys.judge,
                notify=share.notify,
                budget=share.budget,
                batch=None,
                share=share,
                check=False,
            )
    except asyncio.CancelledError:
        if not share.stopped:
            raise
        return replace(run.status(), state=RunState.CANCELLED)


def _gave_up(status: RunStatus) -> ShardEnd:
    words = status.message.rstrip(".")
    return ShardEnd(status, problem=f"{words} (on the worker {socket.gethostname()}).")


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
