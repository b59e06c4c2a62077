"""When a failed call is tried again, and how long to wait before it."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

LONGEST_ASKED = 300.0
"""Seconds. A server that asks for a longer wait is not waited for: the calls fail, and the run says why."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential waits with jitter; a wait the server asks for takes precedence.

    Attributes
    ----------
    retries, throttled_retries : int
        Most calls after the first one; the second for an endpoint that works and asks for patience (429).
    first_contact_retries : int
        The same for an endpoint that has never answered anything, or only with what is not JSON: a
        wrong address should be reported in seconds, not after every wait.
    first, factor, longest : float
        Wait before retry i (from 0) is ``min(first * factor**i, longest)`` seconds, shortened by
        up to half at random so that calls that failed together do not return together. After a 429
        ``throttled_first * throttled_factor**i``, at most ``throttled_longest``, takes its place: sooner,
        and more often, since the window of calls in flight slows down by itself.
    longest_asked : float
        A server that asks for a longer wait than this many seconds is not waited for.
    """

    retries: int = 5
    throttled_retries: int = 16
    throttled_first: float = 0.2
    throttled_factor: float = 1.5
    throttled_longest: float = 8.0
    first_contact_retries: int = 2
    first: float = 0.4
    factor: float = 3.0
    longest: float = 30.0
    longest_asked: float = LONGEST_ASKED
    chance: random.Random = field(default_factory=random.Random, compare=False, repr=False)

    def pause(
        self,
        failures: int,
        asked: float | None = None,
        *,
        contacted: bool = True,
        throttled: bool = False,
        taken: float = 0.0,
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
        throttled : bool
            Whether the last answer was a 429.
        taken : float
            Seconds the last call took. They count as waited, unless the server asked for a wait: who
            waited for a call until its deadline need not wait again.
        """
        allowed = max(self.retries, self.throttled_retries) if throttled and self.retries else self.retries
        if failures > (allowed if contacted else self.first_contact_retries):
            return None
        if asked is None:
            if throttled:
                wait = min(
                    self.throttled_first * self.throttled_factor ** (failures - 1), self.throttled_longest
                )
            else:
                wait = min(self.first * self.factor ** (failures - 1), self.longest)
            return max(wait * self.chance.uniform(0.5, 1.0) - taken, 0.0)
        if asked > self.longest_asked:
            return None
        # Never earlier than asked; the jitter is added on top.
        return asked + self.first * self.chance.uniform(0.0, 1.0) * min(asked, 1.0)


def asked_wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds the server asks to wait, from ``retry-after-ms`` or ``Retry-After``; None if it does not.

    Parameters
    ----------
    headers : mapping
        Response headers, names in lower case or matched without regard to case.
    now : float, optional
        Unix time that a date in ``Retry-After`` is compared with. Default: the clock.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or value is None:
        return seconds
    return _until(value, time.time() if now is None else now)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if 0.0 <= number < float("inf") else None


def _until(date: str, now: float) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - now)
    except (ValueError, OverflowError):
        return None
