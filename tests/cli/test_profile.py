"""``profile`` and ``training-set`` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import dryrun
from dryrun.cli.main import main
from dryrun.store.partition import Store
from dryrun.store.runs import list_runs
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import EXACT, at, input_files, sum_rows


@pytest.fixture
def whole(endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The files and the profile of a whole dataset."""
    out = tmp_path / "profile.parquet"
    given = [*input_files(tmp_path), "--model", "fake", "--base-url", endpoint.base_url, "--model-seed", "0"]
    assert main(["profile", *given, "--all", "--most", "4", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "60 prompts" in said.out
    assert "60 different rows in 1 shard" in said.err
    return [given[1], str(out)]


@pytest.mark.slow
def test_all_rows_are_profiled_and_chosen_from(
    whole: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset, profile = whole
    assert pq.read_table(profile).num_rows == 60
    folder = tmp_path / "set"
    choice = ["--band", "0", "1", "--size", "20", "--topic", "even=3", "--topic", "odd=1"]
    given = ["--profile", profile, "--dataset", dataset, "--out", str(folder)]
    assert main(["training-set", *given, *choice]) == 0
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    assert [row["topic"] for row in rows].count("even") == 15
    assert len(rows) == 20
    assert "20 rows to train on" in capsys.readouterr().out
    assert not (folder / "sft.jsonl").exists(), "there are no responses at hand"


@pytest.mark.slow
def test_a_stored_profile_gives_rows_that_teach_and_an_export(
    endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No file of the user's is needed again: rows and responses are those of the shards, each prompt once."""
    given = [*input_files(tmp_path), "--model", "fake", "--base-url", endpoint.base_url, "--model-seed", "0"]
    shards = ["--all", "--most", "4", "--shard-rows", "25"]
    assert main(["profile", *given, *shards]) == 0
    name = capsys.readouterr().out.split("\n")[0].removeprefix("profile ")
    calls, folder = endpoint.calls, tmp_path / "set"
    assert main(["runs"]) == 0
    assert f"{name} " in capsys.readouterr().out
    assert main(["export", name, "--to", "trl", "--check"]) == 2
    assert f"training-set {name} --out FOLDER" in capsys.readouterr().err
    assert main(["training-set", name, "--out", str(folder), "--band", "0", "1", "--validation", "0"]) == 0
    read = {path.stem: path.read_text().splitlines() for path in folder.glob("*.jsonl")}
    assert sorted(map(json.loads, read["train"]), key=str) == sorted(sum_rows(60), key=str)
    asked = [json.loads(line)["messages"][0]["content"] for line in read["sft"]]
    assert len(asked) == len(set(asked)) > 25, "of more than one shard"
    assert main(["export", name, "--to", "trl", "--rows", str(folder), "--out", str(tmp_path / "trl")]) == 0
    assert (tmp_path / "trl" / "graded.jsonl").exists()
    assert main(["profile", "0" * 8 + "-" + "0" * 8]) == 2
    assert "There is no profile" in capsys.readouterr().err
    assert endpoint.calls == calls


@pytest.mark.slow
def test_a_sample_and_then_its_run(
    endpoint: FakeEndpoint, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", *files, *at(endpoint), "--samples", "40", "--out", str(tmp_path / "p.csv")]) == 0
    calls = endpoint.calls
    assert calls == 80
    run = list_runs(Store(tmp_path / "data"))[0]
    assert f"run {run.id}" in capsys.readouterr().out
    assert main(["training-set", run.id, "--out", str(tmp_path / "set"), "--band", "0", "1"]) == 0
    assert endpoint.calls == calls
    assert (tmp_path / "set" / "sft.jsonl").read_text()
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 41


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["profile"], "Give a run's id, or --dataset and --grader"),
        (["profile", "0" * 32], "There is no run"),
        (["profile", "0" * 32, "--all"], "not both"),
        (["profile", "0" * 32, "--group", "1"], "2 responses or more"),
        (["training-set"], "Give the id of a run or a profile, or --profile and --dataset"),
    ],
)
def test_what_is_missing_is_said(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_a_weight_that_is_no_number_is_refused(whole: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    dataset, profile = whole
    given = ["training-set", "--profile", profile, "--dataset", dataset, "--topic", "even=much"]
    assert main(given) == 2
    assert "write NAME=WEIGHT" in capsys.readouterr().err


@pytest.mark.slow
def test_the_public_functions_give_the_same_table(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    rows, url, data = sum_rows(30), endpoint.base_url, tmp_path / "d"
    table = dryrun.profile_dataset(rows, EXACT, "fake", first=2, most=2, base_url=url, api_key="k", data=data)
    assert table.num_rows == 30
    assert set(table["n"].to_pylist()) == {2}
    found = dryrun.run_dry_run(rows, EXACT, "fake", 30, rollouts=2, base_url=url, api_key="k", data=data)
    again = dryrun.profile_run(found["run_id"], data=data)
    assert sorted(again["key"].to_pylist()) == sorted(table["key"].to_pylist())
