"""Forms as a prompt shows them, and decimals that a grader leaves out."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from dryrun.probes.check import check_function
from dryrun.probes.make.demand import demand_of
from tests.probes.test_kinds import Rows, asked

CHANCE = random.Random(5)
Grade = Callable[[Any, Any], float]


def products(demand: str) -> Rows:
    pairs = [(CHANCE.randint(11, 99), CHANCE.randint(11, 99)) for _ in range(40)]
    return [asked(f"Compute {a} by {b}. {demand}", str(a * b)) for a, b in pairs]


def prices(demand: str) -> Rows:
    pairs = [(CHANCE.randint(200, 4999) / 100, CHANCE.randint(2, 9)) for _ in range(40)]
    return [asked(f"One costs {a:.2f}. What do {b} cost? {demand}", f"{a * b:.2f}") for a, b in pairs]


def options(demand: str) -> Rows:
    made = []
    for number in range(40):
        words, place = CHANCE.sample(["anvil", "basin", "cable", "drill", "easel", "flask"], 6), number % 6
        listed = "\n".join(f"({letter}) {word}" for letter, word in zip("ABCDEF", words, strict=True))
        made.append(
            asked(f"Which is number {place + 1} of list {number}?\n{listed}\n{demand}", "ABCDEF"[place])
        )
    return made


def stars(demand: str) -> Rows:
    words = ["awful", "poor", "usual", "good", "great"]
    return [asked(f"Review {n}: it was {words[n * 7 % 5]}. {demand}", str(n * 7 % 5 + 1)) for n in range(40)]


def last(pattern: str) -> Grade:
    """Pays what stands last in the pattern's group."""

    def grade(sample: Any, item: Any) -> float:
        found = re.findall(pattern, sample["output_text"])
        return float(bool(found) and found[-1] == item["reference_answer"])

    return grade


def half_for_a_box(sample: Any, item: Any) -> float:
    found = re.findall(r"\\boxed\{([^{}]*)\}", sample["output_text"])
    return 0.5 * bool(found) + 0.5 * (bool(found) and found[-1] == item["reference_answer"])


def number(text: str) -> float | None:
    found = re.findall(r"-?\d[\d,]*\.?\d*", text)
    return float(found[-1].replace(",", "")) if found else None


def compared(alike: Callable[[float, float], bool]) -> Grade:
    def grade(sample: Any, item: Any) -> float:
        value = number(sample["output_text"])
        return float(value is not None and alike(value, float(item["reference_answer"])))

    return grade


SOUND: dict[str, tuple[Rows, Grade]] = {
    "a box in a formula": (products("Put the result in $\\boxed{answer}$."), last(r"\$\\boxed\{(\d+)\}\$")),
    "a letter in brackets": (options('Finish with "the answer is (X)".'), last(r"answer is \(([A-F])\)")),
    "half for a box that the prompt shows": (products("Put the result in \\boxed{}."), half_for_a_box),
    "a digit of a scale": (stars("Rate it from 1 to 5. Give the number only."), last(r"[1-5]")),
    "to the cent": (prices(""), compared(lambda value, wanted: abs(value - wanted) < 0.006)),
    "to a hundredth part": (prices(""), compared(lambda value, wanted: abs(value - wanted) <= 0.01 * wanted)),
    "whole numbers asked for": (
        prices("Give a whole number."),
        compared(lambda value, wanted: round(value) == round(wanted)),
    ),
}
LENIENT: dict[str, tuple[Rows, Grade]] = {
    "rounded": (prices(""), compared(lambda value, wanted: round(value) == round(wanted))),
    "cut off": (prices(""), compared(lambda value, wanted: int(value) == int(wanted))),
}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", SOUND)
def test_a_sound_grader_of_a_form_that_the_prompt_shows(name: str) -> None:
    items, grade = SOUND[name]
    check = check_function(grade, items)
    assert check.profile == "sound", [finding.sentence for finding in check.blocking]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", LENIENT)
def test_decimals_that_are_left_out_are_missed(name: str) -> None:
    items, grade = LENIENT[name]
    check = check_function(grade, items)
    assert check.profile == "too lenient"
    assert "where a nearer number is refused" in check.blocking[0].sentence


@pytest.mark.slow
def test_digits_that_no_prompt_names_are_read_whole() -> None:
    check = check_function(last(r"[1-5]"), stars("How many stars?"))
    assert check.profile == "too lenient"


@pytest.mark.slow
def test_another_digit_of_the_scale_is_still_wrong() -> None:
    def close(sample: Any, item: Any) -> float:
        found = re.findall(r"[1-5]", sample["output_text"])
        return float(bool(found) and abs(int(found[-1]) - int(item["reference_answer"])) < 2)

    check = check_function(close, stars("Rate it from 1 to 5. Give the number only."))
    kinds = {kind for finding in check.blocking for kind in (finding.kind, *finding.also)}
    assert {"off by one", "one less"} & kinds


@pytest.mark.parametrize(
    ("prompt", "scale"),
    [
        ("Rate it from 1 to 5.", "12345"),
        ("Answer with the index of the option, from 0 to 9.", "0123456789"),
        ("Give a score (1-5).", "12345"),
        ("Choose an integer between 1 and 4.", "1234"),
        ("What is 3 - 5?", ""),
        ("Rate it from 1 to 10.", ""),
        ("Take the number 7 - 9 = ?", ""),
        ("Between 3 and 12 there are how many primes?", ""),
    ],
)
def test_a_scale_is_read_from_the_prompt(prompt: str, scale: str) -> None:
    assert demand_of(prompt).digits == tuple(scale)


@pytest.mark.parametrize(
    ("prompt", "marker", "brackets"),
    [
        ('Finish with "The answer is (X)".', "The answer is", "()"),
        ("Say 'The answer is X'.", "The answer is", ""),
        ('End with "Therefore, the answer is: (LETTER)."', "Therefore, the answer is:", "()"),
        ("Write “The answer is (…)” at the end.", "The answer is", "()"),
        ('Write "The answer is [number]".', "The answer is", ""),
    ],
)
def test_brackets_around_the_place_of_the_answer_are_part_of_the_form(
    prompt: str, marker: str, brackets: str
) -> None:
    demand = demand_of(prompt)
    assert (demand.marker, demand.brackets) == (marker, brackets)


@pytest.mark.parametrize(
    ("turn", "profile"), [("{}", "sound"), ("The answer is {}.", "too strict"), (None, "too strict")]
)
def test_turns_with_bare_answers_ask_for_a_bare_answer(turn: str | None, profile: str) -> None:
    """What `string_check` with ``eq`` wants: prompts that show it are all that is needed."""
    rows = products("")
    if turn is not None:
        shown = [{"role": "user", "content": "Compute 2 by 4."}]
        shown.append({"role": "assistant", "content": turn.format(8)})
        rows = [{**row, "messages": [*shown, *row["messages"]]} for row in rows]

    def exact(sample: Any, item: Any) -> float:
        return float(sample["output_text"] == item["reference_answer"])

    assert check_function(exact, rows).profile == profile
