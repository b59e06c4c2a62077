"""What public reward functions taught: answers and forms that earlier probes got wrong."""

from __future__ import annotations

import json

from dryrun.core.probe import CONSTANT, SCALED, STRANGER, TOO_MANY, Family
from dryrun.probes import accepted_forms, first_round, second_round, strangers
from dryrun.probes.make.answers import Kind, answers
from dryrun.probes.make.demand import Demand, demand_of
from dryrun.probes.make.worthless import REMEMBERED
from dryrun.probes.make.wrong import wrong_answers
from tests.battery import rows
from tests.probes.test_rounds import both, laid, texts


def test_wrong_lists_of_numbers_are_lists_of_numbers() -> None:
    [answer, *others] = answers(["[27, 33, 44]", "[5, 6]", "[7, 8, 9]"], [Demand()] * 3)
    assert answer is not None
    wrong = wrong_answers(answer, [other for other in others if other], ())
    given = {one.kind: json.loads(one.content) for one in wrong if one.content.startswith("[")}
    assert given[TOO_MANY] == [27, 33, 44, 5]
    assert all(isinstance(part, int) for parts in given.values() for part in parts)
    [named] = answers(['["ab", "cd"]'], [Demand()])
    assert named is not None
    dropped = [one.content for one in wrong_answers(named, [], ()) if one.kind == "one element dropped"]
    assert dropped == ['["ab"]']


def test_elements_that_name_their_place_have_no_order() -> None:
    found = answers(["F=4, J=9, L=8", "A=1, B=2"], [Demand(ordered=True)] * 2)
    assert [answer.kind for answer in found if answer] == [Kind.SET, Kind.SET]


def test_a_letter_behind_a_formula_or_moves_is_not_surely_wrong() -> None:
    moves = answers(["RLDDR", "UULR", "DDLU", "RRUL", "LLDR", "UDLR"], [Demand()] * 6)
    labels = [answer for answer in moves if answer]
    assert "a letter more" not in {one.kind for one in wrong_answers(labels[0], labels[1:], ())}
    [formula] = answers(["3*sin(x) + C"], [Demand()])
    assert formula is not None
    assert "a letter more" not in {one.kind for one in wrong_answers(formula, [], ())}


def test_decimals_are_changed_within_the_whole_number() -> None:
    [answer] = answers(["3.72"], [Demand()])
    assert answer is not None
    kinds = {one.kind: one.content for one in wrong_answers(answer, [], ())}
    assert kinds["the same whole number, other decimals"] == "3.32"


def test_rows_that_say_none_have_no_answer() -> None:
    assert answers(["None", "None"], [Demand()] * 2) == [None, None]
    assert None not in answers(["None", "two"], [Demand()] * 2)


def test_constants_come_in_the_form_too() -> None:
    given = laid(rows.sums(rows.HASHES))
    forms = first_round(given)
    rest = second_round(
        given, accepted_forms(given, [float(one.kind.startswith("after ####")) for one in forms])
    )
    constants = {one.text for one in rest if one.family is Family.NOTHING and one.kind.startswith(CONSTANT)}
    assert any(text.endswith("#### banana") for text in constants)
    assert "banana" in constants


def test_the_right_value_behind_a_wrong_answer_is_only_where_a_form_is_demanded() -> None:
    given = laid(rows.sums(rows.HASHES))
    [text, *_] = texts(both(given)[1], REMEMBERED)
    answer = given.answers[0]
    assert answer is not None
    assert text.endswith(f"At first I had {answer.text} there\n")
    assert not texts(both(laid(rows.sums(rows.FREE)))[1], REMEMBERED)


def test_thoughts_go_before_the_form() -> None:
    demand = demand_of(rows.THOUGHTS)
    assert (demand.tag, demand.thoughts) == ("answer", "think")
    assert demand_of("Think inside <think> and </think>. " + rows.BOX).tag == ""
    forms = [one.text for one in first_round(laid(rows.sums(rows.THOUGHTS))) if "thoughts" in one.kind]
    assert any(text.startswith("<think>\n") and "</think>\n<answer>\n" in text for text in forms)


def test_strangers_are_the_answers_of_other_rows_in_the_demanded_form() -> None:
    given = laid(rows.sums(rows.HASHES))
    plan = strangers(given)
    assert {one.kind for one in plan if not one.kind.startswith(SCALED)} == {STRANGER}
    assert all("#### " in one.text and one.most <= 1.0 for one in plan)
    assert not any(
        one.text.endswith(f"#### {answer.text}")
        for one in plan
        if (answer := given.answers[one.row]) is not None
    )
