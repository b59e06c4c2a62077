"""What a worker does with one shard: the session of an ordinary run, and then its counts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path

from dryrun.core.errors import DryRunError, StoreError
from dryrun.core.records import RunState
from dryrun.core.version import __version__
from dryrun.engine.campaign.keeper import Keys
from dryrun.engine.campaign.leased import KeeperLine, Leased
from dryrun.engine.profile.count import count_run
from dryrun.engine.work import work_on
from dryrun.store.partition import Store
from dryrun.store.runs import Run, RunStatus
from dryrun.store.shared import registry
from dryrun.store.shared.opened import open_store

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
            )
    except asyncio.CancelledError:
        if not share.stopped:
            raise
        return replace(run.status(), state=RunState.CANCELLED)


def _gave_up(status: RunStatus) -> ShardEnd:
    words = status.message.rstrip(".")
    return ShardEnd(status, problem=f"{words} (on the worker {socket.gethostname()}).")
