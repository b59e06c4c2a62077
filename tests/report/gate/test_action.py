"""The steps of the GitHub action, run in a throw-away repository as a runner would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.helpers.fake_endpoint import FakeEndpoint, Reply
from tests.helpers.support import EXACT, FUZZY, ROOT, grader_file, sum_rows, write_jsonl

ACTION = ROOT / ".github" / "actions" / "dry-run"

pytestmark = pytest.mark.slow


def step(folder: Path, endpoint: FakeEndpoint, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The action's one step with these inputs, in the folder."""
    given = {
        "DATASET": "rows.jsonl",
        "GRADER": "grader.json",
        "MODEL": "fake",
        "BASE_URL": endpoint.base_url,
        "OPENAI_API_KEY": "a-secret-key",
        "SAMPLES": "60",
        "ROLLOUTS": "2",
        "CONDITIONS": "pass",
        "OPTIONS": "--model-seed\n0\n",
        "DRYRUN_DATA": str(folder / "data"),
        "OUTPUT": "out",
        "GITHUB_OUTPUT": str(folder / "outputs"),
        "GITHUB_STEP_SUMMARY": str(folder / "step.md"),
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    environment = {**os.environ, **given, **inputs}
    script = ["bash", str(ACTION / "gate.sh")]
    return subprocess.run(script, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A dataset and a grader with partial credit."""
    write_jsonl(tmp_path / "rows.jsonl", sum_rows(60))
    grader_file(tmp_path, FUZZY)
    return tmp_path


def test_a_run_leaves_every_file_and_a_grader_that_went_wrong_is_stopped(
    repository: Path, endpoint: FakeEndpoint
) -> None:
    done = step(repository, endpoint)
    report = json.loads((repository / "out" / "report.json").read_text())
    verdict = report["diagnosis"]["verdict"]
    assert done.returncode == {"GO": 0, "NO-GO": 1, "INVALID": 3}[verdict], done.stderr
    assert (repository / "outputs").read_text() == f"verdict={verdict}\n"
    assert (repository / "step.md").read_text().startswith("## Dry run: ")
    assert json.loads((repository / "out" / "findings.sarif").read_text())["version"] == "2.1.0"
    assert (repository / "out" / "report.html").read_text().startswith("<!doctype html>")
    assert ElementTree.parse(repository / "out" / "junit.xml").getroot().tag == "testsuites"
    calls = endpoint.calls
    again = step(repository, endpoint, BASELINE="out/baseline.json", OUTPUT="again")
    assert endpoint.calls == calls  # the data directory was kept, as a cache keeps it
    assert again.returncode == done.returncode
    assert "the same prompts" in again.stdout

    rows = [row | {"topic": "t\n::error::from a topic"} for row in sum_rows(60)]
    write_jsonl(repository / "rows.jsonl", rows)
    grader_file(repository, EXACT | {"reference": "never this"})
    (repository / "outputs").unlink()
    done = step(repository, endpoint, OUTPUT="wrong", GITHUB_ACTIONS="true", BASELINE="out/baseline.json")
    assert done.returncode == 1
    assert (repository / "outputs").read_text() == "verdict=NO-GO\n"
    # The gate's words are an annotation, and no text of the dataset is a command.
    lines = done.stdout.splitlines()
    (off,) = (place for place, line in enumerate(lines) if line.startswith("::stop-commands::"))
    on = lines.index(f"::{lines[off].removeprefix('::stop-commands::')}::")
    assert off < on == len(lines) - 2
    assert lines[-1].startswith("::error title=Dry run::The gate is shut: NO-GO.%0A")
    assert done.stdout.count("Prompts whose scores differ") == 2  # in the log, and in the annotation

    written = [path for path in repository.rglob("*") if path.is_file()]
    assert not any(b"a-secret-key" in path.read_bytes() for path in written)


def test_paths_may_have_spaces_and_what_forbids_a_run_is_in_the_findings(
    repository: Path, endpoint: FakeEndpoint
) -> None:
    (repository / "my rows.jsonl").write_text('{"messages": []}\n')
    done = step(repository, endpoint, DATASET="my rows.jsonl", OUTPUT="my files")
    assert done.returncode == 2
    (result,) = json.loads((repository / "my files" / "findings.sarif").read_text())["runs"][0]["results"]
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "my%20rows.jsonl"
    assert step(repository, endpoint, BASELINE="no such.json").returncode == 2
    assert endpoint.calls == 0


def test_a_report_of_an_earlier_run_is_not_taken_for_this_one(
    repository: Path, endpoint: FakeEndpoint
) -> None:
    (repository / "out").mkdir()
    earlier = {"run": {"id": "earlier"}, "diagnosis": {"verdict": "GO"}}
    (repository / "out" / "report.json").write_text(json.dumps(earlier))
    endpoint.answer = lambda _: Reply.error(401, "bad key")
    done = step(repository, endpoint, GITHUB_ACTIONS="true")
    assert done.returncode == 2
    assert (repository / "outputs").read_text() == "verdict=INVALID\n"
    assert "::error title=Dry run::The run ended without a report" in done.stdout


def test_text_in_inputs_is_never_run(repository: Path, endpoint: FakeEndpoint) -> None:
    step(
        repository,
        endpoint,
        MODEL='"; touch hacked; $(touch hacked) `touch hacked`',
        OPTIONS="$(touch hacked)",
    )
    assert not (repository / "hacked").exists()
    assert "${{" not in (ACTION / "gate.sh").read_text()
    runs = re.findall(r"run: (.*)", (ACTION / "action.yml").read_text())
    assert runs
    assert not any("inputs." in line for line in runs)


def test_the_script_reads_every_input_of_the_action() -> None:
    """An input that is declared and handed to nobody would do nothing."""
    declared = (ACTION / "action.yml").read_text()
    handed = set(re.findall(r"^        ([A-Z_]+): \$\{\{ inputs\.", declared, re.MULTILINE))
    names = set(re.findall(r"^  ([a-z-]+):$", declared.partition("outputs:")[0], re.MULTILINE))
    assert len(handed) == len(names - {"install"})
    script = (ACTION / "gate.sh").read_text()
    assert all(
        f"${name}" in script or f"${{{name}:-" in script
        for name in handed - {"OPENAI_API_KEY", "DRYRUN_DATA"}
    )
