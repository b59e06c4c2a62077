"""How many calls are in flight: a number that was given, or one that finds its own level."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum, auto

from dryrun.models.retries import LONGEST_ASKED

FIRST = 8
MOST = 128
FLAT = 1.05
"""A doubled window that brings less than this times the pace has met the server's own limit."""
IN_A_ROW = 5
"""So many throttled calls one after the other (a quarter of a wide window), none answered between them,
hold back all calls."""
ENOUGH = 24
"""Calls whose share of throttled ones says something; shorter rounds only while the window doubles."""
TOLERATED = 0.15
"""A smaller share of throttled calls in a round holds the window where it is."""
TOLERABLE = 0.6
"""Most that `TOLERATED` is raised to, where throttling turns out to have nothing to do with the width."""
LESS_THROUGH = 0.75
"""Half the width brings less than this times the pace: the width was not what the server throttled."""
FIRST_GAP, LONGEST_GAP = 0.05, 10.0
"""Seconds between two calls where even single ones are throttled."""
WIDER, NARROWER = 1.5, 0.8
"""What a second throttled call in a row and a clean one make of the gap."""
SCARCE = 0.35
"""A larger share of clean calls does not widen the gap: more than every other call may be throttled."""
MEMORY = 16
"""Calls over which the share of clean ones is remembered, fading."""
LONG, HELPED, MEASURABLE = 4.0, 1.5, 0.08
"""A gap so many times as long that has not brought so many times the share of clean calls, where a share was
to be measured at all, was in vain: what the server throttles is not the pace."""
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Signal(Enum):
    """How one call ended, for the window."""

    CLEAN = auto()
    THROTTLED = auto()
    """429: the server asks for fewer calls."""
    TROUBLED = auto()
    """5xx, timeouts, lost connections: no reason to shrink, none to grow."""


