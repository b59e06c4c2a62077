"""Large JSONL files are read by several processes, and nobody can tell from the dataset."""

from __future__ import annotations

import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dryrun.core.config import DatasetRef
from dryrun.core.errors import DatasetError
from dryrun.dataset import Dataset, parallel, read_dataset
from dryrun.dataset.columns import BY_NAME, ColumnMap
from dryrun.dataset.dataset import FileStore
from dryrun.dataset.formats import BOM, JsonlRows, RawRow
from dryrun.dataset.one_pass import Pass
from dryrun.dataset.parallel import Task, evenly, packed, part_from, read_large, read_part
from tests.helpers.support import sum_rows

ROWS = [
    *sum_rows(60),
    *sum_rows(3),  # repeats
    {"messages": [{"role": "system", "content": "ü“"}, {"role": "assistant", "content": "x"}]},
    {"messages": [{"role": "user", "content": "no topic"}], "n": 1e30},
]
BY_ANSWER = ColumnMap(topic_field="reference_answer")
LINES = [json.dumps(row, ensure_ascii=False).encode() for row in ROWS]
CONTENTS = {
    "plain": b"\n".join(LINES) + b"\n",
    "mark, CRLF, no last line end": BOM + b"\r\n".join(LINES),
    "blank lines": b"\n\n" + b"\n  \n\n".join(LINES) + b"\n\n",
}

BAD = [
    (b'{"messages": 7}', ", messages: is a number"),
    (b'{"messages": [{"role": "user", "content": "x"}], "n": 1, "n": 2}', ": the key 'n' appears twice"),
]


def parted(path: Path, count: int, columns: ColumnMap = BY_NAME) -> Dataset:
    """The file read in `count` parts, by this process."""
    size, lines = path.stat().st_size, 0
    whole = Pass(path.name, columns, "line", FileStore(path))
    for number in range(count):
        part = read_part(Task(str(path), size * number // count, size * (number + 1) // count, columns))
        again = part_from(packed(part))
        assert again is not None
        whole.absorb(again, lines)
        lines += again.lines
    return whole.finish()


def told(dataset: Dataset) -> tuple[DatasetRef, tuple[str, ...], dict[str, int], list[int]]:
    return dataset.ref, dataset.warnings, dict(dataset.topics), dataset.lines.tolist()


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("count", [1, 2, 3, 7, 50])
def test_any_number_of_parts_gives_the_same_dataset(kind: str, count: int, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(CONTENTS[kind])
    whole, parts = read_dataset(path, path.name), parted(path, count)
    assert told(parts) == told(whole)
    assert list(parts) == list(whole) == ROWS
    assert np.array_equal(parts.row_digests, whole.row_digests)
    assert np.array_equal(parts.topic_codes, whole.topic_codes)


@settings(max_examples=100)
@given(st.lists(st.sampled_from([b"", b" ", b"{}", b"[1, 2]", b"x" * 30]), max_size=20), st.integers(1, 9))
def test_each_line_belongs_to_one_part(lines: list[bytes], count: int) -> None:
    content = b"\n".join(lines)
    whole = [row.raw for row in JsonlRows(io.BytesIO(content)) if isinstance(row, RawRow)]
    bounds = [len(content) * number // count for number in range(count + 1)]
    found = []
    for start, end in pairwise(bounds):
        found += [row.raw for row in JsonlRows(io.BytesIO(content), start, end) if isinstance(row, RawRow)]
    assert found == whole


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes for files of a few kilobytes; three, whatever the machine has."""
    monkeypatch.setattr(parallel, "PART_BYTES", 2000)
    monkeypatch.setattr(parallel, "processors", lambda: 3)


@pytest.mark.slow
@pytest.mark.usefixtures("small_parts")
def test_real_processes_give_the_same_dataset(tmp_path: Path) -> None:
    path = tmp_path / "rows – ü.jsonl"
    path.write_bytes(CONTENTS["blank lines"])
    parts = read_large(path, path.name, BY_NAME)
    assert parts is not None
    whole = read_dataset(CONTENTS["blank lines"], path.name)
    assert told(parts) == told(whole)
    assert parts.topic_fields == whole.topic_fields == ("reference_answer", "topic")
    assert list(parts) == ROWS
    by_answer = read_large(path, path.name, BY_ANSWER)
    assert by_answer is not None
    assert told(by_answer) == told(read_dataset(CONTENTS["blank lines"], path.name, BY_ANSWER))


@pytest.mark.slow
@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(("bad", "said", "place"), [(*BAD[0], 0), (*BAD[1], 40), (*BAD[0], len(LINES))])
def test_a_bad_line_in_any_part_is_named_as_ever(bad: bytes, said: str, place: int, tmp_path: Path) -> None:
    lines = [*LINES[:place], bad, *LINES[place:]]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(lines))
    assert read_large(path, path.name, BY_NAME) is None
    with pytest.raises(DatasetError, match=f"line {place + 1}{said}"):
        read_dataset(path, path.name)


@pytest.mark.slow
@pytest.mark.usefixtures("small_parts")
def test_a_process_that_dies_only_costs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "MODULE", "dryrun.no_such_module")
    path = tmp_path / "rows.jsonl"
    path.write_bytes(CONTENTS["plain"])
    assert read_large(path, path.name, BY_NAME) is None
    assert list(read_dataset(path, path.name)) == ROWS


def test_half_of_a_part_is_no_part(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(CONTENTS["plain"])
    whole = packed(read_part(Task(str(path), 0, 10**6)))
    assert part_from(whole) is not None
    assert part_from(whole[:-1]) is None
    assert part_from(b"") is None


def parquet(path: Path, rows: list[dict[str, Any]], group: int) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=group)
    return path


@pytest.mark.slow
@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("group", [7, 150])
def test_row_groups_are_read_by_processes_and_give_the_same_dataset(group: int, tmp_path: Path) -> None:
    rows = sum_rows(300) + sum_rows(2)
    path = parquet(tmp_path / "rows – ü.parquet", rows, group)
    parts = read_large(path, path.name, BY_NAME)
    assert parts is not None
    whole = read_dataset(path.read_bytes(), path.name)
    assert told(parts) == told(whole)
    assert parts.topic_fields == whole.topic_fields
    assert list(parts) == list(whole) == rows
    assert "2 rows repeating an earlier row exactly (rows 301, 302)." in parts.warnings
    path.unlink()
    assert parts.prompt(299).item == rows[299]  # its text is the dataset's own


@pytest.mark.slow
@pytest.mark.usefixtures("small_parts")
def test_a_bad_row_of_a_later_row_group_is_named_by_its_place_in_the_file(tmp_path: Path) -> None:
    rows = sum_rows(300)
    rows[250] = {
        **rows[250],
        "messages": [{"role": "user", "content": ""}, {"role": "nobody", "content": "x"}],
    }
    path = parquet(tmp_path / "rows.parquet", rows, 50)
    assert read_large(path, path.name, BY_NAME) is None
    with pytest.raises(DatasetError, match=r"row 251, messages\[1\].role: 'nobody' is not a role"):
        read_dataset(path, path.name)


@pytest.mark.slow
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 8))
def test_parts_are_about_even_and_none_is_empty(sizes: list[int], count: int) -> None:
    count = min(count, len(sizes))
    bounds = evenly(sizes, count)
    assert (bounds[0], bounds[-1], len(bounds)) == (0, len(sizes), count + 1)
    assert all(start < end for start, end in pairwise(bounds))
    largest = max(sum(sizes[start:end]) for start, end in pairwise(bounds))
    assert largest <= sum(sizes) / count + 2 * max(sizes)
