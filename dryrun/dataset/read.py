"""One streaming pass that validates every row and remembers where it is, not what it says."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from dryrun.core.errors import DatasetError, Problem
from dryrun.core.records import Item
from dryrun.dataset.columns import BY_NAME, ColumnMap
from dryrun.dataset.dataset import BytesStore, Dataset, FileStore, RowStore, Spool
from dryrun.dataset.formats import BadRow, Format, JsonlRows, RawRow, checked_format, json_list_rows
from dryrun.dataset.one_pass import Pass
from dryrun.dataset.parallel import read_large
from dryrun.dataset.parse import parse_row
from dryrun.dataset.tabular import csv_rows, parquet_rows, to_raw_row


def read_dataset(source: Path | bytes | BinaryIO, name: str, columns: ColumnMap = BY_NAME) -> Dataset:
    """Read and validate a dataset: JSONL, Parquet, CSV, TSV, or a JSON list of rows.

    Parameters
    ----------
    source : Path, bytes or binary file
        A file on this machine, or an upload.
    name : str
        The file's name as the user knows it. Its ending decides the format; without a known ending
        the content does.
    columns : ColumnMap
        Which fields hold the prompt, the reference answer and the topic. Default: the usual names.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        Anything is wrong with the file. Every problem is found in one pass, named by line and field;
        the first 20 are spelled out, the rest counted, and nothing is loaded.
    """
    with opened(source, name) as file:
        if isinstance(source, Path):
            if (dataset := read_large(source, name, columns)) is not None:
                return dataset
            store: RowStore = FileStore(source)
        else:
            store = BytesStore(file.read())
            file.seek(0)
        form = checked_format(file, name)
        reader = Pass(name, columns, form.unit, store if form is Format.JSONL else Spool())
        return reader.read(rows_in(file, name, form, columns))


FIRST_ROWS = 5


def first_rows(source: Path | bytes | BinaryIO, name: str, count: int = FIRST_ROWS) -> list[Item]:
    """The first rows as the file has them, for a form that asks which field is what.

    Rows that cannot be read are left out; `read_dataset` says what is wrong with them.

    Raises
    ------
    DatasetError
        The file is plainly not what its name says.
    """
    rows: list[Item] = []
    with opened(source, name) as file:
        for entry in rows_in(file, name, checked_format(file, name)):
            parsed = parse_row(entry.raw) if isinstance(entry, RawRow) else None
            if isinstance(parsed, tuple) and isinstance(parsed[0], dict):
                rows.append(parsed[0])
            if len(rows) == count:
                break
    return rows


@contextlib.contextmanager
def opened(source: Path | bytes | BinaryIO, name: str) -> Iterator[BinaryIO]:
    """A dataset's file, open at its start.

    Raises
    ------
    DatasetError
        It cannot be opened or read.
    """
    try:
        if isinstance(source, Path):
            with source.open("rb") as file:
                yield file
        else:
            yield io.BytesIO(source if isinstance(source, bytes) else source.read())
    except OSError as error:
        fix = _instead(str(source)) if isinstance(source, Path) else "Check the path and its permissions."
        problem = Problem("file", f"{error.strerror or error}.", fix)
        raise DatasetError(f"{name} cannot be opened.", [problem]) from error


def _instead(path: str) -> str:
    """What to give in place of a path that cannot be opened."""
    if path.startswith(("http:", "https:")):
        return "Give a file on this machine, or hf://datasets/owner/name."
    if path == "-":
        return "Standard input is not read: save the rows as a file."
    if "*" in path:
        return "Patterns are not read: name one file."
    return "Name one file in it." if Path(path).is_dir() else "Check the path and its permissions."


def rows_in(
    file: BinaryIO, name: str, form: Format, columns: ColumnMap | None = None
) -> Iterator[RawRow | BadRow]:
    """The rows of a file in this format; with `columns`, a table must have a column for the prompt.

    Raises
    ------
    DatasetError
        While going through them: the file is damaged, or its columns hold no prompt.
    """
    if form is Format.JSONL:
        return iter(JsonlRows(file))
    if form is Format.JSON:
        return json_list_rows(file, name)
    if form is Format.PARQUET:
        return parquet_rows(file, name, columns)
    return csv_rows(file, name, columns, form)


def dataset_from_items(
    items: Iterable[Mapping[str, Any]], name: str = "prompts", columns: ColumnMap = BY_NAME
) -> Dataset:
    """The same for rows that are already Python objects, as a notebook has them.

    Parameters
    ----------
    items : iterable of mapping
        Rows in the same format; they are copied. Dates become ISO 8601 text, decimals text.
    name : str
        What to call them in messages and reports.
    columns : ColumnMap
        As in `read_dataset`.

    Raises
    ------
    DatasetError
        As in `read_dataset`; problems are named by row, from 1.
    """
    feed = (to_raw_row(number, row) for number, row in enumerate(items, 1))
    return Pass(name, columns, "row", Spool()).read(feed)
