"""What a grader is to the rest of the program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from dryrun.core.records import Grade, Item, Sample

Pair = tuple[Sample, Item]

Take = Callable[[int, Grade], None]
"""Is handed each grade with its place among those asked for, as soon as there is one."""

TOGETHER = 32
"""What `Grader.at_once` is where grading waits for nothing but the processor."""


class Grader(Protocol):
    """Anything that grades samples. Opened once, used by many tasks at once, closed once.

    What inherits from it has to write `grade` alone.
    """

    @property
    def at_once(self) -> int:
        """How many samples one task does best to hand over together: 1 where each waits for an answer."""
        return 1

    async def grade(self, sample: Sample, item: Item) -> Grade:
        """The grade of one sample. A grader's failure is an outcome of the grade, never an exception.

        Raises
        ------
        ModelError
            A judge that no later call would reach either: wrong key, unknown model.
        """

    async def grade_each(self, pairs: Sequence[Pair], take: Take) -> None:
        """Grade several samples for less than `grade` costs for each of them.

        Raises
        ------
        ModelError
            As `grade` does; what was handed to `take` by then counts.
        """
        for place, (sample, item) in enumerate(pairs):
            take(place, await self.grade(sample, item))

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
