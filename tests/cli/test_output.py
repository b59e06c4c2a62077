"""What is written where an option or a terminal leads: whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dryrun.cli.main import main
from dryrun.cli.output import write_out
from dryrun.core.errors import DryRunError


def test_what_stands_at_out_stays_until_all_of_the_new_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "report.json"
    write_out(out, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DryRunError, match=r"--out .* cannot be written \(No space left on device\)"):
        write_out(out, b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_file_is_written_where_none_can_stand_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "mounted.json"
    out.write_bytes(b"old, and longer")

    def busy(self: Path, target: Path) -> Path:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "replace", busy)
    write_out(out, b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"new"]


def test_a_terminal_on_a_full_disk_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dryrun.cli.commands.runs.execute", full)
    assert main(["runs"]) == 2
    assert "error: The output cannot be written (No space left on device)" in capsys.readouterr().err
