"""Prompts that hold their own answer, and keys of the row that no row has."""

from __future__ import annotations

import pytest

from dryrun.core.records import Prompt
from dryrun.graders import check_against, load_grader
from dryrun.graders.checks.against_rows import contradiction_finding, leak_finding
from tests.helpers.grading import python


def prompt(row: int, text: str) -> Prompt:
    messages = [{"role": "user", "content": text}]
    return Prompt(f"{row:032x}", row, "", {"messages": messages, "answer": str(row)})


ROWS = range(100, 140)


def test_answers_that_stand_in_their_prompts_are_said() -> None:
    leaky = [prompt(row, f"{row - 1} + 1? Correct answer: {row}") for row in ROWS]
    finding = leak_finding(leaky, [str(row) for row in ROWS])
    assert finding is not None
    assert "100 % of prompts hold their own reference answer" in finding.what


@pytest.mark.parametrize(
    ("texts", "answers"),
    [
        ([f"{row - 50} + 50?" for row in ROWS], [str(row) for row in ROWS]),
        (["Choose: AA, BB" for _ in ROWS], ["AA" if row % 2 else "BB" for row in ROWS]),
        (["One row"], ["One row"]),
        (["No answer"] * 5, [None] * 5),
    ],
)
def test_answers_that_stand_there_by_chance_or_not_at_all_are_not(
    texts: list[str], answers: list[str | None]
) -> None:
    assert leak_finding([prompt(row, text) for row, text in enumerate(texts)], answers) is None


@pytest.mark.parametrize(
    ("source", "warned"),
    [
        ("return float(sample['output_text'] == item.get('anser'))", True),
        ("return float(sample['output_text'] == (item.get('gold') or item.get('answer')))", False),
        ("return float(len(sample['output_text']) > 3)", False),
    ],
)
def test_a_field_that_no_row_has_is_said_with_a_near_one(source: str, warned: bool) -> None:
    spec = load_grader(python(f"def grade(sample, item):\n    {source}\n"))
    rows = [prompt(row, "2 + 2?") for row in ROWS]
    said = " ".join(map(str, check_against(spec, rows, False)))
    assert ("no row has the field 'anser'" in said and "'answer'" in said) is warned


@pytest.mark.parametrize(
    ("texts", "answers", "said"),
    [
        (["Two?", "One?", "Two?"], ["2", "1", "3"], "1 prompt with different reference answers"),
        (["Two?", "One?", "Two?", "One?"], ["2", "1", "3", "7"], "in different rows (rows 1, 2, 3, 4)."),
        (["Two?", "One?", "Two?"], ["2", "1", " 2"], ""),
        (["Two?", "One?", "Two?"], ["2", "1", None], ""),
        (["Two?", "One?"], ["2", "3"], ""),
    ],
)
def test_a_prompt_with_two_different_answers_is_said(
    texts: list[str], answers: list[str | None], said: str
) -> None:
    rows = [prompt(row, text) for row, text in enumerate(texts)]
    finding = contradiction_finding(rows, lambda some: [answers[one.row] for one in some])
    assert finding is None if said == "" else finding is not None and said in finding.what
