"""Forms that prompts show for lists, tags and objects; wrong answers that keep a part of the right one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dryrun.core.probe import ANOTHER_ORDER, LETTER_MORE, OFFERED, REVERSED, UNORDERED
from dryrun.core.records import Prompt
from dryrun.probes.make.answers import Answer, Kind, answers
from dryrun.probes.make.demand import Demand, demand_for, demand_of
from dryrun.probes.make.forms import forms_of, variations
from dryrun.probes.make.ground import ground
from dryrun.probes.make.json_shape import shape_of
from dryrun.probes.make.offered import offered
from dryrun.probes.make.rounds import second_round
from dryrun.probes.make.wrong import wrong_answers
from dryrun.probes.make.wrong_names import wrong_lines


def written(kind: Kind, text: str, prompt: str, value: Any = None) -> set[str]:
    return {form.write(text) for form in forms_of(Answer(kind, text, value), demand_of(prompt))}


@pytest.mark.parametrize(
    ("prompt", "text", "kind", "others"),
    [
        ("Legal moves: a2a4, b2b3, e7e5\nThe best?", "b2b3", Kind.LABEL, ("a2a4", "e7e5")),
        ("Say positive, negative or neutral.", "negative", Kind.LABEL, ("positive", "neutral")),
        ("Ann, Bob and Cid met in Rome. Who left?", "Bob", Kind.LABEL, ("Ann", "Cid")),
        ("Choose:\n- red\n- blue\n- green", "blue", Kind.LABEL, ("red", "green")),
        ("She was born in Paris, France.", "Paris", Kind.LABEL, ()),
        ("Legal moves: a2a4, b2b3, e7e5", "b2b3", Kind.TEXT, ()),
    ],
)
def test_answers_beside_the_right_one_are_wrong(
    prompt: str, text: str, kind: Kind, others: tuple[str, ...]
) -> None:
    answer = Answer(kind, text)
    assert offered(prompt, answer) == others
    found = [
        wrong.content for wrong in wrong_answers(answer, (), (), offered=others) if wrong.kind == OFFERED
    ]
    assert found == list(others[:1])


def test_lists_are_written_as_the_prompt_shows_them() -> None:
    ranking = "Answer in the form [2] > [1] > [3] > [4]."
    assert "[3] > [1] > [2]" in written(Kind.LIST, "3, 1, 2", ranking, ["3", "1", "2"])
    lines = "A line each:\n1. word\n2. word"
    assert "1. cat\n2. dog" in written(Kind.LIST, "cat, dog", lines, ["cat", "dog"])
    assert demand_of(lines).ordered
    assert not demand_of("Give each on a line.\n1. Bees fly far.").ordered


def test_a_tag_may_hold_arrows_and_other_tags_stand_beside_it() -> None:
    assert demand_of("Write it as <path>A->B->C</path>.").tag == "path"
    two = (
        "Answer inside <answer></answer>, then your confidence from 0 to 1 inside <confidence></confidence>."
    )
    assert "<answer>Rome</answer>\n<confidence>1</confidence>" in written(Kind.LABEL, "Rome", two)


def test_an_example_with_places_shows_the_object_and_its_list() -> None:
    text = 'Return JSON {"reasoning": "...", "genes": ["GENE1", "GENE2", ...]} with five genes.'
    shape = shape_of(Prompt("k", 0, "", {"messages": []}), text)
    assert shape is not None
    assert not shape.sure
    assert json.loads(shape.write("TP53"))["genes"] == ["TP53"]
    data = 'JSON of the case: {"age": 4, "genes": ["A"]}. Is it benign?'
    assert shape_of(Prompt("k", 0, "", {"messages": []}), data) is None


def test_named_values_are_changed_and_their_order_is_asked_for_by_nobody() -> None:
    (named,) = answers(["x = 3, y = -2"], [Demand()])
    assert named is not None
    assert named.kind is Kind.SET
    found = {wrong.content for wrong in wrong_answers(named, (), ())}
    assert {"x = 16, y = -2", "x = 3, y = 1"} <= found
    assert ANOTHER_ORDER not in variations(named, demand_of("Give x = ..., y = ..."), str)
    assert ANOTHER_ORDER in variations(named, demand_of("Give both in any order."), str)


def test_lines_after_the_first_are_changed_too() -> None:
    text = "Ann is a knight\nBob is a knave\nCid is a knave"
    changed = {wrong.content for wrong in wrong_lines(text)}
    assert "Ann is a knight\nBob is a knight\nCid is a knight" in changed
    assert "Ann is a knave\nBob is a knight\nCid is a knave" in changed


@pytest.mark.parametrize(
    ("numbers", "prompt", "kind"),
    [
        ([3, 17, 40], "Name the articles that apply as a JSON list.", UNORDERED),
        ([17, 3, 40], "Name the articles that apply as a JSON list.", REVERSED),
        ([3, 17, 40], "Sort the numbers, as a JSON list.", REVERSED),
    ],
)
def test_rising_numbers_may_be_a_set(numbers: list[int], prompt: str, kind: str) -> None:
    prompts = [
        Prompt(str(row), row, "", {"messages": [{"role": "user", "content": prompt}]}) for row in (0, 1)
    ]
    given = ground(prompts, [json.dumps(numbers), "[2, 9]"], rows=1)
    plan = second_round(given, {0: given.forms_at(0)[0]})
    assert {probe.kind for probe in plan} & {UNORDERED, REVERSED} == {kind}


@pytest.mark.parametrize(("text", "longer"), [("XIV", "XIVX"), ("Oslo", "Oslox")])
def test_a_letter_more_is_written_as_the_others(text: str, longer: str) -> None:
    wrong = wrong_answers(Answer(Kind.LABEL, text), (), ())
    assert [each.content for each in wrong if each.kind == LETTER_MORE] == [longer]


def test_the_numbers_of_a_score_are_exchanged_and_facts_stand_in_tags() -> None:
    wrong = wrong_answers(Answer(Kind.LABEL, "3-1"), (), ())
    assert "1-3" in {each.content for each in wrong}
    facts, value = '{"kg": 4, "hue": "red"}', {"kg": 4, "hue": "red"}
    tagged = "<kg>4</kg>\n<hue>red</hue>"
    assert tagged in written(Kind.FACTS, facts, "As <kg>number</kg><hue>word</hue>.", value)
    assert tagged not in written(Kind.FACTS, facts, "As <kg>number</kg>.", value)


def test_examples_in_a_chat_show_what_answers_begin_with() -> None:
    def chat(*answers: str) -> Prompt:
        turns = [{"role": "assistant", "content": answer} for answer in answers]
        return Prompt(str(answers), 0, "", {"messages": [*turns, {"role": "user", "content": "And hot?"}]})

    assert demand_for(chat("Opposite: down", "Opposite: left")).marker == "Opposite:"
    assert demand_for(chat("Opposite: down", "It is left")).marker == ""
    assert demand_for(chat("Opposite: down")).marker == ""
