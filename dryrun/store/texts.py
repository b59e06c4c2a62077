"""Stored samples at scale: streamed, searched, made into rows of a file; taken over from another store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dryrun.core.arrays import Floats, Ints
from dryrun.core.errors import StoreError
from dryrun.core.records import Sample
from dryrun.dataset.fields import REFERENCES, reference_of
from dryrun.store.labels import Label, majority
from dryrun.store.partition import NO_RESULT, STREAM_ROWS, Partition, Store, write_aside
from dryrun.store.results import Inspected, Results
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


MOST_BYTES = 256 * 2**20
"""Text of responses that one search reads at most."""
PROMPTS_AT_ONCE = 512
ROWS_AT_ONCE = 1_000
MOST_EXPORTED = 20_000
"""Responses in one file."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What a search came to.

    Attributes
    ----------
    rows : int64 array
        Positions in the results whose prompt, response or reference says it, ascending.
    read : int
        Different responses that were read.
    complete : bool
        Whether none was left out because there was too much to read.
    """

    rows: Ints
    read: int
    complete: bool


def search_texts(results: Results, words: str, field: str | None = None, most: int = MOST_BYTES) -> Matches:
    """Rollouts whose prompt, response or reference answer holds `words`, in capitals or not.

    Prompts and responses stream from disk; no more than some hundred are in memory.

    Parameters
    ----------
    results : Results
    words : str
        Letter by letter, no pattern.
    field : str, optional
        Where the rows keep their reference answer. Default: the usual places.
    most : int
        Bytes of responses after which the search stops; all prompts are read in any case.
    """
    planned = results.run.plan()
    nothing = np.zeros(0, np.int64)
    if planned is None or not words:
        return Matches(nothing, 0, complete=True)
    prompts = pa.array(sorted(_prompts_with(results, words, field)), pa.int32())
    hits, read, complete = _samples_with(results, planned[1], words, most)
    mask = pc.or_(
        pc.is_in(results.rollouts["prompt"], value_set=prompts),
        pc.is_in(results.rollouts["sample_key"], value_set=hits),
    )
    rows = np.flatnonzero(mask.to_numpy()).astype(np.int64)
    return Matches(rows, read, complete)


def _samples_with(results: Results, samples: Partition, words: str, most: int) -> tuple[pa.Array, int, bool]:
    """Keys of the responses that hold the words, how many were read, and whether all were."""
    keys = results.rollouts["sample_key"].combine_chunks()
    matches, read, size = [pa.array([], pa.string())], 0, 0
    for table in samples.stream(["key", "text", "tool_calls"], keys):
        if size >= most:
            return pa.concat_arrays(matches), read, False
        in_text = pc.match_substring(table["text"], words, ignore_case=True)
        in_calls = pc.match_substring(table["tool_calls"], _in_json(words), ignore_case=True)
        either = pc.or_(pc.fill_null(in_text, False), pc.fill_null(in_calls, False))
        matches.append(table["key"].filter(either).combine_chunks())
        read += table.num_rows
        size += table.nbytes
    return pa.concat_arrays(matches), read, True


def _prompts_with(results: Results, words: str, field: str | None) -> Iterator[int]:
    """Numbers of the prompts whose messages or reference answer hold the words."""
    start, lowered = 0, words.casefold()
    try:
        with pq.ParquetFile(results.run.folder / "prompts.parquet") as file:
            for batch in file.iter_batches(PROMPTS_AT_ONCE, columns=["item"]):
                items = batch.column(0)
                # What the JSON does not hold no value holds; only the few that are left are parsed.
                near = pc.match_substring(items, _in_json(words), ignore_case=True)
                for place in np.flatnonzero(near.to_numpy(zero_copy_only=False)).tolist():
                    if lowered in _readable(orjson.loads(items[place].as_py()), field).casefold():
                        yield start + place
                start += batch.num_rows
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"The prompts of run {results.run.id} cannot be read: {error}.") from error


def _in_json(words: str) -> str:
    return orjson.dumps(words).decode()[1:-1]


def _readable(item: Mapping[str, Any], field: str | None) -> str:
    """What a person reads of a row, for a search."""
    contents = [message.get("content") for message in item.get("messages", ())]
    texts = [content if isinstance(content, str) else orjson.dumps(content).decode() for content in contents]
    return "\n".join([*texts, reference_text(item, field)])


def reference_text(item: Mapping[str, Any], field: str | None = None) -> str:
    """The row's reference answer as text; ``""`` if it has none."""
    places = [field] if field else REFERENCES
    return next((text for name in places if (text := reference_of(item, name)) is not None), "")


def sample_rows(
    results: Results,
    positions: Sequence[int],
    score: Floats,
    labels: Mapping[tuple[str, str], Mapping[str, Label]],
    field: str | None = None,
) -> Iterable[dict[str, Any]]:
    """Rows of a file: what was asked, said, paid and labelled, in the given order.

    ``row`` and ``response`` count from 1, as on the screen. At most `MOST_EXPORTED`. `field` as for
    `search_texts`.
    """
    wanted = list(positions[:MOST_EXPORTED])
    for start in range(0, len(wanted), ROWS_AT_ONCE):
        some = wanted[start : start + ROWS_AT_ONCE]
        for position, seen in zip(some, results.inspect(some), strict=True):
            marks = labels.get((seen.sample.key, seen.prompt.key), {})
            yield _row(seen, float(score[position]), marks, field)


def _row(seen: Inspected, score: float, labels: Mapping[str, Label], field: str | None) -> dict[str, Any]:
    prompt, sample, grade = seen.prompt, seen.sample, seen.grade
    mark = majority(labels) if labels else None
    return {
        "row": prompt.row + 1,
        "response": sample.rollout + 1,
        "topic": prompt.topic,
        "score": score if np.isfinite(score) else None,
        "reward": grade.reward if grade else None,
        "sub_rewards": dict(grade.sub_rewards) if grade else {},
        "errors": dict(grade.errors) if grade else {},
        "label": mark.value if mark else None,
        "outcome": sample.outcome.value,
        "prompt": [dict(message) for message in prompt.messages],
        "text": sample.text,
        "tool_calls": [dict(call) for call in sample.tool_calls],
        "reference": reference_text(prompt.item, field),
        "sample": sample.key,
        "item": prompt.key,
    }
