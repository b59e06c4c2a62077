"""Wrong answers to short texts and to texts of lines: what is surely wrong, and what may be just as right."""

from __future__ import annotations

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
