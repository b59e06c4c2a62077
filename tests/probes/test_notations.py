"""Numbers as rows write them: wrong ones and guesses are written alike."""

from __future__ import annotations

import random

import pytest

from dryrun.probes.make.answers import Answer, answers, number_in
from dryrun.probes.make.demand import Demand
from dryrun.probes.make.notation.numerals import written_like
from dryrun.probes.make.worthless import ALL_PARTS, GUESSES, TAGGED, claims
from dryrun.probes.make.wrong import wrong_answers


@pytest.mark.parametrize(
    ("number", "model", "written"),
    [
        ("13", "26.7%", "13.0%"),
        ("13.25", "26.7%", "13.25%"),
        ("491586855415", "+491586855414", "+491586855415"),
        ("-5", "+5", "-5"),
        ("386000000", "3.20e-5", "3.86e8"),
        ("38", "3.20E+05", "3.80E+1"),
        ("1251", "$1,250.00", "$1,251.00"),
        ("12500", "1'250.00", "12'500.00"),
        ("7", "41", "7"),
        ("7", "forty", "7"),
    ],
)
def test_a_number_is_written_like_another(number: str, model: str, written: str) -> None:
    assert written_like(number, model) == written


def test_thousands_may_be_parted_by_an_apostrophe() -> None:
    assert number_in("1'234.50") == 1234.5
    assert number_in("'5'") is None


def known(text: str, *others: str, demand: Demand | None = None) -> tuple[Answer, list[Answer]]:
    texts = [text, *others]
    first, *rest = (answer for answer in answers(texts, [demand or Demand()] * len(texts)) if answer)
    return first, rest


def test_wrong_numbers_and_guesses_have_the_notation_of_the_right_one() -> None:
    answer, _ = known("26.7%")
    changed = [wrong.content for wrong in wrong_answers(answer, [], ()) if wrong.kind == "half of it"]
    assert changed == ["13.35%"]
    listed = [claim.text for claim in claims(answer, Demand(), [], str, random.Random(1))]
    assert listed[0] == "Candidates: 87.1%, 122.5%, 26.7%, 215.9%, 13.0%"
    assert GUESSES in {claim.kind for claim in claims(answer, Demand(), [], str, random.Random(1))}


def test_guesses_each_in_a_shell_come_after_thoughts_once() -> None:
    answer, others = known("A", "B", "C")
    shown = Demand(thoughts="eval")
    texts = {
        claim.kind: claim.text
        for claim in claims(answer, shown, others, "<eval>So.</eval>\n[[{}]]".format, random.Random(1))
    }
    assert texts[TAGGED].count("</eval>") == 1
    assert texts[TAGGED].count("[[") == 3


def test_a_number_with_the_same_digits_before_its_first_comma_is_tried() -> None:
    for text, longer in (("46,901", "46,901,730"), ("1'234.56", "1'234'730.56")):
        answer, _ = known(text)
        assert longer in {wrong.content for wrong in wrong_answers(answer, [], ())}


def test_all_sources_of_all_rows_are_the_guess_where_sources_are_cited() -> None:
    answer, others = known("[1][3]", "[2]", "[3][4]")
    [claim] = claims(answer, Demand(), others, str, random.Random(1))
    assert (claim.kind, claim.text) == (ALL_PARTS, "[1][2][3][4]")
