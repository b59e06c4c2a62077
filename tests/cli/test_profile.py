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
        (["training-set"], "Give a run's id, or --profile and --dataset"),
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


def test_the_public_functions_give_the_same_table(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    rows, url, data = sum_rows(30), endpoint.base_url, tmp_path / "d"
    table = dryrun.profile_dataset(rows, EXACT, "fake", first=2, most=2, base_url=url, api_key="k", data=data)
    assert table.num_rows == 30
    assert set(table["n"].to_pylist()) == {2}
    found = dryrun.run_dry_run(rows, EXACT, "fake", 30, rollouts=2, base_url=url, api_key="k", data=data)
    again = dryrun.profile_run(found["run_id"], data=data)
    assert sorted(again["key"].to_pylist()) == sorted(table["key"].to_pylist())
