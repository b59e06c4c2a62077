"""``export`` at the command line: what is written, what is refused, and that --check writes nothing."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dryrun.cli.main import main
from tests.helpers.support import ROOT, sum_rows, write_jsonl

RUN = "9216f070536307d244d3128121b3fe25"


@pytest.fixture
def data(tmp_path: Path) -> str:
    shutil.copytree(ROOT / "sample_data" / "recorded", tmp_path / "data")
    return str(tmp_path / "data")


@pytest.mark.slow
def test_a_folder_a_zip_or_nothing(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, packed = tmp_path / "out", tmp_path / "out.zip"
    given = ["export", RUN, "--to", "trl", "--data", data]
    assert main([*given, "--check"]) == 0
    said = capsys.readouterr().out
    assert "270 rows to train on, 30 for validation" in said
    assert "- The reward function runs in the training process" in said
    assert main([*given, "--out", str(out)]) == 0
    assert main([*given, "--out", str(packed)]) == 0
    written = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert written == sorted(zipfile.ZipFile(packed).namelist())
    assert "train.py" in written
    assert main(given) != 0
    assert main([*given, "--out", str(packed / "x" if packed.is_dir() else out / "train.py")]) != 0
    assert "is a file" in capsys.readouterr().err


@pytest.mark.slow
def test_rows_that_were_chosen_replace_those_of_the_run(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen, out = tmp_path / "chosen", tmp_path / "out"
    chosen.mkdir()
    write_jsonl(chosen / "train.jsonl", sum_rows(40))
    given = ["export", RUN, "--data", data, "--rows", str(chosen), "--out", str(out)]
    assert main([*given, "--to", "openai"]) == 0
    rows = [json.loads(line) for line in (out / "train.jsonl").read_text().splitlines()]
    assert rows == sum_rows(40)
    assert not (out / "validation.jsonl").exists()
    assert main([*given, "--to", "verl"]) == 0
    abilities = pq.read_table(out / "train.parquet")["ability"].to_pylist()
    assert abilities == [row["topic"] for row in sum_rows(40)]
    assert main([*given, "--to", "bedrock"]) == 2
    assert "Nothing is written: Amazon Bedrock cannot take this." in capsys.readouterr().out
    assert (
        main(["export", RUN, "--data", data, "--to", "trl", "--check", "--rows", str(tmp_path / "no")]) != 0
    )
