"""Samples on their way through the sandbox."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dryrun.graders.sandbox.frames import Reply, WorkerError
from dryrun.graders.sandbox.sample_fields import Parts


def _tags() -> Iterator[int]:
    """Numbers of 64 bits that nobody can foresee, drawn a thousand at a time."""
    while True:
        yield from struct.unpack("1024Q", os.urandom(8192))


_new_tags = _tags()

Result = Reply | WorkerError
"""What becomes of a job; the error where there is no reply."""

TakeResult = Callable[[int, Result, float], None]
"""Is handed a job's place in its order, its result, and the seconds it took."""


class Order:
    """Jobs that were handed in together, and who waits for them.

    Parameters
    ----------
    count : int
        Of its jobs.
    take : callable
        Gets each result, as soon as there is one, for as long as somebody waits.

    Attributes
    ----------
    done : Future
        Has a result when the last of them has one.
    """

    __slots__ = ("_left", "_take", "done")

    def __init__(self, count: int, take: TakeResult) -> None:
        self._left, self._take = count, take
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self, place: int, result: Result, seconds: float) -> None:
        """One of them has ended."""
        if self.done.done():
            return
        try:
            self._take(place, result, seconds)
        except Exception as error:  # the fault of who waits, who shall hear of it; the worker goes on
            self.done.set_exception(error)
            return
        self._left -= 1
        if not self._left:
            self.done.set_result(None)


@dataclass(slots=True)
class Job:
    """One sample to grade.

    Attributes
    ----------
    number : int
        Which of the session's, from 0.
    order : Order
        Who waits for it.
    place : int
        Where it stands in there.
    tag : int
        What its reply must name: nothing that an earlier grade could know.
    attempts : int
        How often a worker broke down at it.
    alone : bool
        A worker broke down while it had this job among others: it goes to the next by itself, so
        that it is clear which one is to blame.
    seconds : float
        What the worker took for it; of quick ones that came back together, their average.
    """

    number: int
    sample: Parts
    item: Mapping[str, Any]
    order: Order
    place: int = 0
    tag: int = field(default_factory=_new_tags.__next__)
    attempts: int = 0
    alone: bool = False
    seconds: float = 0.0

    def settle(self, result: Result) -> None:
        """Hand over the result, where somebody still waits for it."""
        self.order.settle(self.place, result, self.seconds)
