"""What a terminal is given: no escape from what others wrote; mistakes said before money is spent."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from dryrun.analysis.observations import Observations
from dryrun.cli.main import main
from dryrun.cli.terminal import ProgressLine, harmless, print_report
from dryrun.core.records import RunState
from dryrun.core.text import printable
from dryrun.engine.work import TRYING
from dryrun.report import build_report
from dryrun.store.runs import RunStatus
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import EXACT, at, grader_file, sum_rows, write_jsonl

EVIL = "\x1b[31mred\x1b[2J\x1b]0;title\x07\r\x9b1m\u202eturned"
OBEYED = ("\x1b", "\x07", "\r", "\x9b", "\u202e")


@pytest.fixture
def hostile(tmp_path: Path, endpoint: FakeEndpoint) -> list[str]:
    """A run whose topics, prompts and responses carry escape sequences."""
    rows = [row | {"topic": EVIL} for row in sum_rows(40)]
    dataset = write_jsonl(tmp_path / "rows.jsonl", rows)
    grader = grader_file(tmp_path, EXACT | {"name": EVIL})
    return ["--dataset", str(dataset), "--grader", grader, *at(endpoint)]


@pytest.mark.slow
def test_a_report_carries_no_escape_from_the_dataset(
    hostile: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["run", *hostile])
    captured = capsys.readouterr()
    assert "[31mred" in captured.out  # the topic is there, as letters
    assert not [one for one in OBEYED if one in captured.out + captured.err]


def test_a_graders_error_and_a_response_are_printed_without_escapes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grader = grader_file(tmp_path, EXACT)
    assert main(["grade", "--grader", grader, "--text", EVIL]) == 0
    printed = capsys.readouterr().out
    assert "[31mred" in printed
    assert not [one for one in OBEYED if one in printed]


def test_an_error_message_is_printed_without_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", EVIL]) == 2
    assert not [one for one in OBEYED if one in capsys.readouterr().err]


def test_lines_tabs_and_letters_stay() -> None:
    assert printable("a\tb\nc é 漢 ✓") == "a\tb\nc é 漢 ✓"


def test_own_colours_stay() -> None:
    file = io.StringIO()
    harmless(Console(file=file, force_terminal=True, color_system="standard")).print("x", style="red")
    assert "\x1b[31m" in file.getvalue()


@pytest.mark.parametrize(
    ("out", "said"),
    [("report.pdf", "must end in one of .json"), ("nowhere/report.json", "there is no folder")],
)
def test_a_report_that_cannot_be_written_is_refused_before_a_call(
    hostile: list[str],
    endpoint: FakeEndpoint,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    out: str,
    said: str,
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", *hostile, "--out", str(tmp_path / out)])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
    assert endpoint.calls == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (["run"], "--dataset, --grader"),
        (["plan", "--samples", "1.5"], "1.5 is not a whole number of 1 or more"),
        (["run", "--dataset", "d", "--grader", "g", "--timeout", "nan"], "not a number of seconds"),
        (["grade", "--grader", "g", "--text", "t", "--grade-timeout", "nan"], "not a number of seconds"),
        (["compare", "a", "b", "--out", "c.html"], "must end in one of .json, .md"),
    ],
)
def test_a_wrong_option_is_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert len(printed.splitlines()) == 1


def test_thresholds_that_contradict_each_other_are_said_in_words(
    hostile: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *hostile, "--threshold", "mean_low=0.9", "--threshold", "mean_high=0.1"]) == 2
    printed = capsys.readouterr().err
    assert "mean_low must be below mean_high" in printed
    assert "Value error" not in printed


def test_the_end_of_a_run_is_said_once() -> None:
    screen = io.StringIO()
    with ProgressLine(Console(file=screen, width=120)) as line:
        for message in ("Finished.", TRYING, "Finished."):
            line.show(RunStatus(RunState.FINISHED, message=message))
    assert screen.getvalue().splitlines() == ["Finished.", TRYING]


@pytest.mark.parametrize(("sampled", "said"), [(0, True), (5, False)])
def test_a_live_line_leaves_room_for_why_nothing_was_answered(sampled: int, said: bool) -> None:
    screen = io.StringIO()
    words = "Cancelled before an answer. 7 calls failed, most often so: 400 Bad Request: no."
    with ProgressLine(Console(file=screen, force_terminal=True, width=200)) as line:
        line.show(RunStatus(state=RunState.CANCELLED, message=words, sampled=sampled))
    assert ("400 Bad Request" in screen.getvalue()) is said


def test_one_prompt_is_one_prompt() -> None:
    out = io.StringIO()
    print_report(Console(file=out, width=100), build_report(Observations.of(np.array([[1.0]]))))
    assert "Tested: 1 prompt, 1 response with a score." in out.getvalue()
