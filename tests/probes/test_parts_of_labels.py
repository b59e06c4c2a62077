"""Wrong answers to short texts and to texts of lines: what is surely wrong, and what may be just as right."""

from __future__ import annotations

import pytest

from dryrun.core.probe import EXCHANGED, LETTER_LESS, LETTER_MORE
from dryrun.probes.make.answers import Answer, answers
from dryrun.probes.make.demand import Demand
from dryrun.probes.make.wrong import wrong_answers


def wrong(text: str, *others: str) -> dict[str, str]:
    """The wrong answers to the first text, by kind."""
    [known, *rest] = [answer for answer in answers([text, *others], [Demand()] * (1 + len(others))) if answer]
    assert isinstance(known, Answer)
    return {each.kind: each.content for each in wrong_answers(known, rest, ())}


def test_lines_that_say_what_they_are_have_no_order() -> None:
    assert "every line but the first displaced" in wrong("1 2 3\n4 5 6\n7 8 9")
    assert "every line but the first displaced" not in wrong("name: web\nport: 80\nimage: nginx")


def test_a_word_with_a_letter_less_is_tried_beside_one_with_a_letter_more() -> None:
    found = wrong("Jürgen Novák")
    assert (found[LETTER_MORE], found[LETTER_LESS]) == ("Jürgen Novákx", "Jürgen Nová")


@pytest.mark.parametrize(
    ("text", "kind", "content"),
    [
        ("[[1, 2], [3, 4]]", "its cells displaced", "[[4, 1], [2, 3]]"),
        ("(-3, 2]", "open and closed ends exchanged", "[-3, 2)"),
        ("A-C-D-F", "the same ends, another way", "A-D-C-F"),
        (
            "2024-05-10T23:00:00+02:00",
            "the same clock time, another offset",
            "2024-05-10T23:00:00+05:00",
        ),
    ],
)
def test_an_answer_with_its_parts_elsewhere_is_wrong(text: str, kind: str, content: str) -> None:
    assert wrong(text)[kind] == content


@pytest.mark.parametrize("text", ["[[0, 0], [0, 0]]", "(-3, 2)", "state-of-the-art", "2024-05-10"])
def test_an_answer_without_such_parts_stays(text: str) -> None:
    kinds = {"its cells displaced", "open and closed ends exchanged", "the same ends, another way"}
    assert not {*kinds, "the same clock time, another offset"} & set(wrong(text))


def test_values_are_exchanged_between_names() -> None:
    found = wrong("x = 3, y = -2", "x = 1, y = 4")
    assert found["values exchanged between names"] == "x = -2, y = 3"


def test_a_code_has_wrong_ones_with_half_of_it() -> None:
    found = wrong("e2e4", "g1f3", "d7d5")
    assert found["another digit in it"] == "e3e4"
    assert wrong("B7K9QA", "X2M4TT")["half of the word"] == "B7K"
    assert "half of the word" not in wrong("E11.9", "K21.0")
    assert (found["its beginning, another's end"], found["another's beginning, its end"]) == ("e2f3", "g1e4")
    assert wrong("#a1b2c3", "#0f0e0d")["its beginning, another's end"] == "#a10e0d"


def test_signs_arrows_and_hours_are_changed() -> None:
    last = wrong("ACGTT", "GGCAT", "TTACG", "CAGTC", "AATGC")["another letter at its end"]
    assert last == "ACGTG"
    assert "another letter at its end" not in wrong("Turin", "Paris", "Osaka", "Perth", "Cairo")
    assert wrong("Mia -> Tom\nRaj -> Ana")["its arrows turned round"] == "Tom -> Mia\nAna -> Raj"
    assert "its arrows turned round" not in wrong("Mia -> Tom\nTom -> Mia")
    assert wrong("09:35", "21:10")["twelve hours from it"] == "21:35"
    assert "twelve hours from it" not in wrong("9:35", "11:10")


def test_another_letter_stands_only_where_rows_differ() -> None:
    assert wrong("0x1A7", "0x2B9", "0x77C")["another letter in it"] == "0x1B7"
    assert "another letter in it" not in wrong("v1.2.3", "v2.0.1", "v3.1.4")


def test_a_text_of_numbers_has_wrong_ones_with_one_of_them_changed() -> None:
    found = wrong("347 U.S. 483 (1954)")
    assert found["number 2 in it changed"] == "347 U.S. 645 (1954)"
    equation = wrong("2 H2 + O2 -> 2 H2O")
    assert equation["number 1 in it changed"] == "3 H2 + O2 -> 2 H2O"
    assert not [kind for kind in wrong("They met in 1954 and moved to Oslo soon after") if "number" in kind]


def test_a_line_of_moves_has_wrong_ones_with_one_of_them_right() -> None:
    found = wrong("Nf3 Qd8 Rxe8#", "Kb1 Bc6 Qa2#")
    assert found["its first part, another's rest"] == "Nf3 Bc6 Qa2#"
    assert found["its last part, another's rest"] == "Kb1 Bc6 Rxe8#"


def test_a_long_way_has_another_middle_too() -> None:
    assert wrong("A -> B -> C -> D -> E")["the same ends, another way"] == "A -> D -> C -> B -> E"


def test_a_list_of_codes_has_wrong_ones_with_other_ends() -> None:
    found = wrong("E11.9, I25.10", "K21.0, N39.1", "E11.9, K21.0")
    assert found["another last digit in every element"] == "E11.0, I25.11"
    assert "another last digit in every element" not in wrong("Oslo, Rome", "Lima, Graz")


def test_letters_in_the_opposite_order_are_another_name() -> None:
    assert wrong("MCLXIV", "XLII")["its letters in the opposite order"] == "VIXLCM"


def test_lines_of_words_are_no_grid() -> None:
    knights = wrong("(1) Ann is a knight\n(2) Ben is a knave\n(3) Cleo is a knight")
    assert "every line but the first displaced" not in knights
    exchanged = "(1) Ann is a knave\n(2) Ben is a knight\n(3) Cleo is a knight"
    assert knights["the last words of lines 1 and 2 exchanged"] == exchanged


def test_half_of_a_day_may_be_its_abbreviation() -> None:
    assert "half of the word" in wrong("Freedom", "Liberty")
    assert "half of the word" not in wrong("Friday", "Monday")


def test_fields_are_exchanged_where_the_prompt_names_them() -> None:
    text = '{"person": ["Ann"], "place": ["Oslo"], "year": 1990}'
    [known] = answers([text], [Demand(json=True)])
    assert known is not None
    found = {each.kind: each.content for each in wrong_answers(known, [], (), ["person", "place"])}
    assert found[EXCHANGED] == '{"person": ["Oslo"], "place": ["Ann"], "year": 1990}'
    assert EXCHANGED not in {each.kind for each in wrong_answers(known, [], (), [])}
    [facts] = answers([text], [Demand()])
    assert facts is not None
    assert EXCHANGED not in {each.kind for each in wrong_answers(facts, [], (), ["person", "place"])}
    [numbers] = answers(['{"eggs": 2, "milk": 30}'], [Demand(json=True)])
    assert numbers is not None
    found = {each.kind: each.content for each in wrong_answers(numbers, [], ())}
    assert found[EXCHANGED] == '{"eggs": 30, "milk": 2}'
    days = wrong("2024-03-01/2024-03-09", "2024-05-02/2024-06-01")
    assert days["its beginning, another's end"] == "2024-03-01/2024-06-01"
    assert "another digit in it" not in days
    assert not {"another digit in it", "its beginning, another's end"} & set(wrong("Ada Novák", "Bo Byrne"))
