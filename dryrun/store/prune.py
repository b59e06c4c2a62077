"""What the data directory holds: every partition with its size and the runs that need it; pruning."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dryrun.core.errors import DryRunError, StoreError
from dryrun.store.partition import Partition, Store
from dryrun.store.runs import Run, list_runs
from dryrun.store.shared import registry

LEFTOVER_AGE = 3600.0
"""A file written aside this many seconds ago belongs to a process that is gone."""
ASIDE = (("samples", "*/.*.*"), ("grades", "*/.*.*"), ("runs", "*/.*.*"), ("runs", "*/*/.*.*"))


@dataclass(frozen=True, slots=True)
class StoredPartition:
    """One partition.

    Attributes
    ----------
    kind : str
        ``"samples"`` or ``"grades"``.
    partition : Partition
    name : str
        The model, with the sampling parameters that were set, or the grader, as a person calls it.
    parts, rows, bytes : int
        Readable rows; parts and bytes of all files.
    needed_by : tuple of Run
        The runs whose results it holds.
    used : float
        When it was last written, or a run that needs it last worked on; seconds since the epoch.
    """

    kind: str
    partition: Partition
    name: str
    parts: int
    rows: int
    bytes: int
    needed_by: tuple[Run, ...]
    used: float

    @property
    def runs(self) -> int:
        """How many runs need it."""
        return len(self.needed_by)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be deleted.

    Attributes
    ----------
    needed : bool
        Whether what runs need may go too.
    older : float
        Only what was not used for this many seconds.
    at_most : int or None
        The bytes that may stay: the longest unused go first. None: everything that `needed` and `older`
        allow goes.
    """

    needed: bool = False
    older: float = 0.0
    at_most: int | None = None


def entries(store: Store) -> list[StoredPartition]:
    """Every partition, the largest first.

    Raises
    ------
    StoreError
        What a run needs cannot be read.
    """
    for kind in ("runs", "samples", "grades"):
        registry.pull(store.root / kind, fresh=True)
    needed = needed_partitions(store)
    partitions = [
        _entry(kind, make(folder.name), needed.get((kind, folder.name), ()))
        for kind, make in (("samples", store.samples), ("grades", store.grades))
        for folder in (store.root / kind).glob("*")
        if folder.is_dir()
    ]
    return sorted(partitions, key=lambda entry: -entry.bytes)


def needed_partitions(store: Store) -> Mapping[tuple[str, str], tuple[Run, ...]]:
    """The runs that need each (kind, fingerprint).

    Raises
    ------
    StoreError
        A run's plan cannot be read, or is about to be written: what it needs must not go unseen.
    """
    needed: defaultdict[tuple[str, str], tuple[Run, ...]] = defaultdict(tuple)
    for run in list_runs(store):
        planned = run.plan()
        if planned is None:
            if run.held():
                raise StoreError(f"Run {run.id} is just starting. Try again in a moment.")
            continue
        needed["samples", planned[1].folder.name] += (run,)
        needed["grades", planned[2].folder.name] += (run,)
    return needed


def _entry(kind: str, partition: Partition, runs: tuple[Run, ...]) -> StoredPartition:
    parts, about = partition.parts(), partition.about()
    written = [_size_and_time(path)[1] for path in parts]
    grader = about.get("grader")
    name = about.get("model") or (grader.get("name") if isinstance(grader, dict) else None) or "unknown"
    if "imported" in about:
        name = f"{name} (imported: cannot be generated again)"
    return StoredPartition(
        kind=kind,
        partition=partition,
        name=", ".join([str(name), *_sampling(about.get("sampling"))]),
        parts=len(parts),
        rows=sum(_rows(path) for path in parts),
        bytes=sum(_size_and_time(path)[0] for path in partition.folder.iterdir()),
        needed_by=runs,
        used=max([*written, *(run.status().updated for run in runs)], default=0.0),
    )


def _sampling(parameters: object) -> list[str]:
    """What distinguishes responses of one model: ``["temperature 0.5", "seed 0"]``."""
    if not isinstance(parameters, dict):
        return []
    return [f"{str(name).replace('_', ' ')} {value}" for name, value in parameters.items()]


def _rows(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return 0


def _size_and_time(path: Path) -> tuple[int, float]:
    """Bytes of a file, and when it was last written; both 0 if it is gone."""
    try:
        about = path.stat()
    except OSError:
        return 0, 0.0
    return about.st_size, about.st_mtime


def size_of_runs(store: Store) -> int:
    """Bytes of what runs keep for themselves: prompts, plan, attempts, batches, labels."""
    return sum(_size_and_time(path)[0] for path in store.runs.rglob("*") if path.is_file())


def removable(partitions: Sequence[StoredPartition], choice: Choice) -> list[StoredPartition]:
    """The partitions that the choice deletes, the longest unused first."""
    unused_since = time.time() - choice.older
    free = [e for e in partitions if e.used <= unused_since and (choice.needed or not e.needed_by)]
    free.sort(key=lambda entry: entry.used)
    if choice.at_most is None:
        return free
    total, chosen = sum(entry.bytes for entry in partitions), []
    for entry in free:
        if total <= choice.at_most:
            break
        chosen.append(entry)
        total -= entry.bytes
    return chosen


def leftovers(store: Store) -> list[Path]:
    """Files that a killed process had not finished writing."""
    old = time.time() - LEFTOVER_AGE
    files: list[Path] = []
    for folder, pattern in ASIDE:
        files += [path for path in (store.root / folder).glob(pattern) if 0 < _size_and_time(path)[1] < old]
    return files


def runs_of(chosen: Iterable[StoredPartition]) -> list[Run]:
    """The runs that need any of these, each once."""
    return list({run.id: run for entry in chosen for run in entry.needed_by}.values())


def remove_partitions(chosen: Sequence[StoredPartition], files: Sequence[Path]) -> None:
    """Delete partitions and leftover files.

    Raises
    ------
    DryRunError
        A run that needs one of them is being worked on; nothing was deleted.
    StoreError
        Something cannot be deleted; what came before it is gone.
    """
    for run in runs_of(chosen):
        if run.held():
            raise DryRunError(f"Run {run.id} is at work and needs these files. Cancel it first.")
    try:
        for entry in chosen:
            shutil.rmtree(entry.partition.folder)
            registry.removed(entry.partition.folder)
        for path in files:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"Cannot delete {error.filename}: {error.strerror}.") from error


def bytes_of_run(run: Run) -> int:
    """What a run takes of the disk: its folder, and the characters of its stored responses."""
    own = sum(_size_and_time(path)[0] for path in run.folder.rglob("*"))
    planned = run.plan()
    if planned is None:
        return own
    plan, samples, _ = planned
    held = samples.read(["key", "characters"], plan["sample_key"].combine_chunks())
    return own + int(pc.sum(held["characters"]).as_py() or 0)


def remove_run(run: Run) -> None:
    """Delete a run. Its responses and grades stay in the cache until they are pruned.

    Raises
    ------
    DryRunError
        It is being worked on.
    StoreError
        Its folder cannot be deleted.
    """
    with run.hold():
        try:
            # The files that make it a run go first: a kill in between leaves a plain folder, not half a run.
            (run.folder / "config.json").unlink()
            shutil.rmtree(run.folder)
            registry.removed(run.folder)
        except OSError as error:
            raise StoreError(f"Cannot delete {error.filename}: {error.strerror}.") from error
