"""JSONL: the lines of a file, in one streaming pass."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from dryrun.core.errors import Problem
from dryrun.dataset.parse import MAX_ROW_BYTES, too_long

BOM = b"\xef\xbb\xbf"


class RawRow(NamedTuple):
    """The JSON text of one row.

    Attributes
    ----------
    line : int
        Where it stands in the file: line (JSONL, CSV) or row (Parquet, lists), from 1.
    raw : bytes
        The text, with the white space around it.
    offset : int or None
        Where `raw` begins in the file; None if the file does not hold this text (other formats).
    """

    line: int
    raw: bytes
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not even be made into JSON text."""

    line: int
    problems: tuple[Problem, ...]


def jsonl_rows(file: BinaryIO) -> Iterator[RawRow | BadRow]:
    """Every line that is not blank. No line is held beyond `MAX_ROW_BYTES`.

    Parameters
    ----------
    file : binary file
        At its start.
    """
    return iter(JsonlRows(file))


class JsonlRows:
    """The lines of a file, or those that begin within a range of its bytes.

    Parameters
    ----------
    file : binary file
        Seekable.
    start, end : int
        The range, `end` excluded. Lines are numbered from the range's first one.

    Attributes
    ----------
    number : int
        Lines passed so far, blank ones included.
    """

    def __init__(self, file: BinaryIO, start: int = 0, end: int = sys.maxsize) -> None:
        self._file, self._start, self._end = file, start, end
        self.number = 0

    def __iter__(self) -> Iterator[RawRow | BadRow]:
        """Every line that is not blank. No line is held beyond `MAX_ROW_BYTES`."""
        file, end = self._file, self._end
        offset = self._first()
        while offset < end and (raw := file.readline(MAX_ROW_BYTES + 2)):
            self.number += 1
            length = len(raw)
            if length > MAX_ROW_BYTES and not raw.endswith(b"\n"):
                length += _skip_line(file)
                yield BadRow(self.number, (too_long(length),))
            elif not raw.isspace():
                yield tuple.__new__(RawRow, (self.number, raw, offset))  # half the time of RawRow(...)
            offset += length

    def _first(self) -> int:
        """Go to the first line that begins in the range; its offset."""
        if self._start:
            self._file.seek(self._start - 1)
            return self._start - 1 + _skip_line(self._file)
        self._file.seek(0)
        offset = len(BOM) if self._file.read(len(BOM)) == BOM else 0
        self._file.seek(offset)
        return offset


def _skip_line(file: BinaryIO) -> int:
    """Pass over the rest of a line; its length in bytes."""
    skipped = 0
    while chunk := file.readline(1 << 20):
        skipped += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return skipped
