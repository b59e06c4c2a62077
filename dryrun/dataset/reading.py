"""One streaming pass that validates every row and remembers where it is, not what it says."""

from __future__ import annotations

import hashlib
import io
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dryrun.config import DatasetRef
from dryrun.dataset.advice import Advice
from dryrun.dataset.formats import Format, check_start, format_of
from dryrun.dataset.jsonl import BadRow, RawRow, jsonl_rows
from dryrun.dataset.parse import parse_row
from dryrun.dataset.rows import check_row
from dryrun.dataset.store import BytesStore, FileStore, RowStore, Spool
from dryrun.dataset.table import Dataset
from dryrun.dataset.tabular import csv_rows, parquet_rows, to_raw_row
from dryrun.dataset.topics import TopicFieldFinder, topic_of
from dryrun.errors import SHOWN_PROBLEMS, DatasetError, Problem

MAX_SPOOL_BYTES = 8 * 1024**3
"""Most JSON text that the rows of a CSV or Parquet file may unpack to (8 GiB)."""


def read_dataset(source: Path | bytes | BinaryIO, name: str, topic_field: str | None = None) -> Dataset:
    """Read and validate a dataset: JSONL, Parquet or CSV.

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
    try:
        if isinstance(source, Path):
            with source.open("rb") as file:
                return _read(file, FileStore(source), name, topic_field)
        data = source if isinstance(source, bytes) else source.read()
        return _read(io.BytesIO(data), BytesStore(data), name, topic_field)
    except OSError as error:
        problem = Problem("file", f"{error.strerror or error}.", "Check the path and its permissions.")
        raise DatasetError(f"{name} cannot be opened.", [problem]) from error


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
    return _Pass(name, topic_field, "row", Spool()).read(feed)


def _read(file: BinaryIO, store: RowStore, name: str, topic_field: str | None) -> Dataset:
    start = file.read(4096)
    file.seek(0)
    form = format_of(name, start)
    check_start(name, form, start)
    if form is Format.JSONL:
        return _Pass(name, topic_field, "line", store).read(jsonl_rows(file))
    if form is Format.CSV:
        return _Pass(name, topic_field, "line", Spool()).read(csv_rows(file, name))
    return _Pass(name, topic_field, "row", Spool()).read(parquet_rows(file, name))


class _Pass:
    """What one pass over a dataset collects: a few numbers a row."""

    def __init__(self, name: str, topic_field: str | None, unit: str, store: RowStore) -> None:
        self._name = name
        self._topic_field = topic_field
        self._unit = unit
        self._store = store
        self._problems: list[Problem] = []
        self._problem_count = 0
        self._bad_rows = 0
        self._lines = array("q")
        self._spans = array("q")
        self._digests = bytearray()
        self._topics: dict[str, int] = {}
        self._topic_codes = array("q")
        self._finder = TopicFieldFinder()
        self._advice = Advice(unit)

    def read(self, feed: Iterator[RawRow | BadRow]) -> Dataset:
        """Go through all rows.

        Raises
        ------
        DatasetError
            Any row has a problem, or there is none.
        """
        for entry in feed:
            if isinstance(entry, BadRow):
                self._refuse(entry.line, entry.problems)
            else:
                self._take(entry)
        return self._finish()

    def _take(self, entry: RawRow) -> None:
        parsed = parse_row(entry.raw)
        if isinstance(parsed, Problem):
            self._refuse(entry.line, (parsed,))
            return
        row, canonical = parsed
        if problems := check_row(row):
            self._refuse(entry.line, problems)
            return
        topic = topic_of(row, self._topic_field)
        self._finder.add(row)
        self._advice.add(row, entry.line, topic)
        if self._problem_count:  # nothing of it will be loaded: go on only to find what else is wrong
            return
        self._lines.append(entry.line)
        self._spans.extend((self._place(entry), len(entry.raw)))
        self._digests += hashlib.sha256(canonical).digest()[:16]
        self._topic_codes.append(self._topics.setdefault(topic, len(self._topics)))

    def _place(self, entry: RawRow) -> int:
        if entry.offset is not None or not isinstance(self._store, Spool):
            return entry.offset or 0
        if self._store.length + len(entry.raw) > MAX_SPOOL_BYTES:
            what = f"the rows unpack to more than {MAX_SPOOL_BYTES >> 30} GiB of JSON."
            problem = Problem(f"{self._unit} {entry.line}", what, "Use JSONL, which is read in place.")
            raise DatasetError(f"{self._name} is too large to unpack.", [problem])
        return self._store.append(entry.raw)

    def _refuse(self, line: int, problems: Iterable[Problem]) -> None:
        self._bad_rows += 1
        for problem in problems:
            self._problem_count += 1
            if len(self._problems) < SHOWN_PROBLEMS:
                field = f", {problem.where}" if problem.where else ""
                self._problems.append(Problem(f"{self._unit} {line}{field}", problem.what, problem.fix))

    def _finish(self) -> Dataset:
        if self._problem_count:
            raise self._refusal()
        if not self._lines:
            problem = Problem("file", "there is no row in it.", "Give at least one row with messages.")
            raise DatasetError(f"{self._name} is empty.", [problem])
        self._check_topic_field()
        digests = np.frombuffer(bytes(self._digests), dtype=">u8").astype(np.uint64).reshape(-1, 2)
        lines = np.array(self._lines, dtype=np.int64)
        return Dataset(
            ref=DatasetRef(
                name=self._name,
                fingerprint=hashlib.sha256(self._digests).hexdigest()[:32],
                rows=len(lines),
                topic_field=self._topic_field,
            ),
            store=self._store,
            spans=np.array(self._spans, dtype=np.int64).reshape(-1, 2),
            row_digests=digests,
            topic_codes=np.array(self._topic_codes, dtype=np.int64),
            topic_names=tuple(self._topics),
            topic_fields=self._finder.candidates(),
            lines=lines,
            warnings=tuple(self._advice.sentences(digests, lines)),
        )

    def _refusal(self) -> DatasetError:
        many = self._problem_count
        counted = f"{many:,} problem{'s' if many > 1 else ''}"
        rows = f"{self._bad_rows:,} row{'s' if self._bad_rows > 1 else ''}"
        summary = f"{self._name} has {counted} in {rows}; nothing of it was loaded."
        return DatasetError(summary, self._problems, many)

    def _check_topic_field(self) -> None:
        if self._topic_field is None or set(self._topics) != {""}:
            return
        offered = ", ".join(self._finder.candidates()[:10])
        fix = f"Fields that could serve: {offered}." if offered else "Leave the field empty."
        problem = Problem(self._topic_field, "no row has a value in this field.", fix)
        raise DatasetError(f"{self._name} has no topics in the field picked.", [problem])
