"""Which of several fields is the answer, and what of it a response says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dryrun.core.errors import DryRunError
from dryrun.core.records import Prompt
from dryrun.graders.load import load_grader
from dryrun.graders.reference_answers import reference_field, references_of
from dryrun.probes.accepted_form import ACCEPTED_CALL, FIRST, IN_WORDS, LETTER, contents
from dryrun.probes.learned_form import as_asked


def reading(*columns: str) -> Any:
    """A reward function that is handed these columns."""
    source = (
        f"def reward(completions, {', '.join(columns)}, **kwargs):\n    return [0.0] * len(completions)\n"
    )
    return load_grader({"type": "python", "name": "r", "source": source, "convention": "trl"})


def item(content: str, **fields: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}], **fields}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"setup": "CREATE TABLE t(a)", "query": "SELECT a"}, "query"),
        ({"schema": "tables t and u", "gold_sql": "SELECT a"}, "gold_sql"),
        ({"original": "She go home.", "corrected": "She goes home."}, "corrected"),
    ],
)
def test_of_several_fields_the_one_that_no_prompt_quotes_is_the_answer(
    fields: dict[str, str], field: str
) -> None:
    rows = [item("CREATE TABLE t(a)\nShe go home.\nWrite it.", **fields)]
    assert reference_field(reading(*fields), rows) == field


def test_a_usual_field_goes_before_a_guess_among_several() -> None:
    rows = [item("Which?", answer="It is Oslo [2].", answer_text="Oslo", doc=2)]
    assert reference_field(reading("answer_text", "doc"), rows) == "answer"


def test_values_that_an_argument_may_have_make_a_call() -> None:
    accepted = [{"f": {"city": ["Oslo", "Oslo city"], "unit": ["C", ""]}}]
    call = json.loads(contents(json.dumps(accepted))[ACCEPTED_CALL])
    assert call == {"name": "f", "arguments": {"city": "Oslo"}}
    assert ACCEPTED_CALL not in contents('{"city": "Oslo"}')


@pytest.mark.parametrize("wrap", [str, lambda call: json.dumps([call])])
def test_a_call_that_is_spelled_out_makes_a_call(wrap: Callable[[str], str]) -> None:
    call = json.loads(contents(wrap("files-send(from='a=b, c', to=\"d\", copies=2)"))[ACCEPTED_CALL])
    assert call == {"name": "files-send", "arguments": {"from": "a=b, c", "to": "d", "copies": 2}}
    assert not any(ACCEPTED_CALL in contents(wrap(text)) for text in ("f(x)", "f(x=y)", "f(x=", "see (a=1)"))


@pytest.mark.parametrize(
    ("reference", "prompt", "words"),
    [
        ("1", "Output exactly TRUE or FALSE.", "TRUE"),
        ("0", "Output exactly TRUE or FALSE.", "FALSE"),
        ("0", "Answer yes or no.", "no"),
        ("0", "Is it true?", None),
        ("2", "Answer yes or no.", None),
    ],
)
def test_a_flag_may_be_a_word_that_the_prompt_offers(reference: str, prompt: str, words: str | None) -> None:
    assert contents(reference, prompt).get(IN_WORDS) == words


def test_the_first_of_several_answers_or_the_letter_of_one_may_be_meant() -> None:
    assert contents("INV-7|7")[FIRST] == "INV-7"
    assert contents("model_a")[LETTER] == "A"
    assert not {FIRST, LETTER} & {*contents("a model"), *contents("Oslo"), *contents("x_a")}


def test_a_column_may_be_called_as_reward_functions_call_what_they_are_handed() -> None:
    source = "def grade(sample, item):\n    return float(sample['output_text'] == item['state'])\n"
    rows = [item("Which slots?", state="area=north")]
    assert reference_field(load_grader({"type": "python", "name": "g", "source": source}), rows) == "state"
    with pytest.raises(DryRunError):
        reference_field(reading("state"), rows)


@pytest.mark.parametrize(
    ("prompt", "fields", "text"),
    [
        (
            "JSON with the keys town and nights.",
            {"town": "Oslo", "nights": 3},
            '{"town": "Oslo", "nights": 3}',
        ),
        ("As <kg>number</kg><hue>word</hue>.", {"kg": 4, "hue": "red"}, '{"kg": 4, "hue": "red"}'),
        ("Where is it?", {"lat": 59.9, "lon": -10.5}, "59.9, -10.5"),
        ("Where is it?", {"least": 3, "most": 9}, None),
        ("JSON with the key town.", {"town": "Oslo", "nights": 3}, None),
    ],
)
def test_columns_that_the_prompt_asks_for_are_the_answer_together(
    prompt: str, fields: dict[str, object], text: str | None
) -> None:
    rows = [Prompt("k", 0, "", item(prompt, **fields))]
    assert references_of(reading(*fields), rows) == [text]


def test_the_place_of_an_option_is_its_letter() -> None:
    text = "Which?\nA. 12\nB. 15\nC. 17\nReply with the letter."
    rows = [Prompt(str(row), row, "", item(text)) for row in range(3)]
    assert as_asked(rows, ["0", "2", "1"]) == ["A", "C", "B"]
    assert as_asked(rows, ["1", "2", "1"]) == ["1", "2", "1"]
