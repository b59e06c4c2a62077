"""Lines and code blocks as prompts show them: the answer is written there."""

from __future__ import annotations

import pytest

from dryrun.probes.make.answers import Answer, Kind
from dryrun.probes.make.demand import demand_of
from dryrun.probes.make.forms import forms_of


@pytest.mark.parametrize(
    ("prompt", "marker"),
    [
        ("Finish with a line 'Path: X -> Y -> Z'.", "Path:"),
        ("End with 'Sources: [i][j]'", "Sources:"),
        ("Give the moves, separated by spaces, after 'Line:'.", "Line:"),
        ("Termine par « Réponse : » suivi du nombre.", "Réponse :"),
        ("最后一行写“答案：”加上地名。", "答案："),
    ],
)
def test_the_beginning_of_the_last_line_is_read(prompt: str, marker: str) -> None:
    assert demand_of(prompt).marker == marker


def test_lines_with_a_place_each_are_filled() -> None:
    prompt = "Two lines:\nAnswer: <city>\nConfidence: <number from 0 to 1>"
    answer = Answer(Kind.LABEL, "Rome")
    written = {form.write("Rome") for form in forms_of(answer, demand_of(prompt))}
    assert "Answer: Rome\nConfidence: 1" in written
    turned = "Use this:\nRisk: [low/high]\nReason: [one sentence]\nFinal answer: [city]"
    assert demand_of(turned).between == ("Risk: low\nReason: each part was checked\nFinal answer: ", "")


def test_a_shown_answer_and_lines_told_apart_leave_no_room_for_a_sentence() -> None:
    assert demand_of("What is 9 in hexadecimal? Answer like 0x1A.").only
    assert demand_of("First line: safe or unsafe. If unsafe, second line: the category.").only
    assert not demand_of("What is like 3? Answer as you like.").only
    assert demand_of("First line: 'safe' or 'unsafe'. Second line: one short reason.").only
    assert demand_of("Answer as HH:MM between double asterisks, e.g. **01:25**.").between == ("**", "**")


def test_a_code_block_has_the_language_that_the_prompt_names() -> None:
    query = Answer(Kind.CODE, "SELECT 1")
    fenced = {form.write(query.text) for form in forms_of(query, demand_of("Only SQL in a ```sql block."))}
    assert "```sql\nSELECT 1\n```" in fenced
    lines = Answer(Kind.TEXT, "a: 1\nb: 2")
    fenced = {form.write(lines.text) for form in forms_of(lines, demand_of("Put it in a ```yaml block."))}
    assert "```yaml\na: 1\nb: 2\n```" in fenced
