"""``probe``: a grader is checked before anything is generated."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from dryrun.cli.main import main
from tests.helpers.fake_endpoint import FakeEndpoint, prompt_text
from tests.helpers.grading import CONTAINS, FINAL_NUMBER, python
from tests.helpers.support import EXACT, grader_file, sum_rows, write_jsonl

ANY_TEXT = "def grade(sample, item):\n    return float(bool(sample['output_text'].strip()))\n"


@pytest.fixture
def rows(tmp_path: Path) -> str:
    return str(write_jsonl(tmp_path / "rows.jsonl", sum_rows(60)))


@pytest.mark.slow
def test_a_hole_is_exit_code_1_with_evidence_and_a_way_to_see_it_again(
    tmp_path: Path, rows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = grader_file(tmp_path, python(ANY_TEXT))
    out = tmp_path / "check.json"
    assert main(["probe", "--grader", chosen, "--dataset", rows, "--out", str(out)]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "I can't help" in printed or "refusal" in printed
    assert "Fix:" in printed
    found = json.loads(out.read_text())
    worst = next(finding for finding in found["findings"] if finding["text"] and finding["score"] == 1.0)
    assert (
        main(
            ["grade", "--grader", chosen, "--item", rows, "--row", str(worst["row"]), "--text", worst["text"]]
        )
        == 0
    )
    assert "1 (graded)" in capsys.readouterr().out


@pytest.mark.slow
def test_the_command_that_grades_an_answer_again_can_be_copied_as_it_is_printed(
    tmp_path: Path, rows: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    chosen = grader_file(tmp_path, python(ANY_TEXT))
    assert main(["probe", "--grader", chosen, "--dataset", rows]) == 1
    printed = capsys.readouterr().out
    assert "\\\\n" not in printed
    assert "█…" not in printed
    commands = [line for line in printed.splitlines() if "python -m dryrun grade" in line]
    whole = [line for line in commands if len(line) > 80 and line.count("'") % 2 == 0]
    assert whole
    for command in whole:
        assert main(shlex.split(command)[3:]) == 0
        assert "(graded)" in capsys.readouterr().out


@pytest.mark.slow
def test_a_sound_grader_is_exit_code_0_and_says_what_was_not_seen(
    tmp_path: Path, rows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", "--grader", grader_file(tmp_path, python(FINAL_NUMBER)), "--dataset", rows]) == 0
    printed = capsys.readouterr().out
    assert "SOUND" in printed
    assert "real responses: none were at hand" in printed


@pytest.mark.slow
def test_rows_without_a_reference_get_fewer_probes_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = [{"messages": row["messages"]} for row in sum_rows(40)]
    rows = str(write_jsonl(tmp_path / "bare.jsonl", bare))
    assert main(["probe", "--grader", grader_file(tmp_path, python(ANY_TEXT)), "--dataset", rows]) == 1
    assert "reference answers: without them" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
def test_a_judge_is_asked_within_a_budget_that_is_said_before(
    tmp_path: Path, rows: str, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.answer = lambda body: json.dumps({"steps": [], "result": float("5" in prompt_text(body))})
    rated = {
        "type": "score_model",
        "name": "rating",
        "model": "judge",
        "input": [{"role": "user", "content": "Rate {{sample.output_text}}"}],
    }
    asked = ["--max-calls", "40", "--judge-base-url", endpoint.base_url]
    main(["probe", "--grader", grader_file(tmp_path, rated), "--dataset", rows, *asked])
    assert "40 times at most" in capsys.readouterr().err
    assert 0 < endpoint.calls <= 40


@pytest.mark.slow
def test_a_runs_grader_is_checked_and_the_report_says_so(
    tmp_path: Path, rows: str, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = grader_file(tmp_path, python(CONTAINS))
    asked = ["--model", "fake", "--base-url", endpoint.base_url, "--rollouts", "1"]
    report = tmp_path / "report.json"
    main(["run", "--dataset", rows, "--grader", chosen, *asked, "--out", str(report)])
    run = json.loads(report.read_text())["run"]["id"]
    for check in tmp_path.rglob("grader_check.json"):  # a run of an earlier version has none
        check.unlink()
    main(["report", run, "--out", str(report)])
    before = json.loads(report.read_text())
    assert before["grader_check"] is None
    assert any("probe --run" in line for line in before["not_measured"])
    calls = endpoint.calls
    assert main(["probe", "--run", run, "--out", str(tmp_path / "check.json")]) == 1
    assert json.loads((tmp_path / "check.json").read_text())["run"] == run
    assert endpoint.calls == calls, "nothing is generated"
    for name in ("after.json", "after.md", "after.html"):
        main(["report", run, "--out", str(tmp_path / name)])
    after = json.loads((tmp_path / "after.json").read_text())
    assert after["grader_check"]["profile"] == "too lenient"
    assert after["grader_check"]["dataset"] == Path(rows).name
    assert after["grader_check"]["base"] == pytest.approx(after["statistics"]["mean"])
    assert after["diagnosis"]["verdict"] == before["diagnosis"]["verdict"]
    for name in ("after.md", "after.html"):
        written = (tmp_path / name).read_text()
        assert "GO, with conditions" in written
        assert "The grader check says: too lenient." in written
    capsys.readouterr()
    main(["report", run])
    assert "Too lenient. It pays wrong answers." in capsys.readouterr().out
    assert main(["probe", "--run", run, "--dataset", rows]) == 2
    assert "--run brings its own" in capsys.readouterr().err


def test_a_missing_dataset_and_a_wrong_ending_are_one_sentence(
    tmp_path: Path, rows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = grader_file(tmp_path, EXACT)
    assert main(["probe", "--grader", chosen, "--dataset", "nowhere.jsonl"]) == 2
    assert "nowhere.jsonl" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["probe", "--grader", chosen, "--dataset", rows, "--out", "check.pdf"])
    assert "check.pdf" in capsys.readouterr().err


FROM_MINUS_FIVE = """
def grade(sample, item):
    low = item.get("low", -5)
    words = sample["output_text"].replace(".", " ").split()
    return 5 if words and words[-1] == item["reference_answer"] else low
