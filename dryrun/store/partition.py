"""Parquet on disk: samples and grades by fingerprint, in immutable parts.

Layout below the data directory::

    samples/<model fingerprint>/about.json, part-*.parquet
    grades/<grader fingerprint>/about.json, part-*.parquet
    runs/<run id>/...                        (see `dryrun.store.runs`)

A part is written aside and renamed, never edited. Readers take the union and keep one row per key,
so a kill at any instant loses at most the rows since the last flush, and two processes can write
at once without a lock.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dryrun.core.arrays import Ints
from dryrun.core.records import NO_TEXT, GradeOutcome, SampleOutcome
from dryrun.models.reply import Ending, ending_of
from dryrun.store.disk import unwritable
from dryrun.store.schemas import ADDED_LATER, GRADES, SAMPLES, Row
from dryrun.store.shared import registry

PART_PREFIX = "part-"
STREAM_ROWS = 1024
"""Most stored samples turned into objects at once."""
STREAMED_ROWS = 256
"""Most stored texts held at once by a search: one may have megabytes."""
HEAD = ["key", "outcome"]
HIDDEN_TOKENS = 8
"""More completion tokens than this, and no text: it stands somewhere else."""
NO_ANSWER = frozenset(Ending) - {Ending.STOPPED}
"""Endings that make a response other than an answer."""
NO_RESULT = {SampleOutcome.FAILED.value, GradeOutcome.UNGRADED.value}
"""Outcomes that are kept for the record but tried again: any other row with the same key wins."""


def write_aside(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: a reader sees the old file or the new one, never half of one.

    Raises
    ------
    StoreError
        The disk is full or the directory cannot be written.
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # nothing was written, or nothing can be taken away either
            aside.unlink()
        raise unwritable(path, error) from error
    registry.wrote(path)


def table_bytes(table: pa.Table) -> bytes:
    """`table` as a Parquet file in memory."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Partition:
    """All stored rows of one kind for one fingerprint: a folder of immutable parts.

    Attributes
    ----------
    folder : Path
    schema : pyarrow.Schema
        Has string columns ``key`` and ``outcome``.
    skipped : list of str
        Parts that could not be read (torn, foreign), one sentence each; filled by reading.
    """

    folder: Path
    schema: pa.Schema
    skipped: list[str] = field(default_factory=list)

    def describe(self, about: Mapping[str, Any]) -> None:
        """Keep what this partition answers for, in words a person can read."""
        path = self.folder / "about.json"
        if not path.exists():
            write_aside(path, orjson.dumps(dict(about), option=orjson.OPT_INDENT_2))

    def about(self) -> dict[str, Any]:
        """What `describe` kept; empty if that is lost."""
        try:
            about = orjson.loads((self.folder / "about.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return about if isinstance(about, dict) else {}

    def append(self, rows: Sequence[Row], own: set[str] | None = None) -> None:
        """Write `rows` as a new part, if there are any.

        Parameters
        ----------
        rows : sequence of mapping
        own : set of str, optional
            Gets the part's name, before anybody can see the part.

        Raises
        ------
        StoreError
            The disk is full or read-only; no part is left behind.
        """
        name = f"{PART_PREFIX}{time.time_ns():020d}-{secrets.token_hex(6)}.parquet"
        if own is not None:
            own.add(name)
        if rows:
            write_aside(self.folder / name, table_bytes(pa.Table.from_pylist(list(rows), schema=self.schema)))

    def parts(self) -> list[Path]:
        """The part files there are now, oldest first."""
        registry.keep_up(self.folder)
        return sorted(self.folder.glob(f"{PART_PREFIX}*.parquet"))

    def read(self, columns: Sequence[str], keys: pa.Array | None = None) -> pa.Table:
        """One row per key: the union of all parts, restricted to `columns` and `keys`.

        Of rows with the same key, one with a result wins over one without, then the oldest.
        `stream_samples` goes by the same rule, so that what is graded is what is shown. Keys are
        compared once over all parts; of a part that holds none of them nothing else is read.
        """
        while True:
            parts = self.parts()
            tables = self._read_chosen(parts, columns, keys)
            if all(path.exists() for path in parts):  # else somebody merged them while we were reading
                break
            self.skipped.clear()
        if not tables:
            return self.schema.empty_table().select(list(columns))
        return pa.concat_tables(tables)

    def _read_chosen(
        self, parts: Sequence[Path], columns: Sequence[str], keys: pa.Array | None
    ) -> list[pa.Table]:
        """From each part the rows that stand for their keys."""
        if set(columns) <= set(HEAD):
            heads = [head for path in parts if (head := self.read_part(path, HEAD)) is not None]
            whole = pa.concat_tables(heads) if heads else self.schema.empty_table().select(HEAD)
            return [whole.take(pa.array(_one_per_key(whole, keys))).select(list(columns))]
        chosen = self._chosen_rows(parts, keys)
        read = [(self.read_part(path, columns), rows) for path, rows in chosen]
        return [table.take(pa.array(rows)) for table, rows in read if table is not None]

    def _chosen_rows(self, parts: Sequence[Path], keys: pa.Array | None) -> Iterator[tuple[Path, Ints]]:
        """The parts that hold rows which stand for their keys, each with the numbers of those rows."""
        read = [(path, self.read_part(path, HEAD)) for path in parts]
        heads = [(path, head) for path, head in read if head is not None]
        if not heads:
            return
        chosen = _one_per_key(pa.concat_tables([head for _, head in heads]), keys)
        starts = np.cumsum([0, *(head.num_rows for _, head in heads)])
        bounds = np.searchsorted(chosen, starts)
        for (path, _), start, low, high in zip(heads, starts, bounds[:-1], bounds[1:], strict=False):
            if high > low:
                yield path, chosen[low:high] - start

    def stream(self, columns: Sequence[str], keys: pa.Array) -> Iterator[pa.Table]:
        """The rows that `read` gives, some at a time: memory holds few texts, however many there are.

        A part that is merged or damaged meanwhile is left out: anyone who counts the rows sees it.
        """
        for path, rows in self._chosen_rows(self.parts(), keys):
            with contextlib.suppress(pa.ArrowException, OSError, ValueError), pq.ParquetFile(path) as file:
                start = 0
                for batch in file.iter_batches(STREAMED_ROWS, columns=list(columns)):
                    end = start + batch.num_rows
                    low, high = np.searchsorted(rows, (start, end))
                    if high > low:
                        yield pa.Table.from_batches([batch]).take(pa.array(rows[low:high] - start))
                    start = end

    def compact(self) -> int:
        """Merge the parts there are now into one; returns the number merged.

        The merged part is complete on disk before the first of the others goes, so a kill at any
        instant leaves rows twice at worst, which readers count once. Parts that cannot be read stay.

        Raises
        ------
        StoreError
            The disk is full or read-only; every part is as it was.
        """
        read = [(path, self.read_part(path, self.schema.names)) for path in self.parts()]
        sound = [(path, table) for path, table in read if table is not None]
        if len(sound) < 2:
            return 0
        whole = pa.concat_tables([table for _, table in sound])
        merged = whole.take(pa.array(_one_per_key(whole)))
        stamp = sound[0][0].name.split("-")[1]  # keeps its place before what comes later
        name = f"{PART_PREFIX}{stamp}-{secrets.token_hex(6)}.parquet"
        write_aside(self.folder / name, table_bytes(merged))
        for path, _ in sound:
            path.unlink(missing_ok=True)
            registry.removed(path, once_there=self.folder / name)
        return len(sound)

    def finished_keys(self, keys: pa.Array) -> set[str]:
        """Which of `keys` have a row with a result."""
        table = self.read(HEAD, keys)
        return set(table.filter(has_result(table))["key"].to_pylist())

    def _asked_again(self, table: pa.Table) -> pa.Table:
        """Drop answers that ended in an error: earlier versions took any finish reason for a good one."""
        reasons = table["finish_reason"].unique().to_pylist()
        bad = [reason for reason in reasons if reason and ending_of(reason) in NO_ANSWER]
        if not bad or "imported" in self.about():  # what was imported cannot be asked again
            return table
        wrong = pc.and_(
            pc.equal(table["outcome"], SampleOutcome.ANSWERED.value),
            pc.is_in(table["finish_reason"], value_set=pa.array(bad, pa.string())),
        )
        outcome = pc.if_else(pc.fill_null(wrong, False), SampleOutcome.FAILED.value, table["outcome"])
        return table.set_column(table.column_names.index("outcome"), "outcome", outcome)

    def _misrouted(self, table: pa.Table, file: pq.ParquetFile) -> pa.Table:
        """Responses without text that cost tokens are none, unless reasoning fields were looked at too:
        earlier versions did not, and servers put answers there."""
        empty = pc.equal(table["outcome"], SampleOutcome.EMPTY.value)
        if not pc.any(empty).as_py() or "imported" in self.about():
            return table
        rest = file.read(["note", "completion_tokens"])
        seen = pc.match_substring(pc.fill_null(rest["note"], ""), NO_TEXT)
        wrote = pc.greater(pc.fill_null(rest["completion_tokens"], 0), HIDDEN_TOKENS)
        wrong = pc.and_(pc.and_(empty, wrote), pc.invert(seen))
        outcome = pc.if_else(pc.fill_null(wrong, False), SampleOutcome.FAILED.value, table["outcome"])
        return table.set_column(table.column_names.index("outcome"), "outcome", outcome)

    def set_aside_damaged(self, keys: pa.Array) -> None:
        """Rename the parts that hold any of `keys` and cannot be read to the end (``damaged-part-...``).

        What they held counts as missing from then on. Pages carry checksums, so flipped bits show too.
        """
        for path in self.parts():
            head = self.read_part(path, HEAD)
            if head is not None and pc.any(pc.is_in(head["key"], value_set=keys)).as_py():
                try:
                    with pq.ParquetFile(path, page_checksum_verification=True) as file:
                        for _ in file.iter_batches(STREAM_ROWS):
                            pass
                except FileNotFoundError:
                    continue  # merged meanwhile
                except (pa.ArrowException, OSError, ValueError):
                    path.rename(path.with_name(f"damaged-{path.name}"))
                    registry.damaged(path)

    def read_part(self, path: Path, columns: Sequence[str]) -> pa.Table | None:
        """The rows of one part, or None if it cannot be read (then `skipped` says why)."""
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                ending = self.schema is SAMPLES and "outcome" in columns
                needed = list(dict.fromkeys([*columns, *(["finish_reason"] if ending else [])]))
                missing = [name for name in needed if name not in file.schema_arrow.names]
                if set(missing) - ADDED_LATER:
                    raise pa.ArrowInvalid(f"columns missing: {missing}")
                table = file.read([name for name in needed if name not in missing])
                table = self._misrouted(self._asked_again(table), file) if ending else table
            for name in missing:
                table = table.append_column(name, pa.nulls(table.num_rows))
            return table.select(list(columns)).cast(pa.schema([self.schema.field(name) for name in columns]))
        except FileNotFoundError:
            return None  # merged or pruned while we were reading
        except (pa.ArrowException, OSError, ValueError) as error:
            sentence = f"{path.name} is not a readable part and was left out ({str(error)[:120]})."
            if sentence not in self.skipped:
                self.skipped.append(sentence)
            return None


def has_result(table: pa.Table) -> pa.ChunkedArray:
    """Which rows have a result, by their outcome."""
    return pc.invert(pc.is_in(table["outcome"], value_set=pa.array(sorted(NO_RESULT))))


def _one_per_key(table: pa.Table, keys: pa.Array | None = None) -> Ints:
    """Row numbers, ascending, of the row that stands for each key (of `keys`, if given)."""
    among = np.arange(table.num_rows)
    if keys is not None:
        held = pc.is_in(table["key"], value_set=keys).to_numpy()
        among = among[held]
        table = table.select(HEAD).filter(pa.array(held))
    codes = table["key"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    order = np.lexsort((~has_result(table).to_numpy(), codes))  # stable: parts were read oldest first
    first = np.ones(len(order), dtype=bool)
    first[1:] = codes[order][1:] != codes[order][:-1]
    chosen: Ints = np.sort(among[order[first]])
    return chosen


@dataclass(frozen=True, slots=True)
class Store:
    """The data directory.

    Parameters
    ----------
    root : Path
        Made on first write.
    """

    root: Path

    def samples(self, model_fingerprint: str) -> Partition:
        """The responses of one model configuration."""
        return self._partition("samples", model_fingerprint, SAMPLES)

    def grades(self, grader_fingerprint: str) -> Partition:
        """The grades of one grader."""
        return self._partition("grades", grader_fingerprint, GRADES)

    def _partition(self, kind: str, name: str, schema: pa.Schema) -> Partition:
        folder = self.root / kind / name
        registry.pull(folder)
        return Partition(folder, schema)

    @property
    def runs(self) -> Path:
        """The folder of the runs."""
        return self.root / "runs"
