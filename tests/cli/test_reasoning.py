"""Reasoning in front of the answer: named, blamed on nobody, and cut off without a call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dryrun.cli.main import main
from dryrun.core.records import Sample, SampleOutcome
from dryrun.graders.protocol import answer_alone
from tests.helpers.fake_endpoint import Body, FakeEndpoint, deterministic_answer
from tests.helpers.support import EXACT, grader_file, sum_rows, write_jsonl


def thinking(body: Body) -> str:
    """The usual answer behind its reasoning; the chat template has written the opening tag."""
    return f"First I add, then I check: 17?\n</think>\n\n{deterministic_answer(body)}"


@pytest.mark.slow
def test_reasoning_blames_nobody_and_is_cut_off_without_a_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = str(write_jsonl(tmp_path / "rows.jsonl", sum_rows(60)))
    grader, report = grader_file(tmp_path, EXACT), tmp_path / "report.json"
    with FakeEndpoint(answer=thinking) as endpoint:
        asked = [
            "--model",
            "fake",
            "--base-url",
            endpoint.base_url,
            "--rollouts",
            "4",
            "--model-seed",
            "0",
            "--out",
            str(report),
        ]
        assert main(["run", "--dataset", rows, "--grader", grader, *asked]) == 1
        before, calls = json.loads(report.read_text()), endpoint.calls
        assert "hold their reasoning in front of the answer" in " ".join(before["evidence"]["sentences"])
        assert (before["diagnosis"]["dataset_quality"], before["diagnosis"]["grader_quality"]) == (
            "unknown",
            "unknown",
        )
        again = ["--run", before["run"]["id"], "--grader", grader, "--out", str(report)]
        assert main(["regrade", *again, "--cut-reasoning"]) == 0
        after = json.loads(report.read_text())
        assert endpoint.calls == calls, "re-grading is free"
        assert main(["regrade", *again]) == 1, "the other way is a grade of its own"
    assert after["diagnosis"]["verdict"] == "GO"
    assert after["run"]["config"]["cut_reasoning"] is True
    assert "reasoning" not in " ".join(after["evidence"]["sentences"])
    assert 0.6 < after["statistics"]["mean"] < 0.8
    capsys.readouterr()


def test_what_follows_the_reasoning_is_given_and_the_rest_stays() -> None:
    sample = Sample("key", 0, SampleOutcome.ANSWERED, "<think>5 and 7</think>\n 12")
    assert answer_alone(sample).text == "12"
    assert sample.text.startswith("<think>")
    plain = Sample("key", 0, SampleOutcome.ANSWERED, " 12")
    assert answer_alone(plain) is plain
