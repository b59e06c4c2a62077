"""A grader against the rows it shall grade."""

from __future__ import annotations

from typing import Any

import pytest

from dryrun.core.records import Prompt
from dryrun.graders import Severity, check_against, load_grader
from tests.helpers.grading import python, similarity, string_check


def findings(grader: dict[str, Any], items: list[dict[str, Any]], response_format: bool = False) -> list[str]:
    prompts = [Prompt(f"{row}", row, "", item) for row, item in enumerate(items)]
    return [str(found) for found in check_against(load_grader(grader), prompts, response_format)]


def judge(asked: str) -> dict[str, Any]:
    return {"type": "score_model", "name": "j", "model": "m", "input": [{"role": "user", "content": asked}]}


ROWS = [{"messages": [], "reference_answer": str(number)} for number in range(10)]


def test_a_sound_grader_has_no_findings() -> None:
    assert findings(string_check(), ROWS) == []
    assert findings(similarity("rouge_l"), ROWS) == []


def test_a_field_that_no_row_has_is_an_error_with_the_nearest_name() -> None:
    found = findings(string_check(reference="{{item.reference_anser}}"), ROWS)
    assert len(found) == 1
    assert found[0].startswith("error: $.reference")
    assert "Did you mean 'reference_answer'" in found[0]


def test_a_field_that_some_rows_lack_is_a_warning_that_counts_them() -> None:
    rows: list[dict[str, Any]] = [*ROWS, {"messages": []}, {"messages": [], "reference_answer": None}]
    found = findings(string_check(), rows)
    assert any("1 of 12 rows cannot fill" in text and "row 11" in text for text in found)
    assert any("empty in 1 of 12" in text for text in found)


@pytest.mark.parametrize("asked", ["sample['answer_text']", "sample.get('answer_text', '')"])
def test_a_key_that_no_sample_has_is_found_in_python_too(asked: str) -> None:
    found = findings(python(f"def grade(sample, item):\n    return float({asked} == 'x')\n"), ROWS)
    assert any("sample has no 'answer_text'" in text and text.startswith("warning") for text in found)


def test_keys_that_python_writes_or_a_sample_has_are_none_of_them() -> None:
    source = "def grade(s, item):\n    s['mine'] = s['output_text']\n    return float(len(s['choices']))\n"
    assert not [text for text in findings(python(source), ROWS) if "sample has no" in text]


@pytest.mark.parametrize(
    ("grader", "said"),
    [
        (
            string_check("like", input="{{item.reference_answer}}", reference="{{sample.output_text}}"),
            "swapped",
        ),
        (string_check(input="{{item.reference_answer}}"), "cannot depend on it"),
        (similarity("gleu") | {"reference": "Der Hund ist da."}, "with the same text"),
        (string_check(input="{{sample.output_txt}}"), "Did you mean 'output_text'"),
        (string_check(input="{{sample.output_json.answer}}"), "response format"),
        (python("def grade(item, sample):\n    return 1.0\n"), "grade(sample, item)"),
    ],
)
def test_traps_are_pointed_out(grader: dict[str, Any], said: str) -> None:
    assert any(said in text for text in findings(grader, ROWS))


@pytest.mark.parametrize(
    ("grader", "said"),
    [
        (
            string_check(reference="item.reference_answer"),
            "$.reference: 'item.reference_answer' is plain text",
        ),
        (string_check(reference="{item.reference_answer}"), "Write {{item.reference_answer}}."),
        (string_check(reference="${item.reference_answer}"), "Write {{item.reference_answer}}."),
        (string_check(reference="<item.reference_answer>"), "Write {{item.reference_answer}}."),
        (string_check(reference="reference_answer"), "For the field write {{item.reference_answer}}."),
        (judge("Is {sample.output_text} right?"), "$.input[0].content: '{sample.output_text}' is plain text"),
        (judge("Is it right?"), "$.input: no message to the judge holds the response"),
        (
            {
                "type": "multi",
                "name": "m",
                "graders": {"used": string_check(), "unused": string_check("ilike")},
                "calculate_output": "used",
            },
            "$.graders.unused: the formula does not use 'unused'",
        ),
    ],
)
def test_text_without_braces_and_parts_without_effect_are_pointed_out(
    grader: dict[str, Any], said: str
) -> None:
    assert any(said in text for text in findings(grader, ROWS)), findings(grader, ROWS)


@pytest.mark.parametrize("text", ["yes", "f(x) = {x}", "{1, 2}", "the item", "sample", r"\frac{1}{2}"])
def test_plain_text_that_is_meant_is_left_alone(text: str) -> None:
    assert findings(string_check(reference=text), ROWS) == []


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("log(same)", "'log(same)' with same = 0 has no value"),
        ("near / same", "'near / same' with near = 0, same = 0 has no value"),
        ("(0 - same) ^ near + near / (near - 1)", "with same = 0, near = 1 has no value"),
        ("same / (near - near)", "(so at all 5 points tried)"),
    ],
)
def test_a_formula_without_a_value_somewhere_is_pointed_out(formula: str, said: str) -> None:
    parts = {"same": string_check(), "near": similarity("rouge_l")}
    multi = {"type": "multi", "name": "m", "graders": parts, "calculate_output": formula}
    (found,) = [text for text in findings(multi, ROWS) if "changes nothing" not in text]
    assert found.startswith("warning: $.calculate_output: the formula ")
    assert said in found


@pytest.mark.parametrize(
    "formula", ["same + near", "near / (same + 1)", "log(max(near, 0.01)) + same", "same ^ near"]
)
def test_a_formula_with_a_value_everywhere_is_left_alone(formula: str) -> None:
    parts = {"same": string_check(), "near": similarity("rouge_l")}
    multi = {"type": "multi", "name": "m", "graders": parts, "calculate_output": formula}
    assert findings(multi, ROWS) == []


def test_an_empty_needle_is_in_every_response() -> None:
    found = findings(string_check("like"), [*ROWS, {"messages": [], "reference_answer": ""}])
    assert any("pays 1" in text for text in found)


def test_output_json_is_fine_with_a_response_format() -> None:
    assert findings(string_check(input="{{sample.output_json.answer}}"), ROWS, response_format=True) == []
    assert Severity.ERROR.value == "error"
