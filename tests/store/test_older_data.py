"""A data directory that an earlier version wrote still opens, and nothing in it has to be paid for again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dryrun.analysis.figures.agreement import Labelled
from dryrun.cli.main import main
from dryrun.core.blocking import run_blocking
from dryrun.core.records import RunState
from dryrun.engine.work import work_on
from dryrun.probes.check_run import kept_check
from dryrun.store.labels import Mark, book_of, labelled
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, list_runs
from tests.helpers.support import DATA

OLDER = DATA / "data_directory_0_1"
EXPECTED: dict[str, dict[str, Any]] = json.loads((OLDER / "expected.json").read_bytes())
FIRST, REGRADED = "177bb91a17520b5f3e950567b7dbc5ac", "71d4e20c0d6df05c57d96619527c6e6f"
IMPORTED, STOPPED = "4f3b1da4f5964a4f3c095f2aac95c1cb", "df67d3dd3d83ff0784d4015253622c18"


@pytest.fixture
def older(tmp_path: Path) -> Store:
    """A copy of the older directory, in the place where the commands look."""
    shutil.copytree(OLDER, tmp_path / "data")
    return Store(tmp_path / "data")


def reported(run: str, out: Path) -> dict[str, Any]:
    """The report of a stored run, as ``report --out`` writes it."""
    main(["report", run, "--out", str(out)])
    report: dict[str, Any] = json.loads(out.read_bytes())
    return report


def test_every_older_run_is_listed(older: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    listed = capsys.readouterr().out.splitlines()
    states = {line.split()[0]: line.split()[1:3] for line in listed}
    assert states == {
        FIRST: ["finished", "60/60"],
        REGRADED: ["finished", "60/60"],
        IMPORTED: ["finished", "24/24"],
        STOPPED: ["stopped", "20/60"],
    }


@pytest.mark.parametrize("run", EXPECTED)
def test_the_report_has_the_same_figures_and_verdict(older: Store, run: str, tmp_path: Path) -> None:
    report, expected = reported(run, tmp_path / "report.json"), EXPECTED[run]
    assert report["diagnosis"]["verdict"] == expected["verdict"]
    for count in ("samples_evaluated", "responses_evaluated", "missing"):
        assert report[count] == expected[count]
    for name, value in expected["statistics"].items():
        assert report["statistics"][name] == pytest.approx(value)
    assert report["distribution"] == pytest.approx(expected["distribution"])
    topics = {
        name: [topic["mean"], topic["std"], topic["count"]] for name, topic in report["by_topic"].items()
    }
    assert topics.keys() == expected["topics"].keys()
    for name, figures in expected["topics"].items():
        assert topics[name] == pytest.approx(figures)


@pytest.mark.slow
@pytest.mark.parametrize("run", [FIRST, IMPORTED])
def test_resuming_asks_nothing_again(older: Store, run: str) -> None:
    """Nobody listens at the endpoint of the older run: a single call would stop it."""
    before = Run.open(older, run)
    status = run_blocking(work_on(before, api_key="unused"))
    assert status.state is RunState.FINISHED
    assert status.reused == status.graded == EXPECTED[run]["responses_evaluated"]
    assert load_results(before).pending == 0


@pytest.mark.slow
def test_a_stopped_run_keeps_what_it_has_when_its_endpoint_is_gone(older: Store) -> None:
    stopped = Run.open(older, STOPPED)
    run_blocking(work_on(stopped, api_key="unused"))
    scores = load_results(stopped).observations().score
    assert int((scores == scores).sum()) == EXPECTED[STOPPED]["responses_evaluated"] == 20


@pytest.mark.slow
def test_regrading_with_the_same_grader_reuses_every_grade(older: Store, tmp_path: Path) -> None:
    parts = sorted(older.root.glob("grades/*/part-*"))
    main(["regrade", "--run", FIRST, "--grader", str(OLDER / "close.py")])
    again = next(run for run in list_runs(older) if run.id not in EXPECTED)
    assert again.status().reused == 60
    assert sorted(older.root.glob("grades/*/part-*")) == parts
    report = reported(again.id, tmp_path / "again.json")
    assert report["statistics"]["mean"] == pytest.approx(EXPECTED[REGRADED]["statistics"]["mean"])


@pytest.mark.parametrize("run", [FIRST, REGRADED])
def test_the_labels_are_there_for_the_run_and_its_regraded_form(older: Store, run: str) -> None:
    opened = Run.open(older, run)
    labels = book_of(opened).labels()
    assert {label.by for label in labels} == {"Ada"}
    assert [label.label for label in labels].count(Mark.GOOD) == 8
    assert [label.label for label in labels].count(Mark.BAD) == 4
    assert isinstance(labelled(load_results(opened), labels), Labelled)


def test_the_kept_check_is_there(older: Store, tmp_path: Path) -> None:
    stored = json.loads((OLDER / "runs" / FIRST / "grader_check.json").read_bytes())
    check = kept_check(Run.open(older, FIRST))
    assert check is not None
    assert (check.graded, check.profile) == (stored["graded"], stored["profile"])
    assert len(check.findings) == len(stored["findings"])
    assert reported(FIRST, tmp_path / "report.json")["grader_check"]["profile"] == stored["profile"]
