"""The one keeper of a campaign's budget and rate. Sessions lease from it, and hand back what they leave.

It knows nothing of Ray: on one machine it is an object, on many an actor.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dryrun.engine.budget import Budget, tokens_of
from dryrun.store.runs import RunStatus

EXPIRES = 30.0
"""Seconds of silence after which a session counts as gone, and what it leased as handed back."""
LISTENS = 10.0
"""Seconds after which a session that waits for news hears that there are none."""
SMALLEST = 1_000
"""A lease is at least the cap divided by this: the last of a budget is not shared out in crumbs."""

KINDS = ("calls", "tokens", "cost")
Amounts = dict[str, float]


@dataclass(frozen=True, slots=True)
class News:
    """What a session has to heed.

    Attributes
    ----------
    version : int
        Larger after every change.
    sessions : int
        How many are at work, or will be soon.
    pause : float
        Seconds for which the endpoint wants no call.
    stop : bool
        Whether to stop at once.
    """

    version: int
    sessions: int
    pause: float
    stop: bool


@dataclass(frozen=True, slots=True)
class Keys:
    """API keys: in memory only, and in no message.

    Attributes
    ----------
    model, judge : str
        ``""`` for a server that needs none.
    """

    model: str = field(default="", repr=False)
    judge: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Overview:
    """Where a campaign stands.

    Attributes
    ----------
    live : mapping
        Of each session at work its run's id and status.
    spent : mapping
        Calls, tokens and US dollars of all sessions there were.
    answers : int
        Responses among them.
    """

    live: Mapping[str, RunStatus]
    spent: Mapping[str, float]
    answers: int


@dataclass(slots=True)
class _Lease:
    granted: Amounts
    heard: float
    waits: bool = False


class BudgetKeeper:
    """Leases the budget in pieces, counts the sessions, and passes on what a server asks of one of them.

    Parameters
    ----------
    budget : Budget
        Over all shards and sessions.
    before : mapping
        What each run had spent before the campaign's session: its id and status.
    clock : callable
        Seconds, monotonic.
    """

    def __init__(
        self, budget: Budget, before: Mapping[str, RunStatus], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._budget, self._clock = budget, clock
        self._keys = Keys()
        self._statuses: dict[str, RunStatus] = {}
        self._spent: Amounts = dict.fromkeys(KINDS, 0.0)
        self._answers = 0
        self._leases: dict[str, _Lease] = {}
        self._version, self._stop, self._until = 0, False, 0.0
        self._expected = 1
        self._event, self._leased = asyncio.Event(), asyncio.Event()
        self._announced: tuple[int, float, bool] | None = None
        for run, status in before.items():
            self._count(run, status)

    async def keep_keys(self, keys: Keys) -> None:
        """Hold the keys for the sessions."""
        self._keys = keys

    async def keys(self) -> Keys:
        """The keys that calls are made with."""
        return self._keys

    async def open(self, run: str, status: RunStatus) -> tuple[Budget, News]:
        """Begin a session of this run; an earlier one that never closed has handed back its lease.

        Returns
        -------
        Budget
            What the run may spend for now, over all its sessions.
        News
        """
        self._count(run, status)
        lease = self._leases[run] = _Lease(self._amounts(status), self._clock())
        self._grant(lease)
        self._changed()
        return self._budget_of(lease), self._news()

    async def more(self, run: str, status: RunStatus) -> Budget | None:
        """A larger budget; None where nothing is left, and nobody may hand something back."""
        self._count(run, status)
        lease = self._lease(run, status)
        while not self._grant(lease):
            if not lease.waits:
                lease.waits = True
                self._changed()
            if self._stop or all(other.waits for other in self._live().values()):
                return None
            await _within(1.0, self._leased)
            lease.heard = self._clock()
        lease.waits = False
        return self._budget_of(lease)

    async def report(self, run: str, status: RunStatus) -> None:
        """How far a session has got."""
        self._lease(run, status).heard = self._clock()
        self._count(run, status)

    async def close(self, run: str, status: RunStatus) -> None:
        """End a session: what it leased and did not spend is there for others."""
        self._count(run, status)
        self._leases.pop(run, None)
        self._changed()

    async def news(self, run: str, version: int) -> News:
        """What is new since `version`; waits for news, `LISTENS` seconds at most."""
        if run in self._leases:
            self._leases[run].heard = self._clock()
        if version == self._version:
            await _within(LISTENS, self._event)
        return self._news()

    async def pause(self, seconds: float) -> None:
        """A server wants no call for so long."""
        until = self._clock() + seconds
        if until > self._until + 0.05:
            self._until = until
            self._changed()

    async def expect(self, sessions: int) -> None:
        """Set the number of sessions that will be at work, those at work now included."""
        if sessions != self._expected:
            self._expected = sessions
            self._changed()

    async def stop(self) -> None:
        """Have all sessions stop at once."""
        self._stop = True
        self._changed()

    async def overview(self) -> Overview:
        """Where the campaign stands."""
        live = {run: self._statuses[run] for run in self._live()}
        return Overview(live, dict(self._spent), self._answers)

    def _news(self) -> News:
        pause = max(self._until - self._clock(), 0.0)
        return News(self._version, self._sessions, pause, self._stop)

    @property
    def _sessions(self) -> int:
        return max(len(self._live()), self._expected, 1)

    def _changed(self) -> None:
        """Wake those who wait for a lease; and those who wait for news only where there are any."""
        self._leased.set()
        self._leased = asyncio.Event()
        news = (max(len(self._leases), self._expected, 1), self._until, self._stop)
        if news != self._announced:  # else every session that begins would wake all the others
            self._announced, self._version = news, self._version + 1
            self._event.set()
            self._event = asyncio.Event()

    def _live(self) -> dict[str, _Lease]:
        """The leases of sessions that were heard lately; the others end here."""
        since = self._clock() - EXPIRES
        if any(lease.heard < since for lease in self._leases.values()):
            self._leases = {run: lease for run, lease in self._leases.items() if lease.heard >= since}
            self._changed()
        return self._leases

    def _lease(self, run: str, status: RunStatus) -> _Lease:
        """The session's lease. A session that is back after a long silence holds what it has spent."""
        return self._leases.setdefault(run, _Lease(self._amounts(status), self._clock()))

    def _amounts(self, status: RunStatus) -> Amounts:
        cost = self._budget.prices.cost(status) or 0.0
        return {"calls": status.all_calls, "tokens": tokens_of(status), "cost": cost}

    def _count(self, run: str, status: RunStatus) -> None:
        before = self._statuses.get(run)
        if before is not None and before.updated > status.updated:
            return  # an older report came later
        now = self._amounts(status)
        then = dict.fromkeys(KINDS, 0.0) if before is None else self._amounts(before)
        self._spent = {kind: self._spent[kind] + now[kind] - then[kind] for kind in KINDS}
        self._answers += status.answers - (0 if before is None else before.answers)
        self._statuses[run] = status

    def _grant(self, lease: _Lease) -> bool:
        """Enlarge a lease by a piece of what is left; False where a cap leaves nothing."""
        pieces = {}
        for kind in KINDS:
            cap = getattr(self._budget, kind)
            if cap is None:
                continue
            left = cap - self._spent[kind] - self._held(kind)
            if left <= cap * 1e-9:
                return False
            # By all that are expected: the first to begin would lease half of it, and the last ones wait.
            piece = min(left, max(left / (2 * self._sessions), cap / SMALLEST))
            pieces[kind] = min(math.ceil(piece), left) if kind != "cost" else piece
        lease.granted = {kind: lease.granted[kind] + pieces.get(kind, 0.0) for kind in KINDS}
        return True

    def _held(self, kind: str) -> float:
        """What sessions have leased and not spent."""
        used = {run: self._amounts(self._statuses[run])[kind] for run in self._live()}
        return sum(max(lease.granted[kind] - used[run], 0.0) for run, lease in self._leases.items())

    def _budget_of(self, lease: _Lease) -> Budget:
        caps = {
            kind: None
            if getattr(self._budget, kind) is None
            else (lease.granted[kind] if kind == "cost" else int(lease.granted[kind]))
            for kind in KINDS
        }
        return self._budget.model_copy(update=caps)


async def _within(seconds: float, event: asyncio.Event) -> None:
    """Wait for the event, so long at most."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
