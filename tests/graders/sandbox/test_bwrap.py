"""Which bubblewrap is used: the system's, which the host may allow more, unless it is too old."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dryrun.graders.sandbox.isolation import Mechanism, WorkerLimits, bwrap, worker_launch


@pytest.fixture
def wheel(monkeypatch: pytest.MonkeyPatch) -> str:
    """The wheel's, where the system has none."""
    monkeypatch.setenv("PATH", "/nowhere")
    found = bwrap()
    if found is None:
        pytest.skip("there is no wheel of bubblewrap for this machine")
    return found


def installed(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> str:
    program = folder / "bwrap"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin")
    return str(program)


@pytest.mark.parametrize("version", ["bubblewrap 0.8.0", "bubblewrap 0.11.0", "bubblewrap 1.0"])
def test_the_systems_comes_first(
    version: str, wheel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = installed(tmp_path, version, monkeypatch)
    assert bwrap() == own
    assert worker_launch(Mechanism.BUBBLEWRAP, WorkerLimits()).command[0] == own


@pytest.mark.parametrize("version", ["bubblewrap 0.6.1", "something else", ""])
def test_one_that_is_too_old_does_not(
    version: str, wheel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, version, monkeypatch)
    assert bwrap() == wheel
