"""What a grader is to the rest of the program."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from dryrun.records import Grade, Item, Sample


class Grader(Protocol):
    """Anything that grades samples. Opened once, used by many tasks at once, closed once."""

    async def grade(self, sample: Sample, item: Item) -> Grade:
        """The grade of one sample. A grader's failure is an outcome of the grade, never an exception.

        Raises
        ------
        ModelError
            A judge that no later call would reach either: wrong key, unknown model.
        """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