"""


@pytest.mark.slow
def test_the_scale_of_the_rewards_can_be_given(
    tmp_path: Path, rows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen, out = grader_file(tmp_path, python(FROM_MINUS_FIVE)), tmp_path / "check.json"
    asked = ["probe", "--grader", chosen, "--dataset", rows, "--rows", "8", "--out", str(out)]
    assert main([*asked, "--reward-range", "-5", "5"]) in (0, 1)
    assert "a scale from -5 to 5" in "".join(capsys.readouterr())
    check = json.loads(out.read_text())
    assert check["ceiling"] == 1.0
    assert not [one for one in check["findings"] if one["flaw"] == "contract"]
    assert all(0.0 <= one["mean"] <= 1.0 for one in check["behaviours"])


def test_a_scale_that_is_none_is_refused(
    tmp_path: Path, rows: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = grader_file(tmp_path, python(FROM_MINUS_FIVE))
    assert main(["probe", "--grader", chosen, "--dataset", rows, "--reward-range", "1", "0"]) == 2
    assert "the lower first" in "".join(capsys.readouterr())


def test_where_nothing_could_be_graded_it_is_said_why(
    tmp_path: Path, rows: str, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.answer = lambda _: "I would say [7] of 10."
    rated = {
        "type": "score_model",
        "name": "rating",
        "model": "judge",
        "input": [{"role": "user", "content": "Rate {{sample.output_text}}"}],
    }
    asked = ["--max-calls", "6", "--judge-base-url", endpoint.base_url]
    assert main(["probe", "--grader", grader_file(tmp_path, rated), "--dataset", rows, *asked]) == 1
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "UNKNOWN" in printed
    assert "answers got no grade, most often so: the judge's answer is not JSON" in printed
