"""What is wrong with the rows of a file: one line for each kind of problem, with the first places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dryrun.core.errors import DatasetError, Problem
from dryrun.core.text import plural

FIRST_PLACES = 5
MAX_KINDS = 500
"""Kinds that are told apart; the rest are counted."""

_NUMBER = re.compile(r"\d+")


@dataclass(slots=True)
class _Kind:
    problem: Problem
    rows: int = 0
    last: int = 0
    lines: list[int] = field(default_factory=list)


class ProblemKinds:
    """Problems of rows, put together where only numbers in them differ.

    Parameters
    ----------
    unit : str
        What rows are counted in: ``"line"`` or ``"row"``.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._kinds: dict[tuple[str, str], _Kind] = {}
        self.bad_rows = 0
        self.count = 0

    def add(self, line: int, problems: Sequence[Problem]) -> None:
        """Take in everything that is wrong with one row."""
        self.bad_rows += 1
        for problem in problems:
            self.count += 1
            key = _NUMBER.sub("#", problem.where), _NUMBER.sub("#", problem.what)
            if key not in self._kinds and len(self._kinds) >= MAX_KINDS:
                key = "", ""
            known = self._kinds.setdefault(key, _Kind(problem))
            if known.last != line:
                known.rows, known.last = known.rows + 1, line
                if len(known.lines) < FIRST_PLACES:
                    known.lines.append(line)

    def refusal(self, name: str, done: str = "loaded") -> DatasetError:
        """The error that names them all, in the order in which they were met; `done` is what was not done."""
        counted = f"{plural(self.count, 'problem')} in {plural(self.bad_rows, 'row')}"
        lines = [self._line(known) for known in self._kinds.values()]
        return DatasetError(f"{name} has {counted}; nothing was {done}.", lines)

    def _line(self, known: _Kind) -> Problem:
        problem, first = known.problem, ", ".join(map(str, known.lines))
        where = f"{self._unit} {first}"
        if known.rows > 1:
            more = ", ..." if known.rows > len(known.lines) else ""
            where = f"{known.rows:,} rows ({self._unit}s {first}{more})"
        return Problem(f"{where}, {problem.where}" if problem.where else where, problem.what, problem.fix)
