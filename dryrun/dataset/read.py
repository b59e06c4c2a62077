"""One streaming pass that validates every row and remembers where it is, not what it says."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from dryrun.core.errors import DatasetError, Problem
from dryrun.dataset.dataset import BytesStore, Dataset, FileStore, RowStore, Spool
from dryrun.dataset.formats import BadRow, Format, JsonlRows, RawRow, checked_format, json_list_rows
from dryrun.dataset.one_pass import Pass
from dryrun.dataset.parallel import read_large
from dryrun.dataset.tabular import csv_rows, parquet_rows, to_raw_row


def read_dataset(source: Path | bytes | BinaryIO, name: str, topic_field: str | None = None) -> Dataset:
    """Read and validate a dataset: JSONL, Parquet, CSV, or a JSON list of rows.

    Parameters
    ----------
    source : Path, bytes or binary file
        A file on this machine, or an upload.
    name : str
        The file's name as the user knows it. Its ending decides the format; without a known ending
        the content does.
    topic_field : str, optional
        Field that holds the topic, as a path with dots. Default: ``topic``, or else ``metadata.topic``.

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
            if (dataset := read_large(source, name, topic_field)) is not None:
                return dataset
            store: RowStore = FileStore(source)
        else:
            store = BytesStore(file.read())
            file.seek(0)
        form = checked_format(file, name)
        found = Pass(name, topic_field, form.unit, store if form is Format.JSONL else Spool())
        return found.read(rows_in(file, name, form))


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
        problem = Problem("file", f"{error.strerror or error}.", "Check the path and its permissions.")
        raise DatasetError(f"{name} cannot be opened.", [problem]) from error


def rows_in(file: BinaryIO, name: str, form: Format) -> Iterator[RawRow | BadRow]:
    """The rows of a file in this format.

    Raises
    ------
    DatasetError
        While going through them: the file is damaged, or its columns hold no prompt.
    """
    if form is Format.JSONL:
        return iter(JsonlRows(file))
    if form is Format.JSON:
        return json_list_rows(file, name)
    return csv_rows(file, name) if form is Format.CSV else parquet_rows(file, name)


def dataset_from_items(
    items: Iterable[Mapping[str, Any]], name: str = "prompts", topic_field: str | None = None
) -> Dataset:
    """The same for rows that are already Python objects, as a notebook has them.

    Parameters
    ----------
    items : iterable of mapping
        Rows in the same format; they are copied. Dates become ISO 8601 text, decimals text.
    name : str
        What to call them in messages and reports.
    topic_field : str, optional
        As in `read_dataset`.

    Raises
    ------
    DatasetError
        As in `read_dataset`; problems are named by row, from 1.
    """
    feed = (to_raw_row(number, row) for number, row in enumerate(items, 1))
    return Pass(name, topic_field, "row", Spool()).read(feed)
