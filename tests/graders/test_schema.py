"""Grader JSON: what is right is read, what is wrong is named with its path and a fix."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dryrun.errors import GraderError
from dryrun.graders import load_grader
from tests.graders.grading import python, similarity, string_check

GRADE = "def grade(sample, item):\n    return 1.0\n"


def problems(grader: Any) -> str:
    with pytest.raises(GraderError) as caught:
        load_grader(grader)
    return str(caught.value)


@pytest.mark.parametrize(
    "grader",
    [
        string_check(),
        string_check("ilike", pass_threshold=0.5),
        similarity("rouge_l"),
        python(GRADE),
        {"type": "python", "source": GRADE, "image_tag": "2025-05-08"},
        {
            "type": "multi",
            "name": "both",
            "graders": {"exact": string_check(), "close": similarity("fuzzy_match")},
            "calculate_output": "0.8 * exact + 0.2 * close",
        },
    ],
)
def test_a_grader_is_read_from_text_and_from_objects_and_written_back(grader: dict[str, Any]) -> None:
    spec = load_grader(grader)
    assert load_grader(json.dumps(grader)) == spec
    assert load_grader(spec.raw) == spec
    assert spec.describe().endswith((".", "row's reference_answer, else 0."))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"operation": "neq"}, ["$.operation", "Did you mean 'ne'"]),
        ({"operation": "contains"}, ["$.operation", "'like'"]),
        ({"operation": 3}, ["$.operation"]),
        ({"input": 7}, ["$.input", "must be text, not a number"]),
        ({"input": None}, ["$.input"]),
        ({"inptu": "x"}, ["$.inptu", "Did you mean 'input'"]),
        ({"type": "string-check"}, ["$.type", "Did you mean 'string_check'"]),
        ({"type": ["string_check"]}, ["$.type"]),
        ({"input": "{{ sample.output_text"}, ["$.input", "never closed"]),
        ({"input": "{{ response }}"}, ["$.input", "item and sample"]),
        ({"input": "{{ item.a b }}"}, ["$.input"]),
    ],
)
def test_a_wrong_field_is_named_with_its_path(change: dict[str, Any], said: list[str]) -> None:
    text = problems(string_check() | change)
    assert all(part in text for part in said), text


def test_every_problem_is_named_at_once() -> None:
    text = problems({"type": "string_check", "operation": "neq", "inptu": "x"})
    for path in ("name", "reference", "$.operation", "$.inptu"):
        assert path in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("{", "too early"),
        ("{'type': 'python'}", "double quotes"),
        ('{"type": "python",}', "not JSON"),
        ('{"type": "python", "type": "multi"}', "twice"),
        ('{"type": NaN}', "NaN"),
        ("[1, 2]", "not a list"),
        ("[" * 100_000, "not JSON"),
        ('{"grader": {"type": "string_check"}}', "under 'grader'"),
    ],
)
def test_text_that_is_no_grader_says_why(text: str, said: str) -> None:
    assert said in problems(text)


def multi(formula: str, **graders: Any) -> dict[str, Any]:
    return {"type": "multi", "name": "m", "graders": graders, "calculate_output": formula}


@pytest.mark.parametrize(
    ("grader", "said"),
    [
        (multi("exat", exact=string_check()), ["$.calculate_output", "Did you mean 'exact'"]),
        (multi("check", exact=string_check()), ["keys of 'graders', not the graders' names"]),
        (multi("exact +", exact=string_check()), ["$.calculate_output"]),
        (multi("__import__('os')", exact=string_check()), ["$.calculate_output"]),
        (multi("exact if 1 else 2", exact=string_check()), ["$.calculate_output"]),
        (multi("round(exact)", exact=string_check()), ["round()", "Known"]),
        (multi("a", a=multi("b", b=string_check())), ["$.graders.a", "inside another multi"]),
        (multi("a", a=string_check("eqq")), ["$.graders.a.operation"]),
        (multi("a"), ["$.graders"]),
        (multi("a", **{"2a": string_check()}), ["2a", "cannot stand in a formula"]),
        ({"type": "multi", "name": "m", "graders": string_check(), "calculate_output": "a"}, ["one grader"]),
    ],
)
def test_a_wrong_multi_grader_is_explained(grader: dict[str, Any], said: list[str]) -> None:
    text = problems(grader)
    assert all(part in text for part in said), text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def grade(sample item): pass", "$.source"),
        ("x = 1", "grade"),
        (GRADE + "#" + "x" * 300_000, "262,144"),
    ],
)
def test_python_source_is_checked_without_running_it(source: str, said: str) -> None:
    assert said in problems(python(source))


def test_names_and_thresholds_do_not_change_the_fingerprint() -> None:
    spec = load_grader(string_check())
    assert load_grader(string_check(name="other", pass_threshold=0.3)).fingerprint == spec.fingerprint
    assert load_grader(string_check("ne")).fingerprint != spec.fingerprint
