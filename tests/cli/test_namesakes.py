"""A file or folder of the user's with the name of a package: one sentence, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from dryrun.core.paths import is_installed, is_unseen

REPOSITORY = Path(__file__).parents[2]


def run_in(folder: Path, *command: str) -> tuple[int, str]:
    known = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=known, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


IMPORT_RAY = """
from dryrun.core.errors import DryRunError
from dryrun.models.ray_data.model import imported_ray
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
    assert "grader.py, line 1: imports mine, which is not installed here" in output
    assert "The sandbox does not see your own mine: install it, not to be edited" in output


def test_only_what_is_installed_is_there_for_a_grader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of PYTHONPATH, or one installed to be edited, is on the path and not in the sandbox."""
    own, installed = tmp_path / "src", tmp_path / "site-packages"
    for folder, name in ((own, "edited_module"), (installed, "installed_module")):
        (folder / f"{name}_package").mkdir(parents=True)
        (folder / f"{name}_package" / "__init__.py").touch()
        (folder / f"{name}.py").touch()
        monkeypatch.syspath_prepend(str(folder))
    for name in ("edited_module", "edited_module_package"):
        assert (is_installed(name), is_unseen(name)) == (False, True)
    for name in ("installed_module", "installed_module_package", "json", "sys", "math", "numpy", "_io"):
        assert (is_installed(name), is_unseen(name)) == (True, False)
    assert (is_installed("nowhere_to_be_found"), is_unseen("nowhere_to_be_found")) == (False, False)
