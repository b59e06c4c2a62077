"""Where the judges of a grader are asked, and how many calls go at once over all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from dryrun.core.config import JudgeConfig
from dryrun.core.errors import DryRunError, ModelError
from dryrun.core.records import Attempt, Sample
from dryrun.models import LAST_ANSWERS, OnAttempt, OnEnd

GIVE_UP_AFTER = 20
"""The number of failed judge calls in a row that stops a run: each has had its retries."""


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
        Called with every call that was made, those that failed included.
    on_end : callable, optional
        Called at once with the fault that ends all judging.
    calls_per_grade : int
        The number of graders that ask through it, which is the least number of calls for a grade.
    """

    config: JudgeConfig
    api_key: str = field(default="", repr=False)
    lane: asyncio.Semaphore = field(init=False, repr=False)
    on_attempt: OnAttempt | None = field(default=None, repr=False)
    on_end: OnEnd | None = field(default=None, repr=False)
    calls_per_grade: int = 0
    _in_a_row: int = field(default=0, init=False)
    _in_flight: int = field(default=0, init=False)
    _quiet: asyncio.Event = field(default_factory=asyncio.Event, init=False, repr=False)
    _over: DryRunError | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.lane = asyncio.Semaphore(self.config.concurrency)
        self._quiet.set()

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place in the lane, and keep it for as long as a call takes.

        Raises
        ------
        DryRunError
            The run was ended while this one waited.
        """
        async with self.lane:
            if self._over is not None:
                raise self._over
            self._in_flight += 1
            self._quiet.clear()
            try:
                yield
            finally:
                self._in_flight -= 1
                if not self._in_flight:
                    self._quiet.set()

    def end(self, error: DryRunError) -> None:
        """Ask no judge from now on: `turn` raises `error` instead. Calls in flight go on."""
        if self._over is None:
            self._over = error
            if self.on_end is not None:
                self.on_end(error)

    async def last_answers(self) -> None:
        """After `end`: wait `LAST_ANSWERS` seconds, at most, for the calls in flight. They are paid for."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_ANSWERS):
                await self._quiet.wait()

    def heard(self, attempt: Attempt) -> None:
        """Note a call that was made."""
        if self.on_attempt is not None:
            self.on_attempt(attempt)

    def note(self, model: str, answer: Sample) -> None:
        """Count failures in a row.

        Raises
        ------
        ModelError
            There were `GIVE_UP_AFTER` failures in a row.
        """
        self._in_a_row = 0 if answer.returned else self._in_a_row + 1
        if self._in_a_row >= GIVE_UP_AFTER:
            raise ModelError(
                f"The judge {model} failed {self._in_a_row} times in a row, the last time with: "
                f"{answer.error.rstrip('.')}. Everything done so far is kept; resume when it answers again."
            )
