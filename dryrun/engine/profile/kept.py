"""Counts of prompts on disk, beside the run they were taken from."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dryrun.analysis.training.profile import PromptCounts
from dryrun.store.partition import table_bytes, write_aside

TOPICS = b"topics"


def write_counts(path: Path, counts: PromptCounts, about: str) -> None:
    """Keep the counts in one step.

    Parameters
    ----------
    path : Path
    counts : PromptCounts
    about : str
        What they depend on; `read_counts` gives them back for the same text alone.

    Raises
    ------
    StoreError
        The disk is full or read-only.
    """
    columns = {
        column.name: getattr(counts, column.name) for column in fields(counts) if column.name != "topics"
    }
    columns["key"] = [key.decode() for key in counts.key]
    columns["topic"] = pa.DictionaryArray.from_arrays(pa.array(counts.topic), pa.array(counts.topics))
    write_aside(path, table_bytes(pa.table(columns).replace_schema_metadata({"about": about})))


def read_counts(path: Path, about: str) -> PromptCounts | None:
    """The counts that `write_counts` kept; None if there are none, or they depend on something else."""
    try:
        table = pq.read_table(path, partitioning=None)
        if (table.schema.metadata or {}).get(b"about", b"").decode() != about:
            return None
        topic = table["topic"].combine_chunks()
        names = [
            column.name for column in fields(PromptCounts) if column.name not in ("key", "topic", "topics")
        ]
        columns = {name: table[name].to_numpy() for name in names}
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return None
    return PromptCounts(
        key=np.array(table["key"].to_pylist(), dtype="S32"),
        topic=topic.indices.to_numpy().astype(np.int64),
        topics=tuple(topic.dictionary.to_pylist()),
        **columns,
    )
