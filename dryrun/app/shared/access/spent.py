"""What each visitor has asked for within the hour, and what their runs hold, against their allowance."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, fields

from dryrun.core.errors import DryRunError
from dryrun.store.prune import bytes_of_run
from dryrun.store.runs import Run

SETTING = "DRYRUN_HOSTED_"


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most that one person has; ``DRYRUN_HOSTED_LIVE``, ``_CALLS`` and ``_MEGABYTES`` set them.

    Attributes
    ----------
    live : int
        Runs at a time, those aside that wait for batches.
    calls : int
        Calls to models and judges asked for within an hour.
    megabytes : int
        That their runs hold on the disk.
    """

    live: int = 1
    calls: int = 5_000
    megabytes: int = 200


def allowance() -> Allowance:
    """What holds on this server.

    Raises
    ------
    DryRunError
        A setting is not a whole number of at least 1.
    """
    settings = {field.name: os.environ.get(f"{SETTING}{field.name.upper()}") for field in fields(Allowance)}
    return Allowance(**{name: _number(name, text) for name, text in settings.items() if text})


def _number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise DryRunError(f"{SETTING}{name.upper()} is {text!r}; set it to a whole number of at least 1.")
    return int(text)


HOUR = 3600.0
MEGABYTE = 1_000_000

_asked: defaultdict[str, deque[tuple[float, int]]] = defaultdict(deque)
_lock = threading.Lock()


def check_calls(visitor: str, calls: int) -> None:
    """Pass where this visitor may ask for this number of calls now.

    Raises
    ------
    DryRunError
        Together with the calls of the last hour they are too many.
    """
    most, now = allowance().calls, time.time()
    if calls > most:
        raise DryRunError(
            f"This run takes {calls:,} calls; this shared server allows {most:,} an hour and person. Take "
            "fewer prompts or responses, or run Dry Run on your own machine."
        )
    with _lock:
        recent = list(_recent(visitor, now))
    spent = sum(number for _, number in recent)
    if spent + calls > most:
        minutes = max(_free_at(recent, spent + calls - most) - now, 60) / 60
        raise DryRunError(
            f"You asked for {spent:,} calls within the hour, and this run takes {calls:,}; this shared "
            f"server allows {most:,} a person. Start it in {minutes:,.0f} min."
        )


def _free_at(recent: list[tuple[float, int]], over: int) -> float:
    """When at least `over` of the calls are more than an hour old."""
    for asked, number in recent:
        over -= number
        if over <= 0:
            return asked + HOUR
    return time.time() + HOUR


def note_calls(visitor: str, calls: int) -> None:
    """Remember the calls that this visitor asked for."""
    if calls:
        with _lock:
            _recent(visitor, time.time()).append((time.time(), calls))


def check_stored(runs: Iterable[Run]) -> None:
    """Pass where the runs of a visitor leave room for another one.

    Raises
    ------
    DryRunError
        They hold as much as one person may.
    """
    most, held = allowance().megabytes, sum(map(bytes_of_run, runs)) / MEGABYTE
    if held >= most:
        raise DryRunError(
            f"Your runs hold {held:,.0f} MB on this shared server, and {most:,} MB is the most a person has. "
            "Delete one on Runs first."
        )


def _recent(visitor: str, now: float) -> deque[tuple[float, int]]:
    calls = _asked[visitor]
    while calls and calls[0][0] <= now - HOUR:
        calls.popleft()
    return calls
