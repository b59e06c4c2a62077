"""What the data directory holds: every partition with its size and the runs that need it; pruning."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dryrun.errors import StoreError
from dryrun.runs import list_runs
from dryrun.store import Partition, Store

LEFTOVER_AGE = 3600.0
"""A file written aside this many seconds ago belongs to a process that is gone."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One partition.

    Attributes
    ----------
    kind : str
        ``"samples"`` or ``"grades"``.
    partition : Partition
    name : str
        The model or the grader, as a person calls it.
    parts, rows, bytes : int
        Readable rows; parts and bytes of all files.
    runs : int
        How many runs need it.
    """

    kind: str
    partition: Partition
    name: str
    parts: int
    rows: int
    bytes: int
    runs: int


def entries(store: Store) -> list[Entry]:
    """Every partition, the largest first."""
    needed = needed_partitions(store)
    found = [
        _entry(kind, make(folder.name), needed[kind, folder.name])
        for kind, make in (("samples", store.samples), ("grades", store.grades))
        for folder in (store.root / kind).glob("*")
        if folder.is_dir()
    ]
    return sorted(found, key=lambda entry: -entry.bytes)


def needed_partitions(store: Store) -> Counter[tuple[str, str]]:
    """How many runs need each (kind, fingerprint)."""
    needed: Counter[tuple[str, str]] = Counter()
    for run in list_runs(store):
        with contextlib.suppress(StoreError):
            planned = run.plan()
            if planned is not None:
                needed["samples", planned[1].folder.name] += 1
                needed["grades", planned[2].folder.name] += 1
    return needed


def _entry(kind: str, partition: Partition, runs: int) -> Entry:
    parts = partition.parts()
    about = partition.about()
    grader = about.get("grader")
    name = about.get("model") or (grader.get("name") if isinstance(grader, dict) else None) or "unknown"
    return Entry(
        kind=kind,
        partition=partition,
        name=str(name),
        parts=len(parts),
        rows=sum(_rows(path) for path in parts),
        bytes=sum(_size(path) for path in partition.folder.iterdir()),
        runs=runs,
    )


def _rows(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def leftovers(store: Store) -> list[Path]:
    """Files that a killed process had not finished writing."""
    old = time.time() - LEFTOVER_AGE
    asides = [
        path for folder in ("samples", "grades", "runs") for path in (store.root / folder).glob("*/.*.*")
    ]
    found = []
    for path in asides:
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < old:
                found.append(path)
    return found


def remove(chosen: Sequence[Entry], files: Sequence[Path]) -> None:
    """Delete partitions and leftover files.

    Raises
    ------
    StoreError
        Something cannot be deleted; what came before it is gone.
    """
    try:
        for entry in chosen:
            shutil.rmtree(entry.partition.folder)
        for path in files:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"Cannot delete {error.filename}: {error.strerror}.") from error
