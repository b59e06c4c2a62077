"""JSONL: the lines of a file, in one streaming pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from dryrun.dataset.parse import MAX_ROW_BYTES, too_long
from dryrun.errors import Problem

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
    offset = len(BOM) if file.read(len(BOM)) == BOM else 0
    file.seek(offset)
    number = 0
    while raw := file.readline(MAX_ROW_BYTES + 2):
        number += 1
        if len(raw) > MAX_ROW_BYTES and not raw.endswith(b"\n"):
            length = len(raw) + _skip_line(file)
            yield BadRow(number, (too_long(length),))
        else:
            length = len(raw)
            if not raw.isspace():
                yield RawRow(number, raw, offset)
        offset += length


def _skip_line(file: BinaryIO) -> int:
    """Pass over the rest of a line; its length in bytes."""
    skipped = 0
    while chunk := file.readline(1 << 20):
        skipped += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return skipped
