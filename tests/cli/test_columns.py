"""Rows in another tool's layout on the command line: fields are named once and stay with the run."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from dryrun.cli.main import main
from dryrun.store.partition import Store
from dryrun.store.runs import list_runs
from tests.helpers.fake_endpoint import FakeEndpoint, HangAfter, deterministic_answer
from tests.helpers.support import EXACT, Command, at, grader_file, sum_rows, wait_until, write_jsonl

NAMED = ["--prompt-field", "task.ask", "--reference-field", "truth.value", "--topic-field", "level"]
NAMED += ["--system", "Answer with the number."]


def foreign_rows() -> list[dict[str, Any]]:
    return [
        {
            "task": {"ask": row["messages"][0]["content"]},
            "truth": {"value": row["reference_answer"]},
            "level": row["topic"],
        }
        for row in sum_rows(60)
    ]


@pytest.fixture
def foreign(tmp_path: Path) -> list[str]:
    """``--dataset`` and ``--grader``, of rows that have none of the usual names."""
    rows = write_jsonl(tmp_path / "foreign.jsonl", foreign_rows())
    return ["--dataset", str(rows), "--grader", grader_file(tmp_path, EXACT)]


@pytest.mark.slow
def test_named_fields_are_asked_graded_and_kept_with_the_run(
    foreign: list[str], endpoint: FakeEndpoint, store: Store, tmp_path: Path
) -> None:
    out = tmp_path / "report.json"
    assert main(["run", *foreign, *NAMED, *at(endpoint, "--out", str(out))]) == 0
    report = json.loads(out.read_text())
    assert set(report["by_topic"]) == {"even", "odd"}
    assert "references" in report["evidence"]["pieces"]
    [run] = list_runs(store)
    assert run.prompts()[0].item["messages"][0] == {"role": "system", "content": "Answer with the number."}
    ref = run.config().dataset
    assert (ref.prompt_field, ref.reference_field, ref.topic_field) == ("task.ask", "truth.value", "level")
    again = ["--run", run.id, "--grader", grader_file(tmp_path, {**EXACT, "operation": "like"})]
    assert main(["regrade", *again]) == 0
    assert endpoint.calls == 120
    assert [one.config().dataset for one in list_runs(store)] == [ref, ref]


@pytest.mark.slow
def test_a_stopped_run_with_named_fields_goes_on_by_the_same_command(
    foreign: list[str], endpoint: FakeEndpoint, store: Store
) -> None:
    endpoint.answer = HangAfter(20, deterministic_answer)
    arguments = ["run", *foreign, *NAMED, *at(endpoint, "--concurrency", "4")]
    with Command(arguments) as process:
        wait_until(lambda: endpoint.calls >= 24)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    endpoint.answer = deterministic_answer
    assert main(arguments) == 0
    assert endpoint.calls == 24 + 100
    assert len(list_runs(store)) == 1


@pytest.mark.slow
def test_the_named_reference_is_the_one_that_is_graded_as_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`answer` is a usual name and holds something else here."""
    rows = [{**row, "answer": "see solution"} for row in foreign_rows()]
    dataset = str(write_jsonl(tmp_path / "rows.jsonl", rows))
    source = "def grade(sample, item):\n    return float(sample['output_text'] == item['truth']['value'])"
    grader = grader_file(tmp_path, {"type": "python", "name": "own", "source": source})
    fields = ["--prompt-field", "task.ask", "--reference-field", "truth.value"]
    given = ["--grader", grader, "--dataset", dataset, *fields]
    assert main(["validate", *given, "--ceiling"]) == 0
    assert "(truth.value) earn 1 on average over 60 rows" in capsys.readouterr().out
    assert main(["probe", *given, "--rows", "20"]) == 1, "it takes the bare number alone"
    printed = capsys.readouterr().out
    assert "NO SIGNAL" not in printed
    assert f"--text '81\n' {' '.join(fields)}" in printed, "the same fields, to see it again"


def test_a_single_grade_reads_the_row_as_a_run_does(
    foreign: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, dataset, *grader = foreign
    right = sum_rows(2)[1]["reference_answer"]
    for text, reward in ((right, "1 (graded)"), ("x", "0 (graded)")):
        row = ["--item", dataset, "--row", "2", "--text", text]
        assert main(["grade", *grader, *row, *NAMED]) == 0
        assert reward in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Did you mean 'task.ask'? Name the prompt's field (Prompt on the page, --prompt-field"),
        (["--prompt-field", "task.asked"], "Did you mean 'task.ask'?"),
        (["--prompt-field", "task.ask", "--reference-field", "gold"], "gold: no row has a value"),
        (["--prompt-field", ""], "--prompt-field: give the name of a field"),
    ],
)
@pytest.mark.parametrize("command", ["run", "validate", "probe", "plan"])
def test_a_field_that_is_not_there_is_one_sentence(
    command: str, options: list[str], said: str, foreign: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, *foreign, *options]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert len(printed.splitlines()) <= 2, "one line for all rows"


@pytest.mark.slow
def test_three_rows_are_told_that_thirty_are_needed(
    endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = str(write_jsonl(tmp_path / "three.jsonl", sum_rows(3)))
    assert main(["run", "--dataset", rows, "--grader", grader_file(tmp_path, EXACT), *at(endpoint)]) == 3
    assert "A verdict needs at least 30 prompts; this run has 3." in capsys.readouterr().err
