"""When a call is made: how many at once, how fast one after the other, and when a failed one again.

All that a 429 changes is in `Pace`, which every call to an endpoint goes through; `RetryPolicy` is for faults
that concern a single call.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import NamedTuple

LONGEST_ASKED = 300.0
"""Seconds. A server that asks for a longer wait is not waited for: the calls fail, and the run says why."""

FIRST = 8
MOST = 128
FLAT = 1.05
"""A doubled width that brings less than this times the pace has met the server's own limit."""
IN_A_ROW = 5
"""Throttled calls one after the other (a quarter of a large width), none answered between them, after
which a wait that the server names holds back all calls."""
ENOUGH = 24
"""With fewer calls, the share of answered calls says nothing."""
CLEAN_SHARE = 0.75
"""A smaller share of answered calls slows the calls down."""
PLENTY = 96
"""The same number where hardly any call is answered."""
FEWER = 2.5
"""This many times fewer answered calls, at a lower rate, are a change at the server."""
COMPARABLE = 3.0
"""A rate this many times lower shows whether the rate is what the server limits."""
MARGIN = 1.1
"""Calls made for each that a limiting server lets through."""
FASTER, MUCH_SLOWER = 1.25, 1 / 16
SLOWEST = 0.1
"""Calls per second."""
DOWN_GAP = 0.4
"""Seconds between two calls to an endpoint that is down."""


class Signal(Enum):
    """How one call ended, for the pace."""

    CLEAN = auto()
    THROTTLED = auto()
    """429: the server asks for fewer calls."""
    TROUBLED = auto()
    """5xx, timeouts, lost connections: no reason to slow down, and no reason to hurry."""


class _Round(NamedTuple):
    """Calls per second that were made, and the share of them that was answered."""

    rate: float
    share: float


