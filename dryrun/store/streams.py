"""Stored samples: some at a time, so that memory holds one part; and taken over from another store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from dryrun.core.records import Sample
from dryrun.store.partition import NO_RESULT, STREAM_ROWS, Partition, Store, write_aside
from dryrun.store.runs import Run
from dryrun.store.schemas import sample_from_row


def stream_samples(partition: Partition, keys: set[str]) -> Iterator[list[Sample]]:
    """The stored samples named `keys` that have a result, a list per part, each sample once.

    Memory holds one part at a time, however many there are.
    """
    wanted = set(keys)
    before: list[Path] = []
    while wanted and (parts := partition.parts()) != before:  # again where parts were merged meanwhile
        yield from _stream_parts(partition, parts, wanted)
        before = parts


def _stream_parts(partition: Partition, parts: Sequence[Path], wanted: set[str]) -> Iterator[list[Sample]]:
    """The samples of these parts; what is found is taken out of `wanted`."""
    for path in parts:
        if not wanted:
            return
        table = partition.read_part(path, partition.schema.names)
        if table is not None:
            held = [key in wanted for key in table["key"].to_pylist()]
            yield from _take_samples(table.filter(pa.array(held, pa.bool_())), wanted)


def _take_samples(table: pa.Table, wanted: set[str]) -> Iterator[list[Sample]]:
    """The wanted samples of a part that have a result, some at a time, taken out of `wanted`."""
    for batch in table.to_batches(max_chunksize=STREAM_ROWS):
        samples = []
        for row in batch.to_pylist():
            if row["key"] in wanted and row["outcome"] not in NO_RESULT:
                wanted.discard(row["key"])
                samples.append(sample_from_row(row))
        if samples:
            yield samples


def borrow_samples(run: Run, store: Store) -> int:
    """Copy the stored responses of `run` into `store`: whole parts, under their own names.

    Parts are immutable and their names random, so copying twice changes nothing.

    Returns
    -------
    int
        The number of parts copied.

    Raises
    ------
    StoreError
        `store` cannot be written.
    """
    planned = run.plan()
    if planned is None:
        return 0
    _, samples, _ = planned
    target = store.samples(samples.folder.name)
    missing = [part for part in samples.parts() if not (target.folder / part.name).exists()]
    about = samples.folder / "about.json"
    for path in [*missing, *([about] if about.is_file() else [])]:
        write_aside(target.folder / path.name, path.read_bytes())
    return len(missing)
