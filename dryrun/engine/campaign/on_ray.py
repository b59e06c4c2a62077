"""Shards as Ray tasks. Ray schedules them, and starts those again whose worker died.

Tasks get the place of a run and the keeper, no
prompt, no response and no key: workers read and write the data directory, and ask the keeper for the keys.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

from dryrun.core.errors import DryRunError
from dryrun.core.paths import PROCESSORS_SETTING
from dryrun.core.text import one_line
from dryrun.core.version import __version__
from dryrun.engine.budget import Budget
from dryrun.engine.campaign.keeper import BudgetKeeper, Keys, News, Overview
from dryrun.engine.campaign.shard import ShardEnd, ShardTask, work_on_shard
from dryrun.models.ray_data.model import imported_ray, join_cluster
from dryrun.store.runs import RunStatus

RETRIES = 5
"""How often a shard is begun again whose worker died."""
SESSIONS = 10_000
"""Calls to the keeper under way at once; most of them wait for news."""


class RayCrew:
    """Workers of a Ray cluster.

    Parameters
    ----------
    place : str
        As for `dryrun.models.ray_data.model.join_cluster`.
    slots : int, optional
        Shards worked on at once. Default: the processors that the cluster has now.

    Raises
    ------
    DryRunError
        Ray is not installed, or there is no cluster at that address.
    """

    def __init__(self, place: str, slots: int | None = None) -> None:
        self._ray = imported_ray()
        join_cluster(self._ray, place)
        self.slots = slots or max(int(self._ray.cluster_resources().get("CPU", 1)), 1)
        # A worker's own retries are Ray's; an exception would come again.
        self._work = self._ray.remote(num_cpus=1, max_retries=RETRIES)(work_in_worker)
        self._keeper: Any = None

    async def begin(self, budget: Budget, before: Mapping[str, RunStatus], keys: Keys) -> None:
        """Make the keeper, beside this process; the keys go to it alone."""
        keeper = self._ray.remote(num_cpus=0, max_concurrency=SESSIONS)(BudgetKeeper)
        # What an actor is made with may be written down by Ray; what its methods are given is not.
        self._keeper = keeper.remote(budget, dict(before))
        await self._reply(self._keeper.keep_keys.remote(keys))

    async def submit(self, task: ShardTask) -> ShardEnd:
        """Have a worker do this.

        Raises
        ------
        DryRunError
            Its worker died `RETRIES` + 1 times.
        """
        asked = self._work.remote(task, self._keeper)
        try:
            end: ShardEnd = await self._reply(asked)
        except asyncio.CancelledError:
            self._ray.cancel(asked, force=True)
            raise
        return end

    async def expect(self, sessions: int) -> None:
        """Say how many shards will be worked on."""
        await self._reply(self._keeper.expect.remote(sessions))

    async def overview(self) -> Overview:
        """Where the campaign stands."""
        seen: Overview = await self._reply(self._keeper.overview.remote())
        return seen

    async def stop(self) -> None:
        """Have all workers stop, and put away what they have."""
        await self._reply(self._keeper.stop.remote())

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        self._ray.shutdown()

    async def _reply(self, asked: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return await asked
        except errors.RayTaskError:
            raise
        except (errors.RayError, ConnectionError) as error:
            raise DryRunError(_words(str(error))) from error


class RayLine:
    """A `KeeperLine` to a keeper that is an actor.

    Parameters
    ----------
    keeper : actor handle
    """

    def __init__(self, keeper: Any) -> None:
        self._keeper = keeper

    async def open(self, run: str, status: RunStatus) -> tuple[Budget, News]:
        """As `BudgetKeeper.open`."""
        opened: tuple[Budget, News] = await self._keeper.open.remote(run, status)
        return opened

    async def more(self, run: str, status: RunStatus) -> Budget | None:
        """As `BudgetKeeper.more`."""
        larger: Budget | None = await self._keeper.more.remote(run, status)
        return larger

    async def report(self, run: str, status: RunStatus) -> None:
        """As `BudgetKeeper.report`."""
        await self._keeper.report.remote(run, status)

    async def close(self, run: str, status: RunStatus) -> None:
        """As `BudgetKeeper.close`."""
        await self._keeper.close.remote(run, status)

    async def news(self, run: str, version: int) -> News:
        """As `BudgetKeeper.news`."""
        news: News = await self._keeper.news.remote(run, version)
        return news

    async def pause(self, seconds: float) -> None:
        """As `BudgetKeeper.pause`."""
        await self._keeper.pause.remote(seconds)


def work_in_worker(task: ShardTask, keeper: Any) -> ShardEnd:
    """What a Ray task does: one shard, with one processor for the sandbox of its graders."""
    os.environ.setdefault(PROCESSORS_SETTING, "1")
    return asyncio.run(_with_keys(task, keeper))


async def _with_keys(task: ShardTask, keeper: Any) -> ShardEnd:
    return await work_on_shard(task, RayLine(keeper), await keeper.keys.remote())


def _words(error: str) -> str:
    """Ray's words as a sentence that says what to do."""
    if "No module named 'dryrun" in error:
        return f"Ray's workers have no Dry Run: install version {__version__} on every machine."
    words = one_line(error.strip().partition("\n")[0])[:300].rstrip(".")
    return f"Ray gave up: {words}. Everything done so far is kept; the same command goes on."
