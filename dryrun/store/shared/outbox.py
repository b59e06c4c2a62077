"""What has to be put into the store, or removed from it: done by threads of its own, tried again for ever.

Parts are put at once, in any order. What speaks of them waits for them: a run's status for every part that
was written before it, its configuration for its prompts. What fails stays, and the file here stays in any
case, so that another process can go on where this one ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dryrun.core.errors import StoreError

THREADS = 8
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds after the first failure, doubled with each, up to the longest."""
SPEAKS = "status.json"
"""A file that speaks of all that was written before it."""
FIRST = {"config.json": "prompts.parquet"}
"""A file that makes others look for another one: that one goes first."""
OFTEN = 5.0
"""Seconds between two puts of a file that changes all the time."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """What is not in the store yet.

    Attributes
    ----------
    count : int
        Files that wait.
    why : str
        What was said when it was tried last, without a full stop; ``""`` where nothing has failed.
    """

    count: int = 0
    why: str = ""


@dataclass(slots=True)
class Errand:
    """One file to put, or one file or folder to remove.

    Attributes
    ----------
    name : str
    number : int
        Errands are numbered in the order in which they came.
    removal : bool
    after : str
        Of a removal: the file that must be in the store first.
    content : bytes or None
        What to put; None: what the file holds then.
    due : float
        Not before this moment of `time.monotonic`.
    failures : int
    under_way : bool
    """

    name: str
    number: int
    removal: bool = False
    after: str = ""
    content: bytes | None = None
    due: float = 0.0
    failures: int = 0
    under_way: bool = False


@dataclass(slots=True)
class Outbox:
    """Errands and the threads that run them.

    Attributes
    ----------
    run : callable
        Runs one errand, and raises `StoreError` where it cannot.
    """

    run: Callable[[Errand], None]
    _errands: dict[str, Errand] = field(default_factory=dict)
    _next: dict[str, Errand] = field(default_factory=dict)
    _last: dict[str, float] = field(default_factory=dict)
    _number: int = 0
    _done: int = 0
    _why: str = ""
    _in_a_row: int = 0
    _blocked: float = 0.0
    _hurried: int = 0
    _threads: list[threading.Thread] = field(default_factory=list)
    _change: threading.Condition = field(default_factory=threading.Condition)

    def add(self, name: str, *, removal: bool = False, after: str = "", content: bytes | None = None) -> None:
        """Run an errand soon. A later one for the same file takes the place of one that waits."""
        with self._change:
            self._number += 1
            errand = Errand(name, self._number, removal, after, content)
            if removal:
                self._supersede(errand)
            before = self._errands.get(name)
            # A status that waits for its parts must not wait for newer ones too: the next stands behind.
            if before is not None and (before.under_way or (_speaks(name) and not removal)):
                self._next[name] = errand
            else:
                errand.due = 0.0 if removal else self._last.get(name, 0.0)
                self._errands[name] = errand
            self._start()
            self._change.notify_all()

    def _supersede(self, removal: Errand) -> None:
        """Nothing is to be done any more below a folder that goes, or once a file that goes is there."""
        below = [name for name in self._errands if name.startswith(f"{removal.name}/")]
        for name in below:
            self._next.pop(name, None)
            if not self._errands[name].under_way:
                del self._errands[name]
        for errand in self._errands.values():
            if errand.after == removal.name:
                errand.after = removal.after

    def unsent(self) -> Unsent:
        """What waits now."""
        with self._change:
            return Unsent(len(self._errands), self._why if self._failing() else "")

    def drain(self, patience: float) -> Unsent:
        """Wait for what is to be done now, until it is, or nothing was done for `patience` seconds."""
        with self._change:
            self._hurried += 1
            last = self._number
            self._blocked = 0.0
            for errand in self._errands.values():
                errand.due = 0.0
            self._change.notify_all()
            try:
                done, end = self._done, time.monotonic() + patience
                while self._waiting(last) and time.monotonic() < end:
                    self._change.wait(0.2)
                    if self._done != done:
                        done, end = self._done, time.monotonic() + patience
            finally:
                self._hurried -= 1
            count = sum(errand.number <= last for errand in self._errands.values())
            return Unsent(count, self._why if self._failing() else "")

    def _waiting(self, last: int) -> bool:
        """Whether an errand waits that came no later than the one with this number."""
        return any(errand.number <= last for errand in self._errands.values())

    def waits(self, name: str) -> bool:
        """Whether there is an errand for this file, or for a folder it is in."""
        with self._change:
            return self._errands.get(name) is not None or self._removed_above(name)

    def _failing(self) -> bool:
        return any(errand.failures for errand in self._errands.values())

    def _start(self) -> None:
        if len(self._threads) < min(THREADS, len(self._errands)):
            name = f"dryrun-store-{len(self._threads)}"
            self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
            self._threads[-1].start()

    def _work(self) -> None:
        while True:
            with self._change:
                while (errand := self._ready()) is None:
                    self._change.wait(self._pause())
                errand.under_way = True
            try:
                self.run(errand)
            except StoreError as error:
                self._failed(errand, str(error).removesuffix("."))
            except Exception as error:  # a thread that dies would leave files behind without a word
                self._failed(errand, repr(error))
            else:
                self._finished(errand)

    def _pause(self) -> float | None:
        """Seconds until there may be something to do; None: until something changes."""
        now = time.monotonic()
        if self._blocked > now:
            return self._blocked - now
        waits = [errand.due - now for errand in self._errands.values() if errand.due > now]
        return min(waits, default=None)

    def _ready(self) -> Errand | None:
        """An errand that may be run now."""
        now, oldest = time.monotonic(), self._oldest_part()
        if self._blocked > now:
            return None
        for errand in self._errands.values():
            if errand.under_way or errand.due > now:
                continue
            if errand.removal:
                if errand.after not in self._errands and not self._under_way_below(errand.name):
                    return errand
            elif not self._held_back(errand, oldest):
                return errand
        return None

    def _held_back(self, errand: Errand, oldest: int) -> bool:
        folder, _, file = errand.name.rpartition("/")
        if _speaks(errand.name) and oldest < errand.number:
            return True
        first = FIRST.get(file)
        return (first is not None and f"{folder}/{first}" in self._errands) or self._removed_above(
            errand.name
        )

    def _oldest_part(self) -> int:
        """The number of the oldest put that a status has to wait for."""
        numbers = (e.number for e in self._errands.values() if not e.removal and not _speaks(e.name))
        return next(numbers, self._number + 1)  # they stand in the order in which they came

    def _removed_above(self, name: str) -> bool:
        above = name.rpartition("/")[0]
        while above:
            errand = self._errands.get(above)
            if errand is not None and errand.removal:
                return True
            above = above.rpartition("/")[0]
        return False

    def _under_way_below(self, folder: str) -> bool:
        return any(e.under_way and e.name.startswith(f"{folder}/") for e in self._errands.values())

    def _finished(self, errand: Errand) -> None:
        with self._change:
            self._done += 1
            self._in_a_row, self._blocked = 0, 0.0
            self._errands.pop(errand.name, None)
            if _speaks(errand.name):
                self._last[errand.name] = time.monotonic() + OFTEN
            self._promote(errand.name)
            self._change.notify_all()

    def _failed(self, errand: Errand, why: str) -> None:
        with self._change:
            self._why = why
            if errand.name in self._next:  # what is newer is tried instead
                self._errands.pop(errand.name)
                self._promote(errand.name)
                errand = self._errands[errand.name]
            else:
                errand.under_way = False
                errand.failures += 1
            self._in_a_row += 1
            errand.due = time.monotonic() + _pause_after(errand.failures)
            if self._in_a_row > THREADS:  # it is the store that fails, not a file: one pause for all
                self._blocked = time.monotonic() + _pause_after(self._in_a_row - THREADS)
            self._change.notify_all()

    def _promote(self, name: str) -> None:
        if (errand := self._next.pop(name, None)) is not None:
            errand.due = 0.0 if self._hurried else self._last.get(name, 0.0)
            self._errands[name] = errand


def _speaks(name: str) -> bool:
    return name.rpartition("/")[2] == SPEAKS


def _pause_after(failures: int) -> float:
    return float(min(FIRST_PAUSE * 2 ** min(max(failures - 1, 0), 10), LONGEST_PAUSE))
