"""Where a grader's judges are asked: one endpoint, one key, one lane for all of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from dryrun.config import JudgeConfig
from dryrun.errors import ModelError
from dryrun.models import OnAttempt
from dryrun.records import Attempt, Sample

GIVE_UP_AFTER = 20
"""So many failed judge calls in a row stop a run: every one cost its retries."""


@dataclass(slots=True)
class JudgeAccess:
    """What the judges of one grader share.

    Attributes
    ----------
    config : JudgeConfig
    api_key : str
        ``""`` for a server that needs none. Never stored, shown or logged.
    lane : asyncio.Semaphore
        Holds judge calls in flight to the configured number, apart from the base model's.
    on_attempt : callable, optional
        Told of every call that was made, those that failed included.
    calls_per_grade : int
        How many graders ask through it: so many calls each grade takes, at least.
    """

    config: JudgeConfig
    api_key: str = field(default="", repr=False)
    lane: asyncio.Semaphore = field(init=False, repr=False)
    on_attempt: OnAttempt | None = field(default=None, repr=False)
    calls_per_grade: int = 0
    _in_a_row: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.lane = asyncio.Semaphore(self.config.concurrency)

    def heard(self, attempt: Attempt) -> None:
        """A call was made."""
        if self.on_attempt is not None:
            self.on_attempt(attempt)

    def note(self, model: str, answer: Sample) -> None:
        """Count failures in a row.

        Raises
        ------
        ModelError
            There were `GIVE_UP_AFTER`.
        """
        self._in_a_row = 0 if answer.gradable else self._in_a_row + 1
        if self._in_a_row >= GIVE_UP_AFTER:
            raise ModelError(
                f"The judge {model} failed {self._in_a_row} times in a row, the last time so: "
                f"{answer.error.rstrip('.')}. Everything done so far is kept; resume when it answers again."
            )
