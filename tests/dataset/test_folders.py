"""Folders as datasets: what Hugging Face's ``save_to_disk`` writes, and files in parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dryrun.core.errors import DatasetError
from dryrun.dataset import read_dataset
from dryrun.dataset.read import first_rows

ROWS = [{"question": f"{number} + 1?", "answer": str(number + 1)} for number in range(6)]


def saved(folder: Path, rows: list[dict[str, Any]], **state: Any) -> Path:
    """A folder as ``Dataset.save_to_disk`` writes it, in two shards."""
    folder.mkdir(parents=True)
    files = [f"data-0000{number}-of-00002.arrow" for number in range(2)]
    for part, file in enumerate(files):
        table = pa.Table.from_pylist(rows[part * len(rows) // 2 : (part + 1) * len(rows) // 2])
        with pa.ipc.new_stream(folder / file, table.schema) as sink:
            sink.write_table(table)
    (folder / "dataset_info.json").write_text('{"features": {}}')
    listed = {"_data_files": [{"filename": file} for file in files], "_split": None, **state}
    (folder / "state.json").write_text(json.dumps(listed))
    return folder


def plain(rows: list[dict[str, Any]]) -> str:
    return read_dataset(json.dumps(rows).encode(), "rows.json").ref.fingerprint


def refusal(folder: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        read_dataset(folder, folder.name)
    return str(caught.value)


def test_a_saved_dataset_is_read_in_the_order_of_its_shards(tmp_path: Path) -> None:
    folder = saved(tmp_path / "sums", ROWS)
    dataset = read_dataset(folder, folder.name)
    assert (dataset.ref.name, dataset.ref.fingerprint) == ("sums", plain(ROWS))
    assert [line.item() for line in dataset.lines] == [1, 2, 3, 4, 5, 6]
    assert first_rows(folder, folder.name) == ROWS[:5]


def test_of_saved_splits_the_one_for_training_is_read_and_others_by_name(tmp_path: Path) -> None:
    for split, rows in (("train", ROWS), ("test", ROWS[:2])):
        saved(tmp_path / "dict" / split, rows)
    listing = tmp_path / "dict" / "dataset_dict.json"
    listing.write_text('{"splits": ["train", "test"]}')
    assert read_dataset(tmp_path / "dict", "dict").ref.fingerprint == plain(ROWS)
    assert read_dataset(tmp_path / "dict" / "test", "test").ref.fingerprint == plain(ROWS[:2])
    listing.write_text('{"splits": ["dev", "test"]}')
    assert "it has several splits. Name one in it: dev, test." in refusal(tmp_path / "dict")
    listing.write_text('{"splits": ["test"]}')
    assert read_dataset(tmp_path / "dict", "dict").ref.fingerprint == plain(ROWS[:2])


def test_a_saved_dataset_that_is_not_whole_is_refused_by_name(tmp_path: Path) -> None:
    folder = saved(tmp_path / "sums", ROWS)
    (folder / "data-00001-of-00002.arrow").unlink()
    assert "sums/data-00001-of-00002.arrow cannot be opened" in refusal(folder)
    (folder / "state.json").write_text("{")
    assert "state.json in it is not JSON" in refusal(folder)
    picked = saved(tmp_path / "picked", ROWS, _indices_data_files=[{"filename": "indices.arrow"}])
    assert "its rows are picked by a list of indices" in refusal(picked)


def test_parts_of_one_file_are_read_together_and_different_files_are_named(tmp_path: Path) -> None:
    """As Spark and the Hub write them."""
    for part in range(2):
        rows = ROWS[part * 3 : part * 3 + 3]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"part-0000{part}-c0ffee.snappy.parquet")
    for other in ("_SUCCESS", "_metadata.json", ".part.parquet", "README.md"):
        (tmp_path / other).write_text("x")
    assert read_dataset(tmp_path, "parts").ref.fingerprint == plain(ROWS)
    (tmp_path / "test.jsonl").write_text("{}")
    assert "Name one in it: part-00000-c0ffee.snappy.parquet, part-00001-" in refusal(tmp_path)


def test_a_folder_without_rows_says_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert "it is a folder. Name one file; those that are read end in .jsonl" in refusal(tmp_path)
    (tmp_path / "train.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS))
    assert read_dataset(tmp_path, "one").ref.fingerprint == plain(ROWS)
