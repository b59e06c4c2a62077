"""What validation has to say about a grader: how bad, where, what, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from dryrun.core.errors import GraderError, Problem

SHOWN_ROWS = 5
"""How many rows a finding names."""


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """The grader cannot be used like this."""
    WARNING = "warning"
    """It runs, but some rewards will not mean what they seem to."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing validation found.

    Attributes
    ----------
    severity : Severity
    where : str
        JSON path: ``"$.graders.exact.operation"``.
    what : str
        What is the matter, as a sentence part.
    fix : str
        What to do about it, as a sentence, or ``""``.
    """

    severity: Severity
    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.severity}: {self.problem}"

    @property
    def problem(self) -> Problem:
        """The same without its severity."""
        return Problem(self.where, self.what, self.fix)


@dataclass(slots=True)
class RowCount:
    """Rows that have something in common: how many, and the first of them (counted from 1)."""

    total: int = 0
    first: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Iterable[int]) -> RowCount:
        """The count of these rows (from 0)."""
        count = cls()
        for row in rows:
            count.add(row)
        return count

    def add(self, row: int) -> None:
        """One more row, counted from 0."""
        self.total += 1
        if len(self.first) < SHOWN_ROWS:
            self.first.append(row + 1)

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.first))
        more = ", ..." if self.total > len(self.first) else ""
        return f"({'row' if self.total == 1 else 'rows'} {shown}{more})"


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known spelling that `word` most likely means, or None."""
    if not isinstance(word, str):
        return None
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """``"Did you mean 'eq'?"``, or the list of what is known when nothing is near."""
    names = list(known)
    near = nearest(word, names)
    if near is not None:
        return f"Did you mean {near!r}?"
    return f"Known: {', '.join(names)}." if names else ""


def raise_errors(summary: str, findings: Iterable[Finding]) -> None:
    """Stop at findings that forbid going on.

    Raises
    ------
    GraderError
        There is a finding of severity `ERROR`; with all of them.
    """
    errors = [finding.problem for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise GraderError(summary, errors)
