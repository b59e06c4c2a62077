"""Wrong answers to short texts and to texts of lines: what is surely wrong, and what may be just as right."""

from __future__ import annotations

import pytest

from dryrun.core.probe import LETTER_LESS, LETTER_MORE
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
    assert (found["its beginning, another's end"], found["another's beginning, its end"]) == ("e2f3", "g1e4")
    days = wrong("2024-03-01/2024-03-09", "2024-05-02/2024-06-01")
    assert days["its beginning, another's end"] == "2024-03-01/2024-06-01"
    assert "another digit in it" not in days
    assert not {"another digit in it", "its beginning, another's end"} & set(wrong("Ada Novák", "Bo Byrne"))
