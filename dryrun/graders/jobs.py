"""One sample on its way through the sandbox."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dryrun.graders.frames import Reply, WorkerError
from dryrun.graders.namespace import Parts


def _tags() -> Iterator[int]:
    """Numbers of 64 bits that nobody can foresee, drawn a thousand at a time."""
    while True:
        yield from struct.unpack("1024Q", os.urandom(8192))


_new_tags = _tags()


@dataclass(slots=True)
class Job:
    """One sample to grade, and who waits for it.

    Attributes
    ----------
    number : int
        Which of the session's, from 0.
    tag : int
        What its reply must name: nothing that an earlier grade could know.
    attempts : int
        How often a worker broke down at it.
    alone : bool
        A worker broke down while it had this job among others: it goes to the next by itself, so
        that it is clear which one is to blame.
    """

    number: int
    sample: Parts
    item: Mapping[str, Any]
    future: asyncio.Future[Reply]
    tag: int = field(default_factory=_new_tags.__next__)
    attempts: int = 0
    alone: bool = False

    def settle(self, reply: Reply) -> None:
        """Hand over the reply, where somebody still waits for it."""
        if not self.future.done():
            self.future.set_result(reply)

    def fail(self, error: WorkerError) -> None:
        """Say that there will be none."""
        if not self.future.done():
            self.future.set_exception(error)
