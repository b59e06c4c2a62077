"""Warnings: what is legal in a dataset but looks like a mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dryrun.dataset.rows import EXACT_WHOLE, RESERVED_KEYS, Role

_SYSTEM, _USER = Role.SYSTEM.value, Role.USER.value  # plain text compares faster
_SHOWN_LINES = 5


class Advice:
    """Counts what deserves a warning, row by row.

    Parameters
    ----------
    unit : str
        What rows are counted in: ``"line"`` or ``"row"``.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._rows = 0
        self._topics = 0
        self._found: dict[str, list[int]] = {}

    def add(self, row: Mapping[str, Any], line: int, topic: str, usual: bool = False) -> None:
        """Look at one sound row; `usual` where `is_usual` has found that there is nothing to see."""
        self._rows += 1
        if topic:
            self._topics += 1
        else:
            self._note("without", line)
        if not usual:
            self._look_at(row, line)

    def _look_at(self, row: Mapping[str, Any], line: int) -> None:
        messages = row["messages"]
        if messages[-1]["role"] != _USER:
            self._note("last", line)
        for message in messages:
            if message["role"] == _SYSTEM:
                self._note("system", line)
                break
        if len(row) <= len(RESERVED_KEYS) and row.keys() <= RESERVED_KEYS:
            self._note("bare", line)
        for value in row.values():
            if type(value) is float and abs(value) >= EXACT_WHOLE:
                self._note("large", line)
                break

    def _note(self, what: str, line: int) -> None:
        # Count first, then the first lines: flat memory however many rows share the fault.
        noted = self._found.setdefault(what, [0])
        noted[0] += 1
        if len(noted) <= _SHOWN_LINES:
            noted.append(line)

    def counted(self) -> dict[str, list[int]]:
        """What was found, as plain numbers for `absorb`: by kind, how often and the first lines."""
        return {"rows": [self._rows], "topics": [self._topics], **self._found}

    def absorb(self, counted: Mapping[str, list[int]], lines_before: int) -> None:
        """Add what was found in the next part of the file, which begins after `lines_before` lines."""
        self._rows += counted["rows"][0]
        self._topics += counted["topics"][0]
        for what, (count, *first) in counted.items():
            if what in ("rows", "topics"):
                continue
            noted = self._found.setdefault(what, [0])
            noted[0] += count
            noted += [lines_before + line for line in first][: _SHOWN_LINES + 1 - len(noted)]

    def sentences(self, digests: NDArray[np.uint64], lines: NDArray[np.int64]) -> Iterator[str]:
        """The warnings.

        Parameters
        ----------
        digests : uint64 array, shape (n_rows, 2)
            Row fingerprints, for exact duplicates.
        lines : int64 array, shape (n_rows,)
            Where each row stands in the file.
        """
        yield from self._duplicates(digests, lines)
        yield from self._sentence("bare", "with no key beside messages and tools: a grader has no reference")
        yield from self._sentence(
            "last", "whose last message is not from the user; some platforms refuse that"
        )
        yield from self._sentence("system", "with a system message; OpenAI and Azure want developer instead")
        yield from self._sentence(
            "large", "with a number too long for 64 bits, rounded here: write it as text"
        )
        if 0 < self._topics < self._rows:
            yield from self._sentence("without", "without a topic")

    def _sentence(self, what: str, text: str) -> Iterator[str]:
        if what in self._found:
            count, *first = self._found[what]
            yield f"{_rows(count)} {text} ({self._places(first, count)})."

    def _duplicates(self, digests: NDArray[np.uint64], lines: NDArray[np.int64]) -> Iterator[str]:
        ordered = np.sort(digests[:, 0])  # one column tells nearly always, and is cheap to sort
        if not (ordered[1:] == ordered[:-1]).any():
            return
        order = np.lexsort((digests[:, 1], digests[:, 0]))
        repeats = order[1:][(digests[order[1:]] == digests[order[:-1]]).all(axis=1)]
        if len(repeats):
            first = np.sort(lines[repeats])[:_SHOWN_LINES].tolist()
            where = self._places(first, len(repeats))
            yield f"{_rows(len(repeats))} repeating an earlier row exactly ({where})."

    def _places(self, first: list[int], count: int) -> str:
        unit = self._unit if count == 1 else f"{self._unit}s"
        more = ", ..." if count > len(first) else ""
        return f"{unit} {', '.join(map(str, first))}{more}"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
