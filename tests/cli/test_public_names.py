"""The names that the documentation imports from `dryrun`, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import dryrun
from dryrun.cli.main import main
from tests.helpers.support import ROOT

HEAVY = ("numpy", "pyarrow", "pydantic", "openai", "rich", "asyncio", "streamlit")


@pytest.mark.parametrize("name", dryrun.__all__)
def test_every_public_name_loads_and_is_listed(name: str) -> None:
    assert getattr(dryrun, name) is not None
    assert name in dir(dryrun)


def test_an_unknown_name_is_refused_by_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'run_dry_runs'"):
        dryrun.run_dry_runs  # noqa: B018 (the look-up is what is tested)


def test_the_version_is_the_one_that_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.split() == ["dryrun", dryrun.__version__]


def test_importing_the_package_loads_nothing_else() -> None:
    script = "import sys, dryrun; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert [name for name in loaded if name.startswith("dryrun")] == ["dryrun"]
    assert not set(loaded) & set(HEAVY)


def test_a_check_of_one_function_through_the_public_name() -> None:
    rows = [
        {"messages": [{"role": "user", "content": f"{n} + 1 ="}], "reference_answer": str(n + 1)}
        for n in range(6)
    ]
    check = dryrun.check_function(lambda sample, item: 1.0, rows, seconds=5.0)
    assert check.graded > 0
    assert not check.sound
