"""Parts are immutable, readers take the union, one row per key."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dryrun.core.errors import StoreError
from dryrun.core.records import Grade, GradeOutcome, Sample, SampleOutcome
from dryrun.engine.ledger import Others
from dryrun.store.partition import Partition, Store, write_aside
from dryrun.store.schemas import grade_from_row, grade_row, sample_from_row, sample_row
from dryrun.store.texts import stream_samples


def sample(key: str, text: str = "4", outcome: SampleOutcome = SampleOutcome.ANSWERED) -> Sample:
    return Sample(key=key, rollout=0, outcome=outcome, text=text)


def filled(store: Store, *parts: list[Sample]) -> Partition:
    partition = store.samples("m")
    for rows in parts:
        partition.append([sample_row(row) for row in rows])
    return partition


def test_a_sample_comes_back_as_it_was() -> None:
    whole = Sample(
        key="k",
        rollout=3,
        outcome=SampleOutcome.TRUNCATED,
        text="a\x00b\n\u00e9\U0001f600",
        tool_calls=({"id": "1", "function": {"name": "f", "arguments": "{}"}},),
        finish_reason="length",
        error="",
        status=200,
        prompt_tokens=7,
        completion_tokens=9,
        seconds=0.25,
        attempts=2,
        note="temperature not accepted, left out",
    )
    table = pa.Table.from_pylist([sample_row(whole)])
    assert sample_from_row(table.to_pylist()[0]) == whole


def test_a_grade_comes_back_as_it_was() -> None:
    whole = Grade(GradeOutcome.GRADED_ZERO, 0.0, {"a": 0.5, "b": None}, {"formula_parse_error": "1/0"}, 0.1)
    assert grade_from_row(grade_row("k", whole)) == whole


def test_parts_add_up(store: Store) -> None:
    partition = filled(store, [sample("a"), sample("b")], [sample("c")])
    assert sorted(partition.read(["key"])["key"].to_pylist()) == ["a", "b", "c"]
    assert len(partition.parts()) == 2


def test_a_key_written_twice_is_read_once_and_the_oldest_stays(store: Store) -> None:
    partition = filled(store, [sample("a", "first")], [sample("a", "second"), sample("b")])
    table = partition.read(["key", "text"])
    assert sorted(zip(table["key"].to_pylist(), table["text"].to_pylist(), strict=True)) == [
        ("a", "first"),
        ("b", "4"),
    ]
    assert [found.text for part in stream_samples(partition, {"a"}) for found in part] == ["first"]


def test_an_answer_wins_over_an_older_failure(store: Store) -> None:
    partition = filled(store, [sample("a", "", SampleOutcome.FAILED)], [sample("a", "answer")])
    assert partition.read(["text"])["text"].to_pylist() == ["answer"]
    assert partition.finished_keys(pa.array(["a", "z"])) == {"a"}


def test_a_failure_alone_is_kept_but_not_finished(store: Store) -> None:
    partition = filled(store, [sample("a", "", SampleOutcome.FAILED)])
    assert partition.read(["outcome"])["outcome"].to_pylist() == ["failed"]
    assert partition.finished_keys(pa.array(["a"])) == set()
    assert list(stream_samples(partition, {"a"})) == []


def test_torn_foreign_and_half_written_files_are_left_out_and_named(store: Store) -> None:
    partition = filled(store, [sample("a")])
    whole = partition.parts()[0].read_bytes()
    (partition.folder / "part-torn.parquet").write_bytes(whole[: len(whole) // 2])
    (partition.folder / "part-text.parquet").write_text("not parquet at all")
    pq.write_table(pa.table({"key": ["x"], "other": [1]}), partition.folder / "part-foreign.parquet")
    (partition.folder / ".part-new.parquet.abc").write_bytes(whole)
    assert partition.read(["key", "text"])["key"].to_pylist() == ["a"]
    assert len(partition.skipped) == 3
    assert all("left out" in sentence for sentence in partition.skipped)


def test_reading_only_some_keys(store: Store) -> None:
    partition = filled(store, [sample("a"), sample("b")], [sample("c")])
    assert set(partition.read(["key"], pa.array(["c", "a", "z"]))["key"].to_pylist()) == {"a", "c"}


def test_an_empty_partition_reads_as_no_rows(store: Store) -> None:
    assert store.samples("never").read(["key", "text"]).num_rows == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(StoreError, match="Cannot write"):
        write_aside(folder / "x", b"1")


def test_a_path_that_cannot_be_a_directory_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="DRYRUN_DATA"):
        write_aside(tmp_path / "file" / "below" / "x", b"1")


def test_writing_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    write_aside(tmp_path / "y", b"1")
    write_aside(tmp_path / "y", b"2")
    assert (tmp_path / "y").read_bytes() == b"2"
    assert [path.name for path in tmp_path.iterdir()] == ["y"]


def test_merging_parts_changes_nothing_a_reader_sees(store: Store) -> None:
    partition = filled(
        store,
        [sample("a", "first"), sample("b", "", SampleOutcome.FAILED)],
        [sample("a", "second"), sample("c")],
        [sample("b", "answer")],
    )
    (partition.folder / "part-torn.parquet").write_bytes(b"PAR1")
    before = {row["key"]: row for row in partition.read(partition.schema.names).to_pylist()}
    assert partition.compact() == 3
    assert {row["key"]: row for row in partition.read(partition.schema.names).to_pylist()} == before
    assert len(partition.parts()) == 2, "the merged part, and the torn one, which stays"
    assert partition.compact() == 0
    partition.append([sample_row(sample("a", "third"))])
    assert [found.text for part in stream_samples(partition, {"a"}) for found in part] == ["first"]


@pytest.mark.slow
def test_readers_miss_nothing_while_parts_are_merged(store: Store) -> None:
    partition = filled(store, *[[sample(f"k{number}")] for number in range(40)])
    keys = {f"k{number}" for number in range(40)}
    stop = threading.Event()

    def churn() -> None:
        number = 40
        while not stop.is_set():
            partition.append([sample_row(sample(f"k{number}"))])
            partition.compact()
            number += 1

    merging = threading.Thread(target=churn)
    merging.start()
    try:
        for _ in range(30):
            assert partition.finished_keys(pa.array(sorted(keys))) == keys
            assert {found.key for part in stream_samples(partition, keys) for found in part} == keys
    finally:
        stop.set()
        merging.join()


def test_what_a_run_writes_is_its_own_before_anybody_can_see_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a run that looks while it writes would speak of another run of the same."""
    partition, own, seen = store.samples("a" * 32), set[str](), list[set[str]]()
    others = Others(partition)

    def write_and_look(path: Path, content: bytes) -> None:
        write_aside(path, content)
        seen.append(others.news(own))

    monkeypatch.setattr("dryrun.store.partition.write_aside", write_and_look)
    partition.append([sample_row(sample("k"))], own)
    monkeypatch.undo()
    assert seen == [set()]
    partition.append([sample_row(sample("of another"))])
    assert others.news(own) == {"of another"}
