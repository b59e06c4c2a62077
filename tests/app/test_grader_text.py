"""The text in the grader's editor: where its errors stand, and Python sources within JSON."""

from __future__ import annotations

import json

import pytest

from dryrun.app.configure.grader import in_editor, marks_of, python_sources, span_of, with_source
from dryrun.core.errors import GraderError
from dryrun.graders import load_grader
from dryrun.graders.load import grader_of

SOURCE = "def grade(sample, item):\n    return 1.0"
TEXT = """{
  "type": "multi",
  "name": "both",
  "graders": {
    "same": {"type": "string_check", "name": "same", "operation": "eqq",
             "input": "{{sample.output_text}}", "reference": "a [ \\" } b"},
    "mine": {
      "type": "python", "name": "mine",
      "source": SOURCE
    }
  },
  "calculate_output": "same + mine"
}""".replace("SOURCE", json.dumps(SOURCE))


def refusal(text: str) -> GraderError:
    with pytest.raises(GraderError) as caught:
        load_grader(grader_of(text))
    return caught.value


def test_an_error_is_marked_at_the_line_of_its_value() -> None:
    [mark] = marks_of(TEXT, refusal(TEXT))
    assert mark.line == 5
    assert "Did you mean 'eq'?" in mark.message


def test_text_that_is_not_json_is_marked_where_it_breaks() -> None:
    text = '{\n  "type": "multi",\n  "name": "x",\n}'
    [mark] = marks_of(text, refusal(text))
    assert mark.line == 3 if "line 3" in str(refusal(text)) else mark.line == 4


def test_a_missing_field_is_marked_at_what_lacks_it() -> None:
    text = '{\n  "type": "multi", "name": "x", "calculate_output": "a",\n  "graders": {\n'
    text += '    "a": {"type": "python"}\n  }\n}'
    assert {mark.line for mark in marks_of(text, refusal(text))} == {4}


def test_python_is_marked_at_its_own_line_and_in_json_at_the_source() -> None:
    broken = "def grade(sample, item):\n    x = 1\n    y = = 2\n"
    assert [mark.line for mark in marks_of(broken, refusal(broken))] == [3]
    text = json.dumps({"type": "python", "name": "p", "source": broken}, indent=1)
    error = refusal(text)
    assert [mark.line for mark in marks_of(text, error)] == [4]
    assert [mark.line for mark in marks_of(broken, error, "$.source")] == [3]
    assert marks_of(broken, error, "$.graders.other.source") == []


def test_a_source_is_named_as_the_editor_shows_it() -> None:
    broken = "def grade(sample, item):\n    x = 1\n    y = = 2\n"
    [problem] = in_editor(refusal(broken).problems, broken)
    assert str(problem).startswith("Grader, line 3: is not Python")
    text = TEXT.replace(json.dumps(SOURCE), json.dumps(broken)).replace("eqq", "eq")
    [problem] = in_editor(refusal(text).problems, text)
    assert str(problem).startswith("Grader mine, line 3: is not Python")
    [other] = in_editor(refusal(TEXT).problems, TEXT)
    assert other.where == "$.graders.same.operation"


def test_sources_are_found_by_path_and_name() -> None:
    [source] = python_sources(TEXT)
    assert (source.path, source.name, source.text) == ("$.graders.mine.source", "mine", SOURCE)
    assert python_sources("{") == []
    assert python_sources('[{"type": "python", "source": 3}]') == []


def test_a_source_is_replaced_and_all_else_stays_as_typed() -> None:
    changed = with_source(TEXT, "$.graders.mine.source", "é = '\"'\n")
    assert json.loads(changed)["graders"]["mine"]["source"] == "é = '\"'\n"
    assert changed.replace(json.dumps("é = '\"'\n", ensure_ascii=False), json.dumps(SOURCE)) == TEXT
    assert with_source("{", "$.source", "x") == "{"


@pytest.mark.parametrize(
    "path", ["$.nothing", "$.graders[0]", "$.name.deeper", "line 3", "$.graders.mine.source[2]"]
)
def test_a_path_that_leads_nowhere_has_no_place(path: str) -> None:
    assert span_of(TEXT, path) is None
    assert span_of("", path) is None
    assert span_of("[" * 5000, path) is None
