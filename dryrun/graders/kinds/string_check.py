"""string_check: is one text the other, or within it?"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dryrun.core.records import Prompt
from dryrun.graders.format.findings import Finding, RowCount, Severity
from dryrun.graders.format.specs import spoken
from dryrun.graders.format.template import VariableError
from dryrun.graders.kinds.text import ComparingSpec
from dryrun.graders.protocol import BuildOptions, Grader


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
