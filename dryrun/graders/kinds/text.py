"""Graders that compare two filled templates: string_check and text_similarity.

string_check: is the one text the other, or within it?
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from types import TracebackType
from typing import Self

from dryrun.core.records import Grade, Item, Sample
from dryrun.graders.format.specs import Operation
from dryrun.graders.format.template import Template, VariableError
from dryrun.graders.protocol import NO_SAMPLE, TOGETHER, Grader, Pair, Take, graded, unfilled
from dryrun.graders.sandbox.sample_fields import filler

Comparison = Callable[[str, str], float]
"""Input and reference, filled -> reward."""


LONG = 0.002
"""Seconds. A comparison that took longer is followed by one on another thread: the event loop, and with it
every call to the model, would have to wait for it."""


class ComparingGrader(Grader):
    """Fills ``input`` and ``reference`` and compares them.

    Parameters
    ----------
    given, reference : Template
        The grader's two templates.
    compare : callable
        ``(input, reference) -> reward``; must not fail on any text.
    """

    def __init__(self, given: Template, reference: Template, compare: Comparison) -> None:
        self._given, self._reference = filler(given), filler(reference)
        self._compare = compare
        self._thread = asyncio.Lock()
        self._long, self._aside = False, 0

    @property
    def at_once(self) -> int:
        """Many: no grade waits for anything."""
        return TOGETHER

    async def grade(self, sample: Sample, item: Item) -> Grade:
        """The grade of one sample; 0 with an error when a template cannot be filled."""
        grades: list[Grade] = []
        await self.grade_each([(sample, item)], lambda _, grade: grades.append(grade))
        return grades[0]

    async def grade_each(self, pairs: Sequence[Pair], take: Take) -> None:
        """Grade several samples, as `grade` does."""
        for place, (sample, item) in enumerate(pairs):
            if self._long:
                grade = await self._grade_aside(sample, item)
            else:
                grade = self._grade(sample, item)
                if grade.seconds > LONG:
                    self._long = True
            take(place, grade)

    async def _grade_aside(self, sample: Sample, item: Item) -> Grade:
        """On another thread, one at a time: more would only take turns, and nltk's corpora bear but one."""
        self._aside += 1
        try:
            async with self._thread:
                grade = await asyncio.to_thread(self._grade, sample, item)
        finally:
            self._aside -= 1
        self._long = bool(self._aside) or grade.seconds > LONG
        return grade

    def _grade(self, sample: Sample, item: Item) -> Grade:
        if not sample.gradable:
            return NO_SAMPLE
        start = perf_counter()
        try:
            given, reference = self._given(sample, item), self._reference(sample, item)
        except VariableError as error:
            return unfilled(error)
        return graded(self._compare(given, reference), perf_counter() - start)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


CHECKS: Mapping[Operation, Callable[[str, str], bool]] = {
    Operation.EQ: lambda given, reference: given == reference,
    Operation.NE: lambda given, reference: given != reference,
    Operation.LIKE: lambda given, reference: reference in given,
    # casefold() would also equate ß and ss; the service's folding is unpublished, lower() is the plain one
    Operation.ILIKE: lambda given, reference: reference.lower() in given.lower(),
}


def string_check(operation: Operation, given: str, reference: str) -> float:
    """1.0 when the check holds, else 0.0. The needle of ``like`` and ``ilike`` is `reference`."""
    return float(CHECKS[operation](given, reference))
