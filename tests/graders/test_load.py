"""Grader JSON: what is right is read, what is wrong is named with its path and a fix."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from dryrun.core.errors import GraderError
from dryrun.graders import load_grader
from tests.helpers.grading import python, similarity, string_check

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
    assert spec.describe().startswith("Pays ")
    assert spec.describe().endswith(".")


def test_a_grader_of_parts_is_told_in_one_sentence() -> None:
    graders = {"exact": string_check(), "close": similarity("fuzzy_match")}
    spec = load_grader(
        {"type": "multi", "name": "both", "graders": graders, "calculate_output": "0.8 * exact + 0.2 * close"}
    )
    told = spec.describe()
    assert told.startswith("Pays 0.8 * exact + 0.2 * close, where exact pays 1 when ")
    assert ", else 0; close pays 0 to 1 for how alike " in told
    assert re.search(r"[.:;,] [A-Z]", told) is None


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
        ({"input": "{{ item.a b }}"}, ["$.input", "no blanks within a path"]),
        ({"input": "{{ item['a'] }}"}, ["$.input", "write {{item.a}}"]),
        ({"input": "{{ item.a | trim }}"}, ["$.input", "no filters"]),
        ({"input": "{{ item.a[-1] }}"}, ["$.input", "[0] for positions"]),
    ],
)
def test_a_wrong_field_is_named_with_its_path(change: dict[str, Any], said: list[str]) -> None:
    text = problems(string_check() | change)
    assert all(part in text for part in said), text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"input": []}, '$.input: is empty. Write "input": [{"role"'),
        ({"model": ""}, "$.model: is empty. The judge's name"),
        ({"sampling_params": {"temperature": 3}}, "temperature: must be at most 2, not 3."),
        ({"sampling_params": {"top_p": 0}}, "top_p: must be more than 0, not 0."),
        ({"sampling_params": {"seed": 1.5}}, "seed: must be a whole number, not 1.5."),
        ({"sampling_params": []}, "$.sampling_params: must be an object, not a list."),
        ({"range": "0-5"}, 'must be a list, not text. Write "range": [0, 1]'),
        ({"input": [{"role": "user", "content": ["a"]}]}, 'Write {"type": "input_text"'),
        ({"input": [{"role": "user", "content": [{"type": "image_url"}]}]}, 'Write {"type": "input_image"'),
        ({"input": [{"role": "user", "content": [{"text": "a"}]}]}, "has a part without a type"),
        ({"temperature": 0}, "It belongs into sampling_params"),
    ],
)
def test_a_wrong_judge_is_told_in_words_of_ours(change: dict[str, Any], said: str) -> None:
    judge = {"type": "score_model", "name": "j", "model": "m", "input": [{"role": "user", "content": "x"}]}
    text = problems(judge | change)
    assert said in text, text
    assert "should" not in text


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
    ],
)
def test_text_that_is_no_grader_says_why(text: str, said: str) -> None:
    assert said in problems(text)


WRITTEN = json.dumps(string_check(), indent=2)


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        (WRITTEN[:-2] + ",\n}", "line 6, column", "comma stands before the closing }. Leave that comma out."),
        ('{"labels": ["a", "b",]}', "line 1, column 21", "comma stands before the closing ]"),
        ("// exact\n" + WRITTEN, "line 1, column 1", "a comment begins here"),
        (WRITTEN.replace('"name"', '# why\n  "name"'), "line 3, column 3", "a comment begins here"),
        ("type: string_check\nname: x\n", "line 1", "reads like YAML"),
        ("```json\n" + WRITTEN + "\n```", "line 1", "Markdown fence"),
        (WRITTEN.replace('"eq"', "\u201ceq\u201d"), "line 4", "typographic quotation mark"),
        (WRITTEN.replace('"', "'"), "line 2, column 3", "single quotes"),
        (WRITTEN.replace('"eq"', "None"), "line 4", "None is Python's spelling. JSON has null."),
        (WRITTEN.replace('"eq"', "eq"), "line 4", "the text eq has no quotes"),
        ('{type: "python"}', "line 1, column 2", "the name type has no quotes"),
        (WRITTEN.replace('"check",', '"check"'), "line 4, column 3", "a comma is missing"),
        (WRITTEN.replace('"check",', '"check";'), "line 3", "there is a ';' where ',' belongs"),
        (WRITTEN.replace('"check"', '"my "best" one"'), "line 3", 'A " within a string is written \\"'),
        ('{"source": "a\tb"}', "column 14", "a tab stands within a string. There it is written \\t"),
        ('{"source": "a\nb"}', "column 14", "a line break stands within a string"),
        ('{"source": "\\d"}', "column 13", "a pattern like \\d becomes \\\\d"),
        (WRITTEN + "}", "line 7, column 2", "there is one } too many"),
        (WRITTEN + "\n" + WRITTEN, "line 8, column 1", "a second value begins here"),
        (WRITTEN[:50], "line 4", 'has no closing "'),
        (WRITTEN.replace('"name":', '"name"'), "line 3", "colon"),
        (WRITTEN.replace('"eq"', ""), "line 4", "a value is missing"),
        ("1.0 if x else 0", "line 1", "neither an object nor Python"),
    ],
)
def test_a_mistake_in_json_is_explained_where_it_is(text: str, where: str, said: str) -> None:
    told = problems(text)
    assert where in told, told
    assert said in told, told
    assert "Expecting" not in told
    assert "delimiter" not in told


def test_a_mark_that_editors_put_before_utf_8_means_nothing() -> None:
    assert load_grader("\ufeff" + WRITTEN) == load_grader(WRITTEN)
    assert load_grader("\ufeff" + GRADE) == load_grader(GRADE)


@pytest.mark.parametrize(
    ("grader", "said"),
    [
        ({"grader": string_check()}, "The grader is the object at $.grader: give that alone."),
        (
            {"method": {"type": "reinforcement", "reinforcement": {"grader": string_check()}}},
            "at $.method.reinforcement.grader",
        ),
        ({"type": "reinforcement", "reinforcement": {"grader": string_check()}}, "at $.reinforcement.grader"),
        ({"testing_criteria": [string_check(), string_check()]}, "2 graders in it, the first at $.testing"),
        ([string_check()], "Leave out the brackets"),
        ([string_check(), string_check()], "combined"),
        (json.dumps(WRITTEN), "a text that holds one"),
        ({"messages": [], "reference_answer": "4"}, "a row of a dataset"),
        (string_check(type="exact_match"), "Did you mean 'string_check'?"),
        (string_check(type="llm_judge"), "Did you mean 'score_model'?"),
        (string_check(reference=5), 'Put it in quotes: "5".'),
        (string_check(expected="x"), "Did you mean 'reference'?"),
        ({"type": "python", "name": "p", "code": GRADE}, "Did you mean 'source'?"),
        (
            {"type": "multi", "name": "m", "graders": {}, "calculate_output": "a", "weights": {}},
            "Weights stand",
        ),
        ({"type": "endpoint", "url": "http://x"}, "a grader of type endpoint calls"),
        ("grader = {'type': 'python'}", "Give that object alone, as JSON."),
    ],
)
def test_a_grader_in_other_wrapping_or_words_is_recognised(grader: Any, said: str) -> None:
    assert said in problems(grader)


def multi(formula: Any, **graders: Any) -> dict[str, Any]:
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
        (multi("a"), ["$.graders: the sub-graders are missing"]),
        (multi("a", **{"2a": string_check()}), ["2a", "cannot stand in a formula"]),
        ({"type": "multi", "name": "m", "graders": string_check(), "calculate_output": "a"}, ["one grader"]),
        (multi("0.5 * {{exact}}", exact=string_check()), ["without braces"]),
        (multi("exact > 0.5", exact=string_check()), ["no comparisons"]),
        (multi("exact and exact", exact=string_check()), ["no comparisons"]),
        (multi("2exact", exact=string_check()), ["A product needs its sign"]),
        (multi("exact // 2", exact=string_check()), ["'//'", "floor(a / b)"]),
        (multi("exact \u2212 1", exact=string_check()), ["position 7", "Write -."]),
        (multi("exact, 1", exact=string_check()), ["a comma outside of min"]),
        (multi("exact +", exact=string_check()), ["ends too early, after 'exact +'"]),
        (multi("max(exact,)", exact=string_check()), ["a comma with nothing after it at position 10"]),
        (multi("(" * 300 + "exact" + ")" * 300, exact=string_check()), ["nested too deeply"]),
        (multi(1, exact=string_check()), ['Put it in quotes: "1"']),
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


def test_a_key_that_no_formula_can_name_is_one_problem_not_three() -> None:
    text = problems(multi("exact-match", **{"exact-match": string_check()}))
    assert "has one problem" in text
    assert "'exact-match' cannot stand in a formula" in text


def test_names_and_thresholds_do_not_change_the_fingerprint() -> None:
    spec = load_grader(string_check())
    assert load_grader(string_check(name="other", pass_threshold=0.3)).fingerprint == spec.fingerprint
    assert load_grader(string_check("ne")).fingerprint != spec.fingerprint
