"""Two filled templates are compared: what string_check and text_similarity share, and string_check."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from time import perf_counter
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dryrun.core.records import Grade, Item, Prompt, Sample
from dryrun.graders.format.findings import Finding, RowCount, Severity
from dryrun.graders.format.template import Template, VariableError, filler, parse_template
from dryrun.graders.protocol import NO_SAMPLE, TOGETHER, BuildOptions, Grader, Pair, Take, graded, unfilled
from dryrun.graders.specs import GraderSpec, Name, TemplateText, spoken

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
        self._long = False

    @property
    def at_once(self) -> int:
        """Many: no grade waits for anything."""
        return TOGETHER

    async def grade_each(self, pairs: Sequence[Pair], take: Take) -> None:
        """Grade several samples, as `grade` does."""
        for place, (sample, item) in enumerate(pairs):
            take(place, await self._grade_aside(sample, item) if self._long else self._timed(sample, item))

    async def _grade_aside(self, sample: Sample, item: Item) -> Grade:
        """On another thread, one at a time: more would only take turns, and nltk's corpora allow only one."""
        async with self._thread:
            if not self._long:  # the one before it was quick again: no thread is at work
                return self._timed(sample, item)
            grade = await asyncio.to_thread(self._grade, sample, item)
            self._long = grade.seconds > LONG
        return grade

    def _timed(self, sample: Sample, item: Item) -> Grade:
        grade = self._grade(sample, item)
        self._long = grade.seconds > LONG
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


class Operation(StrEnum):
    """How string_check compares; case counts except for `ILIKE`, and nothing is trimmed."""

    EQ = "eq"
    """1 when input and reference are the same text."""
    NE = "ne"
    """1 when they are not."""
    LIKE = "like"
    """1 when the reference occurs within the input."""
    ILIKE = "ilike"
    """The same, upper and lower case alike."""


CHECKS: Mapping[Operation, Callable[[str, str], bool]] = {
    Operation.EQ: lambda answer, reference: answer == reference,
    Operation.NE: lambda answer, reference: answer != reference,
    Operation.LIKE: lambda answer, reference: reference in answer,
    # casefold() would also equate ß and ss; the service's folding is unpublished, lower() is the plain one
    Operation.ILIKE: lambda answer, reference: reference.lower() in answer.lower(),
}


def string_check(operation: Operation, answer: str, reference: str) -> float:
    """1.0 when the check holds, else 0.0. The needle of ``like`` and ``ilike`` is `reference`."""
    return float(CHECKS[operation](answer, reference))


WORDS: Mapping[Operation, str] = {
    Operation.EQ: "is exactly {}",
    Operation.NE: "is anything but {}",
    Operation.LIKE: "contains {}",
    Operation.ILIKE: "contains {}, in upper or lower case",
}


class StringCheckSpec(ComparingSpec):
    """Compares two texts; pays 1 or 0."""

    also_called: ClassVar[tuple[str, ...]] = ("exact", "exact_match", "equals", "match")
    telling: ClassVar[tuple[str, ...]] = ("operation",)
    meant: ClassVar[Mapping[str, str]] = {
        **ComparingSpec.meant,
        "neq": "ne",
        "equals": "eq",
        "==": "eq",
        "!=": "ne",
        "contains": "like",
        "op": "operation",
    }

    type: Literal["string_check"]
    operation: Annotated[Operation, Field(strict=False, description=f"One of {', '.join(Operation)}.")]
    pass_threshold: float | None = None

    @property
    def looks_within(self) -> bool:
        return self.operation in (Operation.LIKE, Operation.ILIKE)

    def describe(self) -> str:
        words = WORDS[self.operation].format(spoken(self.reference))
        return f"Pays 1 when {spoken(self.input)} {words}, else 0."

    def check(self, where: str, rows: Sequence[Prompt], response_format: bool) -> Iterator[Finding]:
        if self.looks_within:
            yield from self._check_empty(where, rows)
        yield from super().check(where, rows, response_format)

    def _check_empty(self, where: str, rows: Sequence[Prompt]) -> Iterator[Finding]:
        """An empty needle is found in everything."""
        template = self.templates["reference"]
        if any(reference.namespace == "sample" for reference in template.references):
            return
        empty = RowCount()
        for prompt in rows:
            with contextlib.suppress(VariableError):
                if template.fill({"item": prompt.item}) == "":
                    empty.add(prompt.row)
        if empty.total:
            what = f"the reference is empty in {empty.total:,} of {len(rows):,} rows {empty}."
            fix = f"{self.operation} finds an empty reference in every response and pays 1."
            yield Finding(Severity.WARNING, f"{where}.reference", what, fix)

    def build(self, options: BuildOptions) -> Grader:
        return self.comparing(partial(string_check, self.operation))
