"""The common part of string_check and text_similarity: two filled templates are compared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Annotated, ClassVar

from pydantic import Field

from dryrun.core.records import Grade, Item, Prompt, Sample
from dryrun.graders.format.findings import Finding, Severity
from dryrun.graders.format.specs import GraderSpec, Name, TemplateText
from dryrun.graders.format.template import Template, VariableError, parse_template
from dryrun.graders.protocol import NO_SAMPLE, TOGETHER, Grader, Pair, Take, graded, unfilled
from dryrun.graders.sandbox.sample_fields import filler

Comparison = Callable[[str, str], float]
"""Input and reference, filled -> reward."""

LONG = 0.002
"""Seconds. A comparison that took longer is followed by one on another thread: the event loop, and with it
every call to the model, would have to wait for it."""


class ComparingSpec(GraderSpec):
    """Compares the text ``input`` with the text ``reference``; pays 0 to 1."""

    meant: ClassVar[Mapping[str, str]] = {
        "expected": "reference",
        "messages": "input",
        "prompt": "input",
        "target": "reference",
    }

    name: Name
    input: Annotated[TemplateText, Field(description='Usually "{{sample.output_text}}".')]
    reference: Annotated[TemplateText, Field(description='For example "{{item.reference_answer}}".')]

    @property
    def templates(self) -> dict[str, Template]:
        return {"input": parse_template(self.input), "reference": parse_template(self.reference)}

    @property
    def range(self) -> tuple[float, float]:
        return 0.0, 1.0

    @property
    def looks_within(self) -> bool:
        """Whether the reference is looked for within the input."""
        return False

    def check(self, where: str, rows: Sequence[Prompt], response_format: bool) -> Iterator[Finding]:
        """The response belongs into ``input`` and the row's answer into ``reference``."""
        answer, reference = (
            {part.namespace for part in self.templates[name].references} for name in ("input", "reference")
        )
        if "sample" not in answer | reference:
            what = "neither input nor reference uses the response, so the reward cannot depend on it."
            yield Finding(Severity.WARNING, where, what, "Usually input is {{sample.output_text}}.")
        elif self.looks_within and "sample" not in answer:
            what = "the reference is looked for within the input: here the response in the row's field."
            yield Finding(Severity.WARNING, where, what, "Are input and reference swapped?")

    def comparing(self, compare: Comparison) -> Grader:
        """A grader that fills both templates and compares them."""
        templates = self.templates
        return ComparingGrader(templates["input"], templates["reference"], compare)


class ComparingGrader(Grader):
    """Fills ``input`` and ``reference`` and compares them.

    Parameters
    ----------
    answer, reference : Template
        The grader's two templates.
    compare : callable
        ``(input, reference) -> reward``; must not fail on any text.
    """

    def __init__(self, answer: Template, reference: Template, compare: Comparison) -> None:
        self._answer, self._reference = filler(answer), filler(reference)
        self._compare = compare
        self._thread = asyncio.Lock()
        self._long, self._aside = False, 0

    @property
    def at_once(self) -> int:
        """Many: no grade waits for anything."""
        return TOGETHER

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
        """On another thread, one at a time: more would only take turns, and nltk's corpora allow only one."""
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
            answer, reference = self._answer(sample, item), self._reference(sample, item)
        except VariableError as error:
            return unfilled(error)
        return graded(self._compare(answer, reference), perf_counter() - start)
