"""Templates: what stands between the braces is filled once, exactly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dryrun.core.records import Sample, SampleOutcome
from dryrun.graders.format.template import (
    SampleNamespace,
    SampleParseError,
    TemplateSyntaxError,
    VariableError,
    parse_template,
)
from tests.helpers.grading import grade, sample, string_check

ITEM = {
    "answer": "42",
    "deep": {"list": [{"x": "first"}, {"x": "second"}]},
    "number": 3,
    "float": 0.5,
    "yes": True,
    "nothing": None,
    "object": {"ä": [1, "two"]},
    "with-dash": "d",
}


def fill(template: str, response: Sample | None = None) -> str:
    return parse_template(template).fill(
        {"item": ITEM, "sample": SampleNamespace(response or sample("hello"))}
    )


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("plain text, { single } braces }} and all", "plain text, { single } braces }} and all"),
        ("{{item.answer}}", "42"),
        ("a {{ item.answer }}{{item.answer}} b", "a 4242 b"),
        ("{{\n item.deep.list[1].x \n}}", "second"),
        ("{{ item.number }} {{ item.float }} {{ item.yes }} {{ item.nothing }}", "3 0.5 true null"),
        ("{{ item.object }}", '{"ä": [1, "two"]}'),
        ("{{ item.with-dash }}", "d"),
        ("{{ sample.output_text }}", "hello"),
        ("{{ sample.choices[0].message.content }}", "hello"),
    ],
)
def test_references_are_filled(template: str, filled: str) -> None:
    assert fill(template) == filled


def test_values_are_never_looked_at_again() -> None:
    assert fill("{{sample.output_text}}", sample("{{item.answer}}")) == "{{item.answer}}"


def test_output_json_is_the_response_parsed() -> None:
    response = sample('{"a": {"b": [1, 2]}, "c": "text"}')
    assert fill("{{sample.output_json.a.b[1]}} {{ sample.output_json.c }}", response) == "2 text"
    assert json.loads(fill("{{ sample.output_json }}", response)) == {"a": {"b": [1, 2]}, "c": "text"}


def test_tool_calls_can_be_reached_and_their_arguments_too() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"city": "Oslo"}'}}
    response = Sample("k", 0, SampleOutcome.ANSWERED, tool_calls=(call,))
    assert fill("{{sample.output_tools[0].function.name}}", response) == "find"
    assert fill("{{sample.output_tools[0].function.arguments.city}}", response) == "Oslo"
    assert fill("{{sample.output_tools[0].function.arguments}}", response) == '{"city": "Oslo"}'


@pytest.mark.parametrize(
    "template", ["{{item.none}}", "{{item.deep.list[7].x}}", "{{item.answer.x}}", "{{item.answer[0]}}"]
)
def test_what_a_row_does_not_have_is_an_error_and_never_empty(template: str) -> None:
    with pytest.raises(VariableError):
        fill(template)
    graded = grade(string_check(reference=template), "x", ITEM)
    assert graded.reward == 0.0
    assert list(graded.errors) == ["invalid_variable_error"]


def test_json_asked_of_a_response_that_is_none() -> None:
    with pytest.raises(SampleParseError):
        fill("{{sample.output_json.a}}")
    graded = grade(string_check(input="{{sample.output_json.a}}"), "no json", {"reference_answer": "1"})
    assert (graded.reward, list(graded.errors)) == (0.0, ["sample_parse_error"])


@pytest.mark.parametrize(
    "text", ["{{", "{{ }}", "{{item}}", "{{item[0]}}", "{{os.environ}}", "{{item..x}}", "{{item.x()}}"]
)
def test_what_no_row_can_fill_is_refused_at_once(text: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        parse_template(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [("{{{item.n}}}", "two braces, not three"), ("{{item.Größe}}", "A to Z.*must be renamed")],
)
def test_what_the_field_must_be_called_is_said(text: str, said: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=said):
        parse_template(text)


@given(st.text())
def test_text_without_double_braces_stays_as_it_is(text: str) -> None:
    if "{{" not in text:
        assert fill(text) == text


@given(st.text())
def test_any_value_arrives_whole(value: str) -> None:
    assert parse_template("<{{item.v}}>").fill({"item": {"v": value}}) == f"<{value}>"


def test_a_short_template_cannot_ask_for_more_than_a_machine_has() -> None:
    """Forty braces around a field of two megabytes: the same text again, counted before it is joined."""
    with pytest.raises(VariableError, match="more than 64,000,000 characters"):
        parse_template("{{item.long}}" * 40).fill({"item": {"long": "x" * 2_000_000}})


def test_a_template_has_an_end() -> None:
    with pytest.raises(TemplateSyntaxError, match="1,000,001 characters, more than 1,000,000"):
        parse_template("x" * 1_000_001)
