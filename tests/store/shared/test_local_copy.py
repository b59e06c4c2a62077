"""Two machines and one bucket: what one writes the other reads, and nothing is lost on the way."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dryrun.core.errors import StoreError
from dryrun.core.records import RunState, Sample, SampleOutcome
from dryrun.store.ceiling import forget_ceiling
from dryrun.store.opened import open_store, push_again
from dryrun.store.partition import Partition, Store, write_aside
from dryrun.store.results import load_results
from dryrun.store.runs import Run
from dryrun.store.schemas import SAMPLES, sample_row
from dryrun.store.shared import local_copy, registry
from dryrun.store.shared.registry import unshared_words
from dryrun.store.trainings import forget_trainings
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.machines import Machine, sent
from tests.helpers.object_store import FAILS, ObjectStore, puts
from tests.helpers.support import make_run, work

MODEL = "m" * 32


def answered(store: Store, *keys: str) -> None:
    """A part with an answer of each key."""
    rows = [sample_row(Sample(key, 0, SampleOutcome.ANSWERED, text=key)) for key in keys]
    Partition(store.root / "samples" / MODEL, SAMPLES).append(rows)


def keys_of(store: Store) -> set[str]:
    return set(store.samples(MODEL).read(["key"])["key"].to_pylist())


def test_a_part_is_one_put_and_is_fetched_once(machine: Machine, bucket: ObjectStore) -> None:
    one, two = machine("one"), machine("two")
    answered(one, "a")
    assert sent(one) == 0
    assert [method for method, _ in bucket.requests] == ["PUT"]
    assert keys_of(two) == keys_of(two) == {"a"}
    assert bucket.count("GET", ".parquet") == 1
    answered(one, "b")
    sent(one)
    assert keys_of(two) == {"a", "b"}
    assert bucket.count("GET", ".parquet") == 2
    assert bucket.count("PUT") == 2


def test_two_writers_lose_nothing(machine: Machine) -> None:
    one, two = machine("one"), machine("two")
    for number in range(5):
        answered(one, f"one {number}")
        answered(two, f"two {number}")
    assert sent(one) == sent(two) == 0
    assert keys_of(one) == keys_of(two)
    assert len(keys_of(one)) == 10


@pytest.mark.slow
def test_three_thousand_parts_are_three_requests(machine: Machine, bucket: ObjectStore) -> None:
    for number in range(3_000):
        bucket.keep(f"team/samples/{MODEL}/part-{number:020d}-aa.parquet", b"")
    store = machine("one")
    registry.pull(store.root / "samples", light=True)
    assert bucket.requests == [("GET", "/bucket?list")] * 3


def test_slow_puts_hold_nobody_up(machine: Machine, bucket: ObjectStore) -> None:
    store = machine("one")
    bucket.trouble = puts(None, wait=0.3)
    answered(store, "a")
    assert keys_of(store) == {"a"}
    assert bucket.names() == set()
    assert sent(store) == 0
    assert len(bucket.names()) == 1


def test_what_cannot_be_put_stays_and_is_said(machine: Machine, bucket: ObjectStore) -> None:
    store = machine("one")
    bucket.trouble = puts(FAILS)
    answered(store, "a")
    (words,) = unshared_words(0.5)
    assert words.startswith("1 file is not in s3://bucket/team yet")
    assert "cache --push" in words
    assert keys_of(store) == {"a"}
    bucket.trouble = None
    assert sent(store) == 0
    assert unshared_words(0.0) == []
    assert keys_of(machine("two")) == {"a"}


def test_a_killed_process_leaves_nothing_behind(
    machine: Machine, bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = machine("one")
    with monkeypatch.context() as patch:  # as if it were killed between the disk and the store
        patch.setattr(registry, "wrote", lambda path: None)
        answered(store, "a")
        write_aside(store.runs / ("0" * 32) / "note.json", b"{}")
    assert bucket.names() == set()
    again = machine("one")
    assert push_again(again)
    assert sent(again) == 0
    assert keys_of(machine("two")) == {"a"}
    assert bucket.content(f"team/runs/{'0' * 32}/note.json") == b"{}"


def test_what_one_removes_the_other_loses(machine: Machine, bucket: ObjectStore) -> None:
    one, two = machine("one"), machine("two")
    answered(one, "a")
    sent(one)
    assert keys_of(two) == {"a"}
    folder = one.samples(MODEL).folder
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    registry.removed(folder)
    answered(one, "b")  # waits until the folder is gone from the bucket
    assert sent(one) == 0
    assert len(bucket.names()) == 1
    _let_time_pass(two)
    assert keys_of(two) == keys_of(one) == {"b"}


def test_what_was_never_put_is_not_taken_for_removed(machine: Machine, bucket: ObjectStore) -> None:
    one = machine("one")
    bucket.trouble = puts(FAILS)
    answered(one, "a")
    _let_time_pass(one)
    assert keys_of(one) == {"a"}


def test_a_lost_file_here_is_not_removed_there(machine: Machine, bucket: ObjectStore) -> None:
    one = machine("one")
    answered(one, "a")
    sent(one)
    for path in one.samples(MODEL).folder.iterdir():
        path.unlink()  # somebody who cleans caches
    assert keys_of(one) == {"a"}
    assert len(bucket.names()) == 1


def test_merging_puts_first_and_removes_then(machine: Machine, bucket: ObjectStore) -> None:
    one, two = machine("one"), machine("two")
    answered(one, "a")
    answered(one, "b")
    sent(one)
    assert keys_of(two) == {"a", "b"}
    bucket.trouble = puts(FAILS)
    assert one.samples(MODEL).compact() == 2
    assert sent(one, 0.3) == 3
    assert len(bucket.names()) == 2
    bucket.trouble = None
    assert sent(one) == 0
    assert len(bucket.names()) == 1
    _let_time_pass(two)
    assert keys_of(two) == {"a", "b"}
    assert len(two.samples(MODEL).parts()) == 1


def test_merging_again_before_the_first_is_put(machine: Machine, bucket: ObjectStore) -> None:
    one = machine("one")
    for key in "ab":
        answered(one, key)
    sent(one)
    bucket.trouble = puts(FAILS)
    one.samples(MODEL).compact()
    answered(one, "c")
    one.samples(MODEL).compact()
    bucket.trouble = None
    assert sent(machine("one")) == 0
    assert sent(one) == 0
    assert len(bucket.names()) == 1
    assert keys_of(machine("two")) == {"a", "b", "c"}


def test_the_newer_of_two_small_files_stays(machine: Machine, bucket: ObjectStore) -> None:
    one, name = machine("one"), Path("runs", "0" * 32, "note.json")
    bucket.trouble = puts(FAILS)
    write_aside(one.root / name, b"older")
    sent(one, 0.3)
    bucket.keep(f"team/{name}", b"newer!")  # another machine gets through
    bucket.trouble = None
    assert sent(one) == 0
    assert bucket.content(f"team/{name}") == b"newer!"
    registry.pull(one.runs)
    assert (one.root / name).read_bytes() == b"newer!"


def test_an_overwritten_file_of_the_same_size_is_seen(machine: Machine, bucket: ObjectStore) -> None:
    one, two = machine("one"), machine("two")
    name = Path("runs", "0" * 32, "note.json")
    bucket.keep(f"team/{name}", b"first!")
    _same_moment(bucket, f"team/{name}")
    registry.pull(two.runs)
    write_aside(one.root / name, b"second")
    sent(one)
    _same_moment(bucket, f"team/{name}")  # a store gives whole seconds
    registry.pull(two.runs)
    assert (two.root / name).read_bytes() == b"first!"
    _let_time_pass(two)
    registry.pull(two.runs)
    assert (two.root / name).read_bytes() == b"second"


def test_a_status_never_comes_before_the_parts_it_counts(machine: Machine, bucket: ObjectStore) -> None:
    store = machine("one")
    bucket.trouble = puts(FAILS, ending=".parquet")
    answered(store, "a")
    write_aside(store.runs / ("0" * 32) / "status.json", b"{}")
    assert sent(store, 0.3) == 2
    assert bucket.names() == set()
    bucket.trouble = None
    assert sent(store) == 0
    assert bucket.requests[-1][1].endswith("status.json")


def test_a_status_that_is_overwritten_while_it_is_fetched(machine: Machine, bucket: ObjectStore) -> None:
    store, name = machine("one"), f"team/runs/{'0' * 32}/status.json"
    bucket.keep(name, b"older")

    def trouble(method: str, path: str) -> None:
        if method == "HEAD" and path.endswith("status.json"):
            bucket.keep(name, b"of another size")

    bucket.trouble = trouble
    registry.pull(store.runs)
    assert (store.root / name.removeprefix("team/")).read_bytes() == b"of another size"
    assert bucket.requests.count(("GET", "/bucket?list")) == 2


def test_the_end_of_one_run_does_not_wait_for_another(machine: Machine, bucket: ObjectStore) -> None:
    store, ended = machine("one"), threading.Event()

    def keep_writing() -> None:
        number = 0
        while not ended.wait(0.005):
            number += 1
            answered(store, f"{number}")

    bucket.trouble = puts(None, wait=0.05)
    thread = threading.Thread(target=keep_writing)
    thread.start()
    try:
        write_aside(store.runs / ("0" * 32) / "note.json", b"{}")
        sent(store)
        assert bucket.content(f"team/runs/{'0' * 32}/note.json") == b"{}"
    finally:
        ended.set()
        thread.join()


def test_a_damaged_part_is_fetched_again(machine: Machine, bucket: ObjectStore) -> None:
    store = machine("one")
    answered(store, "a")
    sent(store)
    partition = store.samples(MODEL)
    (part,) = partition.parts()
    content, columns = bytearray(part.read_bytes()), pq.read_metadata(part).row_group(0)
    text = columns.column(SAMPLES.get_field_index("text"))
    content[text.data_page_offset + text.total_compressed_size // 2] ^= 0xFF
    part.write_bytes(content)
    partition.set_aside_damaged(partition.read(["key"])["key"].combine_chunks())
    assert [path.name for path in partition.parts()] == [part.name]
    assert part.read_bytes() == bucket.content(f"team/samples/{MODEL}/{part.name}")
    assert not any("damaged" in name for name in bucket.names())


def test_names_that_lead_elsewhere_are_left_alone(
    machine: Machine, bucket: ObjectStore, tmp_path: Path
) -> None:
    for name in ("runs/../../../evil", "runs/.hidden/x", "app.json", "elsewhere/x", "runs/lock"):
        bucket.keep(f"team/{name}", b"evil")
    store = machine("one")
    registry.pull(store.runs)
    found = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert found <= {".index.sqlite", ".index.sqlite-wal", ".index.sqlite-shm", ".machine"}


def test_only_what_is_shared_goes_there(machine: Machine, bucket: ObjectStore) -> None:
    store = machine("one")
    write_aside(store.root / "app.json", b"{}")
    write_aside(store.runs / ("0" * 32) / "lock", b"")
    answered(store, "a")
    assert sent(store) == 0
    assert len(bucket.names()) == 1


@pytest.mark.slow
def test_a_store_out_of_reach_leaves_what_is_here(
    machine: Machine, bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = machine("one")
    answered(store, "a")
    sent(store)
    bucket.trouble = lambda method, path: FAILS if method == "GET" else None
    assert keys_of(store) == {"a"}
    (words,) = unshared_words()
    assert words.startswith("What others wrote since could not be fetched")
    with pytest.raises(StoreError, match="s3://bucket/team"):
        registry.pull(store.runs, fresh=True)
    bucket.trouble = None
    assert keys_of(store) == {"a"}
    assert unshared_words() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("forget", "file"), [(forget_ceiling, "ceiling.json"), (forget_trainings, "outcome.json")]
)
def test_what_is_forgotten_goes_from_the_store(
    forget: Callable[[Run], object], file: str, machine: Machine, bucket: ObjectStore
) -> None:
    run = make_run(machine("one"), "http://127.0.0.1:1/v1", rows=3)
    write_aside(run.folder / file, b"{}")
    assert sent(run.store) == 0
    assert bucket.names(f"team/runs/{run.id}/{file}")
    forget(run)
    assert sent(run.store) == 0
    assert not bucket.names(f"team/runs/{run.id}/{file}")
    assert not (Run.open(run.store, run.id).folder / file).exists()


@pytest.mark.slow
def test_a_run_is_not_read_by_halves(machine: Machine, bucket: ObjectStore, endpoint: FakeEndpoint) -> None:
    run = make_run(machine("one"), endpoint.base_url, rows=5)
    work(run)
    assert sent(run.store) == 0
    seen = Run.open(machine("two"), run.id)
    bucket.trouble = lambda method, path: FAILS if path.endswith(".parquet") and "/samples/" in path else None
    assert seen.status().state is RunState.FINISHED
    with pytest.raises(StoreError, match="Only a part of run"):
        load_results(seen)
    bucket.trouble = None
    assert load_results(seen).rollouts.num_rows == 10


def test_a_store_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_COPIES", {})
    monkeypatch.setenv("DRYRUN_CACHE", str(tmp_path / "cache"))
    store = open_store(f"file://{tmp_path}/mounted")
    answered(store, "a")
    assert sent(store) == 0
    kept = [path for path in (tmp_path / "mounted").rglob("*") if path.is_file()]
    assert [path.suffix for path in kept] == [".parquet"]
    assert keys_of(Store(tmp_path / "mounted")) == {"a"}


def _let_time_pass(store: Store) -> None:
    """As if what this machine knows of the store were a minute old."""
    copy = registry.copy_of(store.root)
    assert isinstance(copy, local_copy.LocalCopy)
    with copy._index._changes() as base:
        base.execute("UPDATE files SET since = since - 60")


def _same_moment(bucket: ObjectStore, name: str) -> None:
    bucket.date(name, datetime.datetime(2026, 1, 1))
