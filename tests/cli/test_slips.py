"""Slips in commands, options and names: one sentence that says what was meant."""

from __future__ import annotations

import pytest

from dryrun.cli.main import main

RUN = ["run", "--dataset", "rows.jsonl", "--grader", "grader.json"]


def refusal(typed: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    try:
        code = main(typed)
    except SystemExit as stopped:  # argparse's own way out
        code = int(str(stopped.code))
    assert code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["rnu"], "Did you mean 'run'?"),
        (["--dataset", "rows.jsonl", "run"], "The command comes first: python -m dryrun run."),
        ([*RUN, "--modl", "x"], "--modl x. Did you mean --model? `python -m dryrun run --help`"),
        ([*RUN, "--frobnicate"], "Unrecognized arguments: --frobnicate. `python -m dryrun run --help`"),
        ([*RUN, "--rules", "documnt"], "Did you mean 'document'?"),
        (["run", "\u2014dataset", "x"], "\u2014dataset begins with a typographic dash: write --dataset"),
        (["run", "\u2013-samples=3"], "write --samples"),
    ],
)
def test_a_slip_is_named_with_what_was_meant(
    typed: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refusal(typed, capsys)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("http://127.0.0.1:8000/v1", "give an address as --base-url"),
        ("/models/qwen.gguf", "set DRYRUN_GGUF to its path"),
    ],
)
def test_a_models_name_that_is_none(
    model: str, words: str, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refusal(["run", *files, "--model", model], capsys)
