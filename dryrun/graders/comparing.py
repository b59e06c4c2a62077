"""Graders that compare two filled templates: string_check and text_similarity."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Self

from dryrun.graders.namespace import filler
from dryrun.graders.outcome import NO_SAMPLE, graded, unfilled
from dryrun.graders.template import Template, VariableError
from dryrun.records import Grade, Item, Sample

Comparison = Callable[[str, str], float]
"""Input and reference, filled -> reward."""


class ComparingGrader:
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

    async def grade(self, sample: Sample, item: Item) -> Grade:
        """The grade of one sample; 0 with an error when a template cannot be filled."""
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
