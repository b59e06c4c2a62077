"""A large JSONL file, read by several processes, each its own part of it.

Only sound files are finished here: when any part has a problem, or something about the file or the
machine is unusual, the caller goes through the file once more by itself and names what is wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import orjson

from dryrun.dataset.formats import Format, check_start, format_of
from dryrun.dataset.jsonl import BadRow, JsonlRows, jsonl_rows
from dryrun.dataset.parse import parse_row
from dryrun.dataset.passing import Part, Pass
from dryrun.dataset.store import FileStore, Spool
from dryrun.dataset.table import Dataset
from dryrun.dataset.topics import SCANNED_ROWS
from dryrun.errors import DatasetError, Problem

PART_BYTES = 32 * 1024 * 1024
"""Smallest part worth a process of its own, which takes a third of a second to start."""
MAX_PROCESSES = 8
MODULE = "dryrun.dataset.parallel"


def read_large(path: Path, name: str, topic_field: str | None) -> Dataset | None:
    """The dataset in a large JSONL file; None if it is better read in the ordinary way.

    Raises
    ------
    OSError
        The file cannot be opened.
    DatasetError
        It is plainly not JSONL.
    """
    size = path.stat().st_size
    count = min(MAX_PROCESSES, _processors(), size // PART_BYTES)
    if count < 2:
        return None
    with path.open("rb") as file:
        start = file.read(4096)
        form = format_of(name, start)
        check_start(name, form, start)
        if form is not Format.JSONL:
            return None
        found = Pass(name, topic_field, "line", FileStore(path))
        if not _look_for_fields(file, found):
            return None
    lines = 0
    for part in _parts(path, size, count, topic_field):
        if part is None:
            return None
        found.absorb(part, lines)
        lines += part.lines
    return found.finish()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _look_for_fields(file: BinaryIO, found: Pass) -> bool:
    """Offer the first rows to the search for topic fields; False if one of them is not sound."""
    for entry, _ in zip(jsonl_rows(file), range(SCANNED_ROWS), strict=False):
        if isinstance(entry, BadRow):
            return False
        parsed = parse_row(entry.raw)
        if isinstance(parsed, Problem) or not isinstance(parsed[0], dict):
            return False
        found.note_fields(parsed[0])
    return True


def _parts(path: Path, size: int, count: int, topic_field: str | None) -> Iterator[Part | None]:
    """What each process found, in the order of the file; None for one that found a problem or died."""
    bounds = [size * number // count for number in range(count)] + [sys.maxsize]
    with ExitStack() as stack:
        children = []
        for start, end in pairwise(bounds):
            task = [
                str(path.resolve()),
                str(start),
                str(end),
                *([] if topic_field is None else [topic_field]),
            ]
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", MODULE, *task],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": _import_path()},
            )
            stack.enter_context(child)
            stack.callback(child.kill)
            children.append(child)
        for child in children:
            yield unpacked(child.communicate()[0])


def _import_path() -> str:
    package = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))


def read_part(path: Path, start: int, end: int, topic_field: str | None) -> Part | None:
    """The rows whose lines begin within a range of the file's bytes; None if any has a problem."""
    found = Pass(path.name, topic_field, "line", Spool())
    with path.open("rb") as file:
        rows = JsonlRows(file, start, end)
        try:
            found.take_all(rows)
        except DatasetError:
            return None
    return found.part(rows.number)


def packed(part: Part | None) -> bytes:
    """A part as bytes: a line of JSON, then its numbers and digests."""
    if part is None:
        return b"null\n"
    head = orjson.dumps([part.lines, part.rows, part.topics, part.advice])
    return b"\n".join((head, bytes(part.numbers) + part.digests))


def unpacked(content: bytes) -> Part | None:
    """The part that `packed` made; None if there is none, or not all of it arrived."""
    head, _, rest = content.partition(b"\n")
    if head in (b"", b"null"):
        return None
    lines, rows, topics, advice = orjson.loads(head)
    if len(rest) != (32 + 16) * rows:
        return None
    return Part(lines, rows, topics, advice, rest[: 32 * rows], rest[32 * rows :])


def main() -> None:
    """The work of one process: path, start, end, perhaps a topic field; the part on standard output."""
    path, start, end, *topic_field = sys.argv[1:]
    part = read_part(Path(path), int(start), int(end), topic_field[0] if topic_field else None)
    sys.stdout.buffer.write(packed(part))


if __name__ == "__main__":
    main()
