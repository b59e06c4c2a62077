"""A file or folder of the user's with the name of a package: one sentence, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def run_in(folder: Path, *command: str) -> tuple[int, str]:
    known = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=known, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


IMPORT_RAY = """
from dryrun.core.errors import DryRunError
from dryrun.models.ray_data.cluster import imported_ray
try:
    print(imported_ray())
except DryRunError as error:
    print("sentence:", error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("made", ["ray/", "ray.py"])
def test_what_is_called_ray_is_not_taken_for_ray(made: str, tmp_path: Path) -> None:
    if find_spec("ray") is not None and made == "ray/":
        pytest.skip("an installed package comes before a folder without __init__.py")
    (tmp_path / "ray").mkdir() if made == "ray/" else (tmp_path / made).write_text("x = 1\n")
    code, output = run_in(tmp_path, "-c", IMPORT_RAY)
    assert code == 0
    kind = "folder" if made == "ray/" else "file"
    place = tmp_path / made.rstrip("/")
    assert f"sentence: Python takes the {kind} {place} for the package ray: rename it" in output


@pytest.mark.slow
def test_what_is_called_huggingface_hub_is_named(tmp_path: Path) -> None:
    (tmp_path / "huggingface_hub.py").write_text("x = 1\n")
    code, output = run_in(
        tmp_path, "-c", "from dryrun.dataset.hub.remote import read_hub; read_hub('hf://datasets/a/b')"
    )
    assert code == 1
    assert f"Python takes {tmp_path / 'huggingface_hub.py'} for this package. Rename it" in output


@pytest.mark.slow
def test_a_graders_own_module_beside_it_is_found_missing(tmp_path: Path) -> None:
    """The sandbox has what is installed, not the working directory."""
    (tmp_path / "mine.py").write_text("def f(): return 1\n")
    (tmp_path / "grader.py").write_text("import mine\ndef grade(sample, item): return 1.0\n")
    code, output = run_in(tmp_path, "-m", "dryrun", "validate", "--grader", "grader.py")
    assert code == 2
    assert "line 1 imports mine, which is not installed here" in output
    assert "The sandbox does not see your own mine: put what it holds into the grader's source." in output
