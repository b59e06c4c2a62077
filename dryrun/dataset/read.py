"""One streaming pass that validates every row and remembers where it is, not what it says."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from dryrun.core.errors import DatasetError, Problem
from dryrun.core.records import Item
from dryrun.dataset.columns import BY_NAME, ColumnMap
from dryrun.dataset.dataset import BytesStore, Dataset, FileStore, RowStore, Spool
from dryrun.dataset.formats import BadRow, Format, JsonlRows, RawRow, checked_format, files_of
from dryrun.dataset.limits import limits
from dryrun.dataset.one_pass import Pass
from dryrun.dataset.parallel import read_large
from dryrun.dataset.parse import parse_row
from dryrun.dataset.tables.documents import document_rows
from dryrun.dataset.tables.separated import csv_rows
from dryrun.dataset.tabular import arrow_rows, parquet_rows, to_raw_row


def read_dataset(source: Path | bytes | BinaryIO, name: str, columns: ColumnMap = BY_NAME) -> Dataset:
    """Read and validate a dataset: JSONL, Parquet, CSV, TSV, Arrow, or a JSON document; also packed.

    Parameters
    ----------
    source : Path, bytes or binary file
        A file on this machine, a folder (see `files_of`), or an upload.
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
    if isinstance(source, Path) and os.path.isdir(source):
        return Pass(name, columns, "row", Spool()).read(rows_of_folder(source, columns))
    with opened(source, name) as file:
        if isinstance(file, Unpacked):
            store: RowStore = Spool()
        elif isinstance(source, Path):
            if (dataset := read_large(source, name, columns)) is not None:
                return dataset
            store = FileStore(source)
        else:
            store = BytesStore(file.read())
            file.seek(0)
        form = checked_format(file, name)
        reader = Pass(name, columns, form.unit, store if form is Format.JSONL else Spool())
        return reader.read(rows_in(file, name, form, columns))


FIRST_ROWS = 5
TRIED_ROWS = 1000
"""Rows among which those are looked for."""


def first_rows(source: Path | bytes | BinaryIO, name: str, most: int = FIRST_ROWS) -> list[Item]:
    """The first rows as the file has them, for a form that asks which field is what.

    Rows that cannot be read are left out; `read_dataset` says what is wrong with them.

    Raises
    ------
    DatasetError
        The file is plainly not what its name says.
    """
    if isinstance(source, Path) and os.path.isdir(source):
        return list(islice(readable(islice(rows_of_folder(source), TRIED_ROWS)), most))
    with opened(source, name) as file:
        entries = islice(rows_in(file, name, checked_format(file, name)), TRIED_ROWS)
        return list(islice(readable(entries), most))


def rows_of_folder(folder: Path, columns: ColumnMap | None = None) -> Iterator[RawRow | BadRow]:
    """The rows of all its files, numbered from 1."""
    numbers = count(1)
    for path in files_of(folder):
        name = f"{path.parent.name}/{path.name}"
        with opened(path, name) as file:
            for entry in rows_in(file, name, checked_format(file, name), columns):
                if isinstance(entry, BadRow):
                    yield BadRow(next(numbers), entry.problems)
                else:
                    yield RawRow(next(numbers), entry.raw)


def readable(entries: Iterable[RawRow | BadRow]) -> Iterator[Item]:
    """The rows that are objects, as they are written; the others are left out."""
    for entry in entries:
        parsed = parse_row(entry.raw) if isinstance(entry, RawRow) else None
        if isinstance(parsed, tuple) and isinstance(parsed[0], dict):
            yield parsed[0]


class Unpacked(tempfile.SpooledTemporaryFile[bytes]):
    """What was in a packed file: in memory while small, then in an unnamed temporary file."""


MOST_UNPACKED = 16 * 1024**3
"""Bytes that a packed file of the user's own may come to (16 GiB)."""
IN_MEMORY = 32 * 1024**2


UNPACK: Mapping[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\x28\xb5\x2f\xfd": partial(pa.CompressedInputStream, compression="zstd"),
}
"""What is packed, by its first bytes."""


@contextlib.contextmanager
def _unpacked(file: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """The file itself, or what is packed in it or comes through it, if it is a pipe.

    Raises
    ------
    DatasetError
        It is damaged, or comes to more than may be unpacked.
    """
    if not file.seekable():
        with Unpacked(max_size=IN_MEMORY) as whole:
            while piece := file.read(1 << 20):
                whole.write(piece)
                _check_unpacked(whole.tell(), name)
            whole.seek(0)
            with _unpacked(cast(BinaryIO, whole), name) as inner:
                yield inner
        return
    start = file.read(4)
    file.seek(0)
    unpack = next((unpack for mark, unpack in UNPACK.items() if start.startswith(mark)), None)
    if unpack is None:
        yield file
        return
    with Unpacked(max_size=IN_MEMORY) as whole:
        try:
            with unpack(file) as packed:
                while piece := packed.read(1 << 20):
                    whole.write(piece)
                    _check_unpacked(whole.tell(), name)
        except (OSError, EOFError, zlib.error) as error:
            problem = Problem(
                "file", f"it cannot be unpacked ({error}).", "Pack it again, or unpack it first."
            )
            raise DatasetError(f"{name} cannot be read.", [problem]) from error
        whole.seek(0)
        yield cast(BinaryIO, whole)


def _check_unpacked(size: int, name: str) -> None:
    if (most := limits()) is not None:
        most.check(name, "file", unpacked=size)
    if size > MOST_UNPACKED:
        what = f"it unpacks to more than {MOST_UNPACKED >> 30} GiB."
        raise DatasetError(f"{name} cannot be read.", [Problem("file", what, "Unpack it first.")])


@contextlib.contextmanager
def opened(source: Path | bytes | BinaryIO, name: str) -> Iterator[BinaryIO]:
    """A dataset's file, or what is packed in it, open at its start.

    Raises
    ------
    DatasetError
        It cannot be opened or read.
    """
    try:
        if isinstance(source, Path):
            with source.open("rb") as file, _unpacked(file, name) as whole:
                yield whole
        else:
            held = io.BytesIO(source if isinstance(source, bytes) else source.read())
            with _unpacked(held, name) as whole:
                yield whole
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
    return "Name one file in it." if os.path.isdir(path) else "Check the path and its permissions."


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
        if isinstance(file, Unpacked):  # which is gone afterwards
            return (e._replace(offset=None) if isinstance(e, RawRow) else e for e in JsonlRows(file))
        return iter(JsonlRows(file))
    if form is Format.JSON:
        return document_rows(file, name)
    if form is Format.PARQUET:
        return parquet_rows(file, name, columns)
    if form is Format.ARROW:
        return arrow_rows(file, name, columns)
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
