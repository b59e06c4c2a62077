"""One session's part of a budget and an endpoint that several sessions share."""

from __future__ import annotations

from typing import Protocol

from dryrun.engine.budget import Budget
from dryrun.models.pace import Pace
from dryrun.store.runs import RunStatus


class SessionShare(Protocol):
    """One session's part of what all have."""

    def part(self, calls: int) -> int:
        """This session's part of a number of calls at once, 1 or more."""

    def steer(self, pace: Pace) -> None:
        """Keep the calls to the endpoint that all ask within this session's part, and hold them when a
        server has told any session to wait."""

    async def more(self, spent: RunStatus) -> Budget | None:
        """A larger budget for the session, over all sessions of its run; None where all is spent.

        It waits while other sessions hold what they may hand back.
        """
