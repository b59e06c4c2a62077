"""Datasets of the Hub by name: the split that is meant, read in part, a sentence for what is not there."""

from __future__ import annotations

import io
import json
import random
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dryrun.cli.main import main
from dryrun.core.config import SamplingConfig
from dryrun.core.errors import DatasetError
from dryrun.dataset.columns import ColumnMap
from dryrun.dataset.draw import draw
from dryrun.dataset.hub import remote
from dryrun.dataset.hub.remote import CONVERTED, first_of_hub, pool_size, read_hub, spread
from dryrun.dataset.hub.splits import (
    address_of,
    chosen_split,
    splits_by_card,
    splits_by_folders,
    splits_by_names,
)
from dryrun.store.partition import Store
from dryrun.store.runs import list_runs
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.fake_hub import FakeHub
from tests.helpers.support import EXACT, at, grader_file, sum_rows

ME = "hf://datasets/me/sums"


def numbered(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(start, start + count)]


def parquet(rows: list[dict[str, Any]], group: int = 1000) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink, row_group_size=group)
    return sink.getvalue()


def jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    pytest.importorskip("huggingface_hub")
    with FakeHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        yield server


def refusal(address: str, **options: Any) -> str:
    with pytest.raises(DatasetError) as caught:
        read_hub(address, **options)
    return str(caught.value)


def test_an_address_names_owner_name_revision_and_split() -> None:
    whole = address_of("hf://datasets/me/su.ms-2@refs/pr/1:main/train")
    assert (whole.repo, whole.revision, whole.split) == ("me/su.ms-2", "refs/pr/1", "main/train")
    assert (address_of(ME).revision, address_of(ME).split) == (None, None)
    for wrong in ("hf://datasets/me", "hf://me/sums", "hf://datasets/me/sums:", "hf://datasets/me/su ms"):
        with pytest.raises(DatasetError, match="hf://datasets/OWNER/NAME"):
            address_of(wrong)


def test_a_card_names_the_files_of_each_split() -> None:
    files = ["main/train-0.parquet", "main/deep/train-1.parquet", "easy/test.jsonl", "README.md"]
    configs: list[dict[str, Any]] = [
        {"config_name": "main", "data_files": [{"split": "train", "path": "main/train-*"}]},
        {"config_name": "easy", "data_files": [{"split": "test", "path": ["easy/*"]}], "default": True},
    ]
    assert splits_by_card(configs, files) == {
        "main/train": ["main/train-0.parquet"],
        "easy/test": ["easy/test.jsonl"],
        "test": ["easy/test.jsonl"],
    }
    assert splits_by_card([{"config_name": "a", "data_files": "main/**/train-?.parquet"}], files) == {
        "train": files[:2]
    }
    assert splits_by_card("nonsense", files) == splits_by_card([3, {"data_files": 7}], files) == {}


def test_names_of_files_and_folders_name_splits() -> None:
    files = ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test-0.parquet"]
    others = ["README.md", "hard.jsonl", "data/train.txt"]
    assert splits_by_names([*files, *others]) == {
        "train": files[:2],
        "test": files[2:],
        "hard": ["hard.jsonl"],
    }
    copies = ["default/train/0000.parquet", "default/train/0001.parquet", "default/test/0000.parquet"]
    assert splits_by_folders(copies)["train"] == splits_by_folders(copies)["default/train"] == copies[:2]
    assert set(splits_by_folders([*copies, "b/train/0.parquet"])) == {
        "default/train",
        "default/test",
        "b/train",
    }


def test_without_a_wish_it_is_the_only_split_or_train() -> None:
    assert chosen_split({"test": []}, None, ME) == "test"
    assert chosen_split({"test": [], "train": []}, None, ME) == "train"
    with pytest.raises(DatasetError, match="Name one of these behind a colon: easy, hard"):
        chosen_split({"easy": [], "hard": []}, None, ME)
    with pytest.raises(DatasetError, match="there is no split 'x'"):
        chosen_split({"easy": []}, "x", ME)


def test_the_pool_is_the_same_for_300_and_500_prompts() -> None:
    assert [pool_size(prompts) for prompts in (1, 300, 500, 501, 2000)] == [2000, 2000, 2000, 4000, 8000]
    assert spread(10, 4) == [0, 2, 5, 7]
    assert spread(3, 8) == [0, 1, 2]


@pytest.mark.slow
def test_a_small_split_is_read_whole(hub: FakeHub) -> None:
    hub.put("me/sums", {"data/train-0.parquet": parquet(numbered(30)), "data/test-0.parquet": b""})
    dataset = read_hub(ME)
    assert [row["answer"] for row in dataset] == [row["answer"] for row in numbered(30)]
    assert dataset.ref.name.startswith("me/sums@")
    assert dataset.ref.name.endswith(":train")
    assert "in part" not in " ".join(dataset.warnings)
    assert dataset[3]["messages"] == [{"role": "user", "content": "What is 3 + 1?"}]
    assert {token for path, token in hub.requests if "/datasets/" in path} == {"Bearer hf_secret"}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("ending", ["jsonl", "json", "csv"])
def test_other_formats_are_read_too(hub: FakeHub, ending: str) -> None:
    rows = numbered(5)
    text = {
        "jsonl": jsonl(rows),
        "json": json.dumps(rows).encode(),
        "csv": b"question,answer\n" + b"".join(b"%s,%s\n" % (r["question"].encode(), b"1") for r in rows),
    }
    hub.put("me/sums", {f"train.{ending}": text[ending]})
    assert [row["question"] for row in read_hub(ME)] == [row["question"] for row in rows]


