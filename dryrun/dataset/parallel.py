"""A large file, read by several processes, each its own part: lines of JSONL, row groups of Parquet.

Only sound files are finished here: when any part has a problem, or something about the file or the
machine is unusual, the caller goes through the file once more by itself and names what is wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import orjson

from dryrun.core.errors import DatasetError, Problem
from dryrun.core.paths import processors
from dryrun.dataset.columns import BY_NAME, ColumnMap, shaped
from dryrun.dataset.dataset import MAX_SPOOL_BYTES, Dataset, Files, FileStore, Spool
from dryrun.dataset.fields import SCANNED_ROWS
from dryrun.dataset.formats import BadRow, Format, JsonlRows, RawRow, checked_format
from dryrun.dataset.one_pass import FilePart, Pass
from dryrun.dataset.parse import parse_row
from dryrun.dataset.tabular import group_sizes, parquet_rows

PART_BYTES = 32 * 1024 * 1024
"""Smallest part worth a process of its own, which takes a third of a second to start."""
MAX_PROCESSES = 8
MODULE = "dryrun.dataset.parallel"


@dataclass(frozen=True, slots=True)
class Task:
    """The work of one process.

    Attributes
    ----------
    path : str
    start, end : int
        Bytes of a JSONL file in which the lines begin, or row groups of a Parquet file; `end` excluded.
    columns : ColumnMap
    text : str
        Where to write the rows as JSON text; ``""`` where the file itself holds them.
    most : int
        Bytes that this text may come to.
    """

    path: str
    start: int
    end: int
    columns: ColumnMap = BY_NAME
    text: str = ""
    most: int = MAX_SPOOL_BYTES


def read_large(path: Path, name: str, columns: ColumnMap) -> Dataset | None:
    """The dataset in a large file; None if one process is enough.

    Raises
    ------
    OSError
        The file cannot be opened.
    DatasetError
        It is plainly not what its name says.
    """
    if processors() < 2:
        return None
    with path.open("rb") as file:
        form = checked_format(file, name)
        if form is Format.JSONL:
            return _read_jsonl(path, name, columns, JsonlRows(file))
    return _read_parquet(path, name, columns) if form is Format.PARQUET else None


def _read_jsonl(path: Path, name: str, columns: ColumnMap, rows: Iterable[RawRow | BadRow]) -> Dataset | None:
    size = path.stat().st_size
    count = min(MAX_PROCESSES, processors(), size // PART_BYTES)
    whole = Pass(name, columns, "line", FileStore(path))
    if count < 2 or not _look_for_fields(rows, whole, columns):
        return None
    bounds = [size * number // count for number in range(count)] + [sys.maxsize]
    tasks = [Task(str(path.resolve()), start, end, columns) for start, end in pairwise(bounds)]
    return _together(whole, tasks, None)


def _read_parquet(path: Path, name: str, columns: ColumnMap) -> Dataset | None:
    sizes = group_sizes(path)
    count = min(MAX_PROCESSES, processors(), len(sizes), sum(sizes) // PART_BYTES)
    texts = Files()
    whole = Pass(name, columns, "row", texts)
    try:
        if count < 2 or not _look_for_fields(parquet_rows(path, name, columns), whole, columns):
            return None
    except DatasetError:
        return None
    with tempfile.TemporaryDirectory() as folder:
        tasks = [
            Task(str(path.resolve()), start, end, columns, f"{folder}/{start}", MAX_SPOOL_BYTES // count)
            for start, end in pairwise(evenly(sizes, count))
        ]
        return _together(whole, tasks, texts)


def evenly(sizes: Sequence[int], count: int) -> list[int]:
    """Where to divide things into `count` parts of about the same size, none empty; both ends included.

    >>> evenly([5, 1, 1, 1, 1, 1], 2)
    [0, 1, 6]
    """
    whole, bounds = sum(sizes), [0]
    for number, reached in enumerate(accumulate(sizes), 1):
        left = count - len(bounds)
        if left and (reached * count >= whole * len(bounds) or len(sizes) - number == left):
            bounds.append(number)
    return [*bounds[:count], len(sizes)]


def _look_for_fields(rows: Iterable[RawRow | BadRow], whole: Pass, columns: ColumnMap) -> bool:
    """Offer the first rows to the search for topic fields; False if one of them is not sound."""
    for entry, _ in zip(rows, range(SCANNED_ROWS), strict=False):
        if isinstance(entry, BadRow):
            return False
        parsed = parse_row(entry.raw)
        row = parsed if isinstance(parsed, Problem) else shaped(parsed[0], columns)
        if not isinstance(row, dict):
            return False
        whole.note_fields(row)
    return True


def _together(whole: Pass, tasks: Sequence[Task], texts: Files | None) -> Dataset | None:
    """What all processes found; None where one found a problem or died."""
    lines = 0
    for task, part in zip(tasks, _parts(tasks), strict=True):
        if part is None:
            return None
        whole.absorb(part, lines, texts.add(Path(task.text)) if texts is not None else 0)
        lines += part.lines
    return whole.finish()


def _parts(tasks: Iterable[Task]) -> Iterator[FilePart | None]:
    """What each process found, in the order of the tasks; None for one that found a problem or died."""
    with ExitStack() as stack:
        children = []
        for task in tasks:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", MODULE, orjson.dumps(task).decode()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": _import_path()},
            )
            stack.enter_context(child)
            stack.callback(child.kill)
            children.append(child)
        for child in children:
            yield part_from(child.communicate()[0])


def _import_path() -> str:
    package = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))


def read_part(task: Task) -> FilePart | None:
    """What one part of a file holds; None if any row has a problem."""
    path = Path(task.path)
    if task.text:
        return _read_groups(path, task)
    reader = Pass(path.name, task.columns, "line", Spool(), partial=True)
    with path.open("rb") as file:
        rows = JsonlRows(file, task.start, task.end)
        try:
            reader.take_all(rows)
        except DatasetError:
            return None
    return reader.part(rows.number)


def _read_groups(path: Path, task: Task) -> FilePart | None:
    text = Spool(Path(task.text), task.most)
    reader = Pass(path.name, task.columns, "row", text, partial=True)
    try:
        reader.take_all(parquet_rows(path, path.name, task.columns, range(task.start, task.end)))
    except DatasetError:
        return None
    finally:
        text.close()
    return reader.part(reader.rows)


def packed(part: FilePart | None) -> bytes:
    """A part as bytes: a line of JSON, then its numbers and digests."""
    if part is None:
        return b"null\n"
    head = orjson.dumps([part.lines, len(part.digests) // 16, part.topics, part.advice])
    return b"\n".join((head, bytes(part.numbers) + part.digests))


def part_from(content: bytes) -> FilePart | None:
    """The part that `packed` made; None if there is none, or it arrived incomplete."""
    head, _, rest = content.partition(b"\n")
    if head in (b"", b"null"):
        return None
    lines, rows, topics, advice = orjson.loads(head)
    if len(rest) != (32 + 16) * rows:
        return None
    return FilePart(lines, topics, advice, rest[: 32 * rows], rest[32 * rows :])


def main() -> None:
    """The work of one process: a `Task` as JSON; the part on standard output."""
    fields = orjson.loads(sys.argv[1])
    task = Task(**{**fields, "columns": ColumnMap(**fields["columns"])})
    sys.stdout.buffer.write(packed(read_part(task)))


if __name__ == "__main__":
    main()
