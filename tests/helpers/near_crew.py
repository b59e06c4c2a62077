"""A crew whose workers are tasks of this process: the campaign's own logic, without Ray."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from dryrun.engine.budget import Budget
from dryrun.engine.campaign.keeper import BudgetKeeper, Keys, Overview
from dryrun.engine.campaign.shard import ShardEnd, ShardTask, work_on_shard
from dryrun.store.runs import RunStatus


class NearCrew:
    """`slots` workers beside each other."""

    keeper: BudgetKeeper

    def __init__(self, slots: int = 2) -> None:
        self.slots = slots
        self.handed_out: list[ShardTask] = []

    async def begin(self, budget: Budget, before: Mapping[str, RunStatus], keys: Keys) -> None:
        """Make the keeper."""
        self.keeper, self.keys = BudgetKeeper(budget, before), keys

    def submit(self, task: ShardTask) -> Awaitable[ShardEnd]:
        """Have a worker do this."""
        self.handed_out.append(task)
        return work_on_shard(task, self.keeper, self.keys)

    async def expect(self, sessions: int) -> None:
        """Say how many shards will be worked on."""
        await self.keeper.expect(sessions)

    async def overview(self) -> Overview:
        """Where the campaign stands."""
        return await self.keeper.overview()

    async def stop(self) -> None:
        """Have all workers stop."""
        await self.keeper.stop()
