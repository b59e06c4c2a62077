"""CSV and TSV, turned into JSON text one row at a time."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO

from dryrun.core.errors import DatasetError, Problem
from dryrun.core.text import plural
from dryrun.dataset.columns import ColumnMap
from dryrun.dataset.formats import BOM, BadRow, Format, RawRow
from dryrun.dataset.limits import limits
from dryrun.dataset.parse import MAX_ROW_BYTES, parse_row
from dryrun.dataset.tabular import JSON_COLUMNS, unpack_cells

SEPARATORS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
"""What can stand between two cells."""
BETWEEN = {Format.CSV: ",", Format.TSV: "\t"}
"""What stands there unless the header says otherwise."""
DECLARED = re.compile(r"sep=(.)\r?\n?$")
"""The line that Excel writes and reads in front of a header."""
HEADER_BYTES = 1 << 20


def csv_rows(
    file: BinaryIO, name: str, columns: ColumnMap | None = None, form: Format = Format.CSV
) -> Iterator[RawRow | BadRow]:
    """Every record of a CSV or TSV file (UTF-8, a header, quotes doubled inside quotes).

    The header tells the separator where the usual one is not in it. A column without a name, as an index is
    written, is left out.

    Parameters
    ----------
    file : binary file
    name : str
        The file's name, for messages.
    columns : ColumnMap, optional
        Where one of the columns must hold the prompt.
    form : Format
        `Format.CSV` or `Format.TSV`.

    Raises
    ------
    DatasetError
        The header cannot be used.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW_BYTES))
    lines = _TextLines(file)
    between, declared = _separator(file, BETWEEN[form])
    if declared:
        next(lines)
    reader = csv.reader(lines, delimiter=between, strict=True)
    header: list[str] | None = None
    while True:
        start = lines.number + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield BadRow(
                start,
                (
                    Problem(
                        "",
                        f"is not valid {form.words} ({error}).",
                        "Is a quote left open? Within quotes a quote is written twice.",
                    ),
                ),
            )
            continue
        if cells is None:
            return
        if lines.problem is not None:
            yield BadRow(start, (lines.problem,))
            lines.problem = None
        elif header is None and cells:
            header = _check_header([cell.strip() for cell in cells], name, columns)
        elif header is not None and cells:
            yield _csv_row(start, header, cells, SEPARATORS[between])


def _separator(file: BinaryIO, usual: str) -> tuple[str, bool]:
    """What stands between the cells of a file at its start, and whether its first line is only that."""
    lines = iter(partial(file.readline, HEADER_BYTES), b"")
    line = next((line for raw in lines if (line := raw.removeprefix(BOM)).strip()), b"").decode(
        errors="replace"
    )
    file.seek(0)
    declared = DECLARED.match(line)
    if declared is not None and declared[1] in SEPARATORS:
        return declared[1], True
    cells = {sign: _cells(line, sign) for sign in (usual, *SEPARATORS)}
    return (usual if cells[usual] > 1 else max(cells, key=lambda sign: cells[sign])), False


def _cells(line: str, between: str) -> int:
    """The number of cells in a line; 0 where it cannot be read as cells."""
    try:
        return len(next(csv.reader([line], delimiter=between), []))
    except csv.Error:
        return 0


class _TextLines(Iterator[str]):
    """Lines of UTF-8 text; a line that is not UTF-8 is noted and passed on with marks in its place."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.number = 0
        self.problem: Problem | None = None

    def __next__(self) -> str:
        raw = self._file.readline(MAX_ROW_BYTES)
        if not raw:
            raise StopIteration
        self.number += 1
        if self.number == 1:
            raw = raw.removeprefix(BOM)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            bad = parse_row(raw)
            self.problem = bad if isinstance(bad, Problem) else None
            return raw.decode(errors="replace")


def _check_header(header: list[str], name: str, columns: ColumnMap | None) -> list[str]:
    if (most := limits()) is not None:
        most.check(name, "line 1", columns=len(header))
    problems = [
        Problem("line 1", f"the column {column!r} appears twice.", "Rename one.")
        for column, times in Counter(header).items()
        if column and times > 1
    ]
    if columns is not None and not columns.usable(header):
        problem = columns.without_prompt([column for column in header if column])
        problems.append(replace(problem, where="line 1"))
    if problems:
        raise DatasetError(f"{name} cannot be read: its header is not usable.", problems)
    return header


def _csv_row(line: int, header: Sequence[str], cells: Sequence[str], between: str) -> RawRow | BadRow:
    if len(cells) != len(header):
        what = f"{plural(len(cells), 'cell')} where the header names {plural(len(header), 'column')}."
        return BadRow(line, (Problem("", what, f"Put quotes around a cell that holds a {between}."),))
    row: dict[str, Any] = dict(zip(header, cells, strict=True))
    row.pop("", None)
    for column in JSON_COLUMNS:
        if column in row and not row[column].strip():
            del row[column]
    return unpack_cells(line, row)