class Pace:
    """Admits calls to one endpoint.

    Without a fixed width it begins with `FIRST` calls in flight and doubles after every clean round (as
    many calls as the width) until the pace no longer follows, or a call is throttled.

    A throttled call has no wait of its own: the calls of all follow each other more slowly. Where fewer
    than `CLEAN_SHARE` of `ENOUGH` calls are answered, they are made only a little faster than the server
    let them through; after a round without a throttled call they come faster again. A server that
    throttles at random answers the same share however slowly it is asked: there the rate goes back to
    what it was, and the share is borne.

    After `FIRST` faults one after the other (a quarter of a large width), none answered between them, the
    endpoint is down: the calls of all follow each other `DOWN_GAP` apart, until any is answered.

    Parameters
    ----------
    fixed : int, optional
        The width, whatever happens.
    most : int
        Largest width where none is fixed.
    clock : callable
        Seconds, monotonic.
    """

    def __init__(
        self, fixed: int | None = None, most: int = MOST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.most = fixed or most
        self.limit = fixed or min(FIRST, most)
        self.in_flight = 0
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        self._not_before = 0.0
        self.on_pause: Callable[[float], None] | None = None
        """Called with the seconds for which a server's wish holds back every call."""
        self._throttled_in_a_row = self._troubled_in_a_row = 0
        self._troubled_since = 0.0
        self._fixed, self._widening = fixed, fixed is None
        self._flat, self._best = 0, 0.0
        self._rate: float | None = None
        self._before: _Round | None = None
        self._bearable = CLEAN_SHARE
        self._clean = self._throttled = self._older = 0
        self._troubled, self._began = False, clock()

    async def enter(self) -> None:
        """Wait for a place, behind those who wait already. Every `enter` needs one `leave`."""
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._let_in()
        if place.done():  # to await it would yield
            return
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # the place came together with the cancellation
                self.in_flight -= 1
                self._pass_on()
            raise

    def _let_in(self) -> None:
        """Give all free places at once, to those who wait longest; where calls are held back, later.

        One place a turn of the event loop, as a lock would hand it on, keeps a fast server waiting.
        """
        while self._waiting and self.in_flight < self.limit:
            wait = self._not_before - self._clock()
            if wait > 0:
                self._let_in_later(wait)
                return
            place = self._waiting.popleft()
            if place.done():  # who waited was cancelled
                continue
            self.in_flight += 1
            self._empty.clear()
            if self._rate is not None or self.down:
                slow = 0.0 if self._rate is None else 1 / self._rate
                self._not_before = self._clock() + max(slow, DOWN_GAP * self.down)
            place.set_result(None)

    def _let_in_later(self, wait: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        self._let_in()

    def _pass_on(self) -> None:
        """A place has become free."""
        if not self.in_flight:
            self._empty.set()
        self._let_in()

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
        self._throttled_in_a_row = self._throttled_in_a_row + 1 if signal is Signal.THROTTLED else 0
        shut = self._throttled_in_a_row >= max(IN_A_ROW, self.limit // 4)
        self._note_trouble(signal)
        if pause and pause <= LONGEST_ASKED and (signal is Signal.CLEAN or shut):
            self.hold(pause)
            if self.on_pause is not None:
                self.on_pause(pause)
        self._count(signal)
        self._pass_on()

    def _note_trouble(self, signal: Signal) -> None:
        if signal is not Signal.TROUBLED:
            self._troubled_in_a_row = 0
            return
        if not self._troubled_in_a_row:
            self._troubled_since = self._clock()
        self._troubled_in_a_row += 1

    @property
    def down(self) -> bool:
        """Whether no call has been answered for so long that the endpoint is taken to be down."""
        return self._troubled_in_a_row >= max(FIRST, self.limit // 4)

    @property
    def down_for(self) -> float:
        """Seconds since the first of the faults."""
        return self._clock() - self._troubled_since

    def hold(self, seconds: float) -> None:
        """Begin no call for these seconds."""
        self._not_before = max(self._not_before, self._clock() + seconds)

    def narrow(self, calls: int) -> None:
        """Where the width is fixed: make `calls` at once from now on, since others ask the endpoint too."""
        if self._fixed is not None:
            self.limit = calls
            self._let_in()

    def _count(self, signal: Signal) -> None:
        if self._older:  # made before the rate last changed
            self._older -= 1
            self._began = self._clock()
            return
        self._clean += signal is Signal.CLEAN
        self._throttled += signal is Signal.THROTTLED
        self._troubled = self._troubled or signal is Signal.TROUBLED
        done = self._clean + self._throttled
        good = self._clean >= self._bearable * done
        if self._widening and good:
            if done >= self.limit:
                self._widen()
        elif done >= (ENOUGH if self._clean > 1 else PLENTY):
            self._adjust(_Round(done / self._passed(), self._clean / done))

    def _passed(self) -> float:
        return max(self._clock() - self._began, 1e-9)

    def _widen(self) -> None:
        """Twice as wide, unless the last two doublings brought nothing: then as before them."""
        pace = self._clean / self._passed()
        if not self._troubled and self.limit < self.most:
            self._flat = self._flat + 1 if pace < FLAT * self._best else 0
            self._best = max(pace, self._best)
            self._widening = self._flat < 2
            self.limit = min(2 * self.limit, self.most) if self._widening else max(1, self.limit // 4)
        self._new_round()

    def _adjust(self, now: _Round) -> None:
        """Set the rate by what the last round brought."""
        if now.share >= self._bearable:
            if self._rate is not None and not self._throttled:
                self._before = None
                # A limit that the calls do not even reach is not needed.
                self._rate = self._rate * FASTER if now.rate > self._rate / 2 else None
        elif self._in_vain(now):
            self._rate, self._before, self._bearable = None, None, now.share / 2
        else:
            if self._before is None or now.share < self._before.share / FEWER:
                self._before = now if self._clean > 1 else None
            self._bearable = CLEAN_SHARE
            self._rate = max(MARGIN * now.share * now.rate, MUCH_SLOWER * now.rate, SLOWEST)
        self._widening = self._fixed is None and self._rate is None and self._flat < 2
        self._new_round(self.in_flight)

    def _in_vain(self, now: _Round) -> bool:
        """Whether a slower rate did not help: the share of answered calls is nearer to the earlier share than
        to the share that a limit on the rate would give."""
        if self._before is None:
            return False
        slower = self._before.rate / now.rate
        return slower >= COMPARABLE and 1 / FEWER <= now.share / self._before.share < slower**0.5

    def _new_round(self, older: int = 0) -> None:
        self._clean = self._throttled = 0
        self._troubled, self._older, self._began = False, older, self._clock()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential waits with jitter; a wait the server asks for takes precedence.

    Attributes
    ----------
    retries : int
        Most calls after the first one.
    first_contact_retries : int
        The same for an endpoint that has never answered anything, or only with what is not JSON: a
        wrong address should be reported in seconds, not after every wait.
    first, factor, longest : float
        Wait before retry i (from 0) is ``min(first * factor**i, longest)`` seconds, shortened by
        up to half at random so that calls that failed together do not return together.
    longest_asked : float
        A server that asks for a longer wait than this many seconds is not waited for.
    """

    retries: int = 5
    first_contact_retries: int = 2
    first: float = 0.4
    factor: float = 3.0
    longest: float = 30.0
    longest_asked: float = LONGEST_ASKED
    chance: random.Random = field(default_factory=random.Random, compare=False, repr=False)

    @property
    def patience(self) -> float:
        """Seconds of all waits together, for calls that wait together for an endpoint that is down."""
        return sum(min(self.first * self.factor**number, self.longest) for number in range(self.retries))

    def pause(
        self, failures: int, asked: float | None = None, *, contacted: bool = True, taken: float = 0.0
    ) -> float | None:
        """Seconds to wait after the n-th failure in a row, or None to give up.

        Parameters
        ----------
        failures : int
            How many calls have failed so far, from 1.
        asked : float, optional
            Seconds the server asked for.
        contacted : bool
            Whether the endpoint has answered any call yet.
        taken : float
            Seconds the last call took. They count as waited, unless the server asked for a wait: a
            call that was waited for until its deadline need not wait again.
        """
        if failures > (self.retries if contacted else self.first_contact_retries):
            return None
        if asked is not None:
            return self.as_asked(asked)
        wait = min(self.first * self.factor ** (failures - 1), self.longest)
        return max(wait * self.chance.uniform(0.5, 1.0) - taken, 0.0)

    def as_asked(self, asked: float) -> float | None:
        """The wait that the server asked for, and a little more at random; None if it is too long."""
        if asked > self.longest_asked:
            return None
        return asked + self.first * self.chance.uniform(0.0, 1.0) * min(asked, 1.0)


DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def asked_wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds the server asks to wait, from ``retry-after-ms`` or ``Retry-After``; None if it does not.

    Parameters
    ----------
    headers : mapping
        Response headers, names in lower case or matched without regard to case.
    now : float, optional
        Unix time that a date in ``Retry-After`` is compared with. Default: the clock.
    """
    milliseconds = seconds_in(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    seconds = seconds_in(value)
    if seconds is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - (time.time() if now is None else now))
    except (ValueError, OverflowError):
        return None


def announced_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds until an answer's rate-limit headers allow another call; None while they allow one now.

    OpenAI's names: ``x-ratelimit-remaining-requests`` and ``-tokens``, ``x-ratelimit-reset-...`` with
    durations such as ``1s``, ``6m0s``, ``120ms``.
    """
    pauses = [
        seconds_in(headers.get(f"x-ratelimit-reset-{unit}", "")) or 0.0
        for unit in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{unit}") == "0"
    ]
    return min(max(pauses, default=0.0), LONGEST_ASKED) or None


def seconds_in(text: str) -> float | None:
    """Seconds of ``6m0s``, ``120ms``, ``1.5``; None if it is not a duration."""
    parts = DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * UNITS[unit] for number, unit in parts)
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0.0 <= seconds < float("inf") else None