class Window:
    """Admits calls.

    Without a fixed number it begins with `FIRST` and doubles after every clean round (as many calls
    as the window is wide) until the pace no longer follows, then stays. Throttled calls shrink it in
    proportion: by half their share of the round, as data-centre TCP does (Alizadeh et al. 2010), and
    not at all below `TOLERATED`, so that a server that throttles one call in ten at random is not left
    idle; from then on it grows by one a clean round. Where half the width is throttled as often and only
    gets less through, it goes back and bears that share. Troubled rounds leave it as it is.

    A server that lets through a few calls a minute throttles even one at a time. Where call after call
    is throttled and the server names no wait, a gap between calls does what a window below one would.
    Servers that throttle most calls at random look alike at first: a gap that widens in vain is given up.

    Parameters
    ----------
    fixed : int, optional
        So many at most, whatever happens.
    most : int
        Upper limit where none is fixed.
    clock : callable
        Seconds, monotonic.
    """

    def __init__(
        self, fixed: int | None = None, most: int = MOST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fixed = fixed is not None
        self.most = most if fixed is None else fixed
        self.limit = min(FIRST, self.most) if fixed is None else fixed
        self.in_flight = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._not_before = 0.0
        self._gap = 0.0
        self._widest = LONGEST_GAP
        self._older = 0
        self._through = 1.0
        self._spaced = 0
        self._shorter: tuple[float, float] | None = None
        self._doubling = True
        self._flat = 0
        self._pace = 0.0
        self._throttled_in_a_row = 0
        self._tolerated = TOLERATED
        self._wide: tuple[int, float] | None = None
        self._troubled = False
        self._new_round()

    async def enter(self) -> None:
        """Wait for a place; a newcomer stands behind those who wait. Every `enter` needs one `leave`."""
        called = False
        while True:
            wait = self._not_before - self._clock()
            if wait > 0:
                await asyncio.sleep(wait)
            elif self.in_flight < self.limit and (called or not self._waiting):
                self.in_flight += 1
                self._empty.clear()
                if self._gap:
                    self._not_before = self._clock() + self._gap
                return
            else:
                await self._queue(first=called)
                called = True

    async def emptied(self) -> None:
        """Wait until no call is in flight."""
        await self._empty.wait()

    def leave(self, signal: Signal, pause: float | None = None) -> None:
        """Give the place back.

        Parameters
        ----------
        signal : Signal
        pause : float, optional
            Seconds the server asked to wait: before every call if it throttles all of them, or has
            said with an answer that nothing is left.
        """
        self.in_flight -= 1
        if not self.in_flight:
            self._empty.set()
        self._throttled_in_a_row = self._throttled_in_a_row + 1 if signal is Signal.THROTTLED else 0
        shut = self._throttled_in_a_row >= max(IN_A_ROW, self.limit // 4)
        if pause and pause > LONGEST_ASKED:
            pause = None
        if pause and (signal is Signal.CLEAN or shut):
            self._not_before = max(self._not_before, self._clock() + pause)
        self._space_out(signal, shut and not pause)
        if not self._fixed:
            self._count(signal)
        self._wake()

    def _space_out(self, signal: Signal, shut: bool) -> None:
        """Set the gap between calls; those made before it last widened say nothing of it."""
        self._older = max(self._older - 1, 0)
        if signal is not Signal.TROUBLED:
            self._through += ((signal is Signal.CLEAN) - self._through) / MEMORY
        if not self._gap:
            if shut:
                self._gap, self._older = FIRST_GAP, self.in_flight
                self._spaced, self._shorter = 0, None
            return
        self._spaced += 1
        if self._spaced >= ENOUGH:
            self._weigh_gap()
        if signal is Signal.CLEAN:
            self._gap = self._gap * NARROWER if self._gap > FIRST_GAP / 4 else 0.0
        elif self._throttled_in_a_row > 1 and not self._older and self._through < SCARCE:
            self._gap = min(self._gap * WIDER, self._widest)
            self._older = max(self.in_flight, 2)

    def _weigh_gap(self) -> None:
        """Shorten the gap again unless the longer one let more calls succeed."""
        if self._through < MEASURABLE / 2:
            self._widest = LONGEST_GAP
        if self._shorter is None or self._gap < self._shorter[0]:
            self._shorter, self._spaced = (self._gap, self._through), 0
        elif self._gap >= LONG * self._shorter[0]:
            if self._shorter[1] >= MEASURABLE and self._through < HELPED * self._shorter[1]:
                self._gap = self._widest = FIRST_GAP
            self._shorter, self._spaced = (self._gap, self._through), 0

    async def _queue(self, first: bool) -> None:
        """Wait to be called; `first` for one who was, and found the place taken."""
        place = asyncio.get_running_loop().create_future()
        if first:
            self._waiting.appendleft(place)
        else:
            self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._wake()  # it was this one's turn
            else:
                with contextlib.suppress(ValueError):  # passed over already
                    self._waiting.remove(place)
            raise

    def _wake(self) -> None:
        free = self.limit - self.in_flight
        while free > 0 and self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                free -= 1

    def _count(self, signal: Signal) -> None:
        self._clean += signal is Signal.CLEAN
        self._throttled += signal is Signal.THROTTLED
        self._troubled = self._troubled or signal is Signal.TROUBLED
        if self._clean + self._throttled >= (self.limit if self._doubling else max(self.limit, ENOUGH)):
            self._end_round()

    def _end_round(self) -> None:
        done = self._clean + self._throttled
        pace = self._clean / max(self._clock() - self._began, 1e-9)
        share = self._throttled / done
        if share > self._tolerated:
            self._doubling = False
            self._shrink(share, pace)
        elif not self._troubled and self._doubling:
            self._double(pace)
        elif not self._troubled and (not self._throttled or self._tolerated > TOLERATED) and self._flat < 2:
            self.limit = min(self.limit + 1, self.most)
        self._new_round()

    def _shrink(self, share: float, pace: float) -> None:
        """Narrower by half the share, unless that has already been tried in vain."""
        width, through = self._wide or (self.limit, pace)
        self._wide = width, through
        if self.limit <= width // 2:
            self._wide = None
            if pace < LESS_THROUGH * through:
                self.limit, self._tolerated = width, min(1.25 * share, TOLERABLE)
                return
        self.limit = max(1, round(self.limit * (1 - share / 2)))

    def _double(self, pace: float) -> None:
        """Twice as wide, unless the last two doublings brought nothing: then as before them."""
        if self.limit >= self.most:
            return
        self._flat = self._flat + 1 if pace < FLAT * self._pace else 0
        self._pace = max(pace, self._pace)
        if self._flat >= 2:
            self._doubling = False
            self.limit = max(1, self.limit // 4)
        else:
            self.limit = min(2 * self.limit, self.most)

    def _new_round(self) -> None:
        self._clean = self._throttled = 0
        self._troubled = False
        self._began = self._clock()


def announced_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds until an answer's rate-limit headers allow another call; None while they allow one now.

    OpenAI's names: ``x-ratelimit-remaining-requests`` and ``-tokens``, ``x-ratelimit-reset-...`` with
    durations such as ``1s``, ``6m0s``, ``120ms``.
    """
    pauses = [
        seconds_in(headers.get(f"x-ratelimit-reset-{of}", ""))
        for of in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{of}") == "0"
    ]
    return max(pauses, default=0.0) or None


def seconds_in(text: str) -> float:
    """Seconds of ``6m0s``, ``120ms``, ``1.5``; 0 for what is none."""
    parts = DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return min(sum(float(number) * UNITS[unit] for number, unit in parts), LONGEST_ASKED)
    try:
        return min(max(float(text), 0.0), LONGEST_ASKED)
    except ValueError:
        return 0.0
