"""Reference answers with a decimal comma are numbers, and lists of numbers stay lists."""

from __future__ import annotations

import pytest

from dryrun.core.probe import FAR
from dryrun.probes.make.answers import Kind, answers, mentions, same
from dryrun.probes.make.demand import Demand, demand_of
from dryrun.probes.make.notation.decimal_comma import with_points
from dryrun.probes.make.wrong import wrong_answers
from dryrun.probes.read_responses import right
from tests.probes.test_kinds import REFERENCE, Rows, asked, checked, compared

GERMAN = """
def value(given):
    found = re.findall(r"-?[0-9][0-9.]*(?:,[0-9]+)?", given)
    return float(found[-1].rstrip(".").replace(".", "").replace(",", ".")) if found else None
"""
LOST = GERMAN.replace('replace(",", ".")', 'replace(",", "")')


def written(cents: int) -> str:
    return f"{cents // 100:,}".replace(",", ".") + f",{cents % 100:02}"


def prices(demand: str = "") -> Rows:
    pairs = [(n, 137 * n % 400 + 15) for n in range(3, 43)]
    return [
        asked(f"{a} Brote kosten je {b // 100},{b % 100:02} Euro. Was kosten alle? {demand}", written(a * b))
        for a, b in pairs
    ]


@pytest.mark.slow
def test_prices_with_a_decimal_comma_have_a_sound_grader() -> None:
    check = checked(prices(), compared("value(text)", f"value({REFERENCE})", GERMAN))
    assert check.profile == "sound", [finding.sentence for finding in check.findings]


@pytest.mark.slow
def test_a_grader_that_drops_the_comma_is_too_lenient() -> None:
    check = checked(prices(), compared("value(text)", f"value({REFERENCE})", LOST))
    assert check.profile == "too lenient"
    kinds = {kind for finding in check.blocking for kind in (finding.kind, *finding.also)}
    assert "ten times it" in kinds


@pytest.mark.slow
def test_a_grader_of_what_stands_before_the_comma_is_too_lenient() -> None:
    whole = compared("(re.findall(r'[0-9.]+', text) or [''])[0]", f"{REFERENCE}.split(',')[0]")
    assert checked(prices("Nur die Zahl."), whole).profile == "too lenient"


@pytest.mark.parametrize(
    ("texts", "prompt"),
    [
        (["12,34", "7,05", "800,00"], "What is it?"),
        (["1.234,56", "12,34", "8"], "What is it?"),
        (["1 234,5", "12,3", "8"], "What is it?"),
        (["3,5", "2,75", "4"], "Ein Brot kostet 1,20 Euro."),
        (["3,5 km", "2,75 km", "4 km"], "Auf zwei Nachkommastellen."),
    ],
)
def test_a_column_with_decimal_commas_holds_numbers(texts: list[str], prompt: str) -> None:
    kinds = {answer.kind for answer in answers(texts, [demand_of(prompt)] * 3) if answer}
    assert kinds <= {Kind.NUMBER, Kind.QUANTITY}


@pytest.mark.parametrize(
    ("texts", "prompt"),
    [
        (["3,5", "2,7", "11,13"], "Which two primes are factors?"),
        (["3,5", "2,7", "11,13"], "The points are (1,5) and (5,5). What is the midpoint?"),
        (["3,5,8", "2,7,9", "11,13,20"], "Sort 1,5,3."),
        (["3, 5", "2, 7", "11, 13"], "Ein Brot kostet 1,20 Euro."),
    ],
)
def test_a_column_of_pairs_holds_lists(texts: list[str], prompt: str) -> None:
    assert {answer.kind for answer in answers(texts, [demand_of(prompt)] * 3) if answer} == {Kind.LIST}


def test_thousands_in_english_stay_numbers() -> None:
    known = answers(["1,234", "12,500", "7"], [Demand(comma=True)] * 3)
    assert [answer.value for answer in known if answer] == [1234.0, 12500.0, 7.0]


def test_numbers_in_a_text_are_read_and_written_alike() -> None:
    assert with_points("12,34, 1.234,56 und 1 234,5 oder 3.14") == "12.34, 1234.56 und 1234.5 oder 3.14"
    answer, other = answers(["1.234,56", "12,05"], [Demand()] * 2)
    assert answer is not None
    assert other is not None
    assert same(answer, "1234,56")
    assert same(answer, "1234.56")
    assert not same(answer, "1,23456")
    assert mentions("Das sind 1234,56 Euro.", answer)
    assert right("Alle kosten 1.234,56 Euro.", answer, Demand()) is True
    assert right("Alle kosten 987,65 Euro.", answer, Demand()) is False
    wrong = wrong_answers(answer, [other], [])
    assert wrong[0].kind == FAR
    assert not [one.content for one in wrong if "." in one.content]