@pytest.mark.slow
def test_of_a_large_split_no_more_is_read_than_a_sample_is_drawn_from(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "BLOCK_BYTES", 1 << 14)
    rng = random.Random(0)
    rows = [{**row, "noise": rng.randbytes(200).hex()} for row in numbered(24_000)]
    files = {f"data/train-{n:05}-of-00012.parquet": parquet(rows[2000 * n :][:2000], 250) for n in range(12)}
    hub.put("me/sums", files)
    dataset = read_hub(ME)
    assert len(dataset) == 2000
    assert len(hub.sent) == 8
    assert sum(hub.sent.values()) < sum(map(len, files.values())) / 3
    assert "was read in part" in dataset.warnings[0]
    assert "8 row groups in 8 of 12 files" in dataset.warnings[0]
    parts = sorted({int(row["answer"]) // 2000 for row in dataset})
    assert len(parts) == 8, "spread over the files, not the first ones"


@pytest.mark.slow
def test_a_larger_sample_of_a_large_split_begins_with_the_smaller_one(hub: FakeHub) -> None:
    hub.put("me/sums", {f"data/train-{n}.parquet": parquet(numbered(1000, 1000 * n)) for n in range(5)})
    few, more = (read_hub(ME, prompts=count) for count in (300, 500))
    assert few.ref == more.ref
    larger = [more.key(row) for row in draw(more, SamplingConfig(size=500))]
    assert [few.key(row) for row in draw(few, SamplingConfig(size=300))] == larger[:300]


@pytest.mark.slow
def test_of_a_large_jsonl_file_lines_from_many_places_are_read(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(remote, "BLOCK_BYTES", 1 << 12)
    content = jsonl([{**row, "noise": "x" * 300} for row in numbered(16_000)])
    hub.put("me/sums", {"train.jsonl": content})
    dataset = read_hub(ME)
    assert len(dataset) == 2000
    assert hub.sent["train.jsonl"] < len(content) / 3
    assert len({int(row["answer"]) // 1000 for row in dataset}) == 16
    assert "16 places in train.jsonl" in dataset.warnings[0]


@pytest.mark.slow
def test_a_split_is_found_by_card_then_name_then_parquet_copy(hub: FakeHub) -> None:
    hub.put(
        "me/sums",
        {"a/odd.jsonl": jsonl(numbered(1)), "data/train-0.jsonl": jsonl(numbered(2)), "load.py": b""},
        {"configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "a/*.jsonl"}]}]},
    )
    hub.put("me/sums", {"default/hard/0000.parquet": parquet(numbered(3))}, branch=CONVERTED)
    assert len(read_hub(ME)) == 1
    assert len(read_hub(f"{ME}:hard")) == 3
    hub.put("me/plain", {"data/train-0.jsonl": jsonl(numbered(2)), "data/test-0.jsonl": jsonl(numbered(4))})
    assert len(read_hub("hf://datasets/me/plain")) == 2
    assert len(read_hub("hf://datasets/me/plain:test")) == 4
    assert "behind a colon: train, test" in refusal("hf://datasets/me/plain:dev")


@pytest.mark.slow
def test_a_revision_is_that_commit_alone(hub: FakeHub) -> None:
    hub.put("me/sums", {"train.jsonl": jsonl(numbered(1))})
    hub.put("me/sums", {"train.jsonl": jsonl(numbered(7))}, branch="v2")
    assert (len(read_hub(ME)), len(read_hub(f"{ME}@v2"))) == (1, 7)
    assert "revision: the dataset has no such revision" in refusal(f"{ME}@v3")


@pytest.mark.slow
def test_what_is_not_there_is_one_sentence(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is none of this name, or it is private" in refusal("hf://datasets/me/nothing")
    hub.put("me/sums", {"train.jsonl": jsonl([{"ask": "x"}])})
    assert "1 problem in 1 row" in refusal(ME)
    assert [dict(row) for row in first_of_hub(ME)] == [{"ask": "x"}]
    assert len(read_hub(ME, ColumnMap("ask"))) == 1
    hub.put("me/pictures", {"a.png": b"", "README.md": b""})
    assert "none of its files looks like one" in refusal("hf://datasets/me/pictures")
    hub.gated.add("me/gated")
    assert "accept its conditions" in refusal("hf://datasets/me/gated")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "hub: it did not answer as expected" in refusal(ME)


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert "this package is not installed. Install it: pip install" in refusal(ME)


@pytest.mark.slow
def test_a_run_by_name_is_stored_by_its_commit_and_goes_on_as_itself(
    hub: FakeHub, endpoint: FakeEndpoint, store: Store, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    made = hub.put("me/sums", {"train.jsonl": jsonl(sum_rows(40))})
    arguments = ["run", "--dataset", ME, "--grader", grader_file(tmp_path, EXACT), *at(endpoint)]
    assert main(arguments) == main(arguments) == 0
    assert endpoint.calls == 80
    [*_, run] = list_runs(store)
    assert run.config().dataset.name == f"me/sums@{made.sha[:8]}:train"
    for command in (["validate"], ["plan"]):
        assert main([*command, *arguments[1:5]]) == 0
    assert "hf_secret" not in capsys.readouterr().out
    assert not any(b"hf_secret" in path.read_bytes() for path in store.root.rglob("*") if path.is_file())
