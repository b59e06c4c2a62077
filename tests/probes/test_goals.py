"""Prompts that give a number and want a way to it: the number is no answer."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from dryrun.probes.check import check_function
from dryrun.probes.make.demand import demand_of
from tests.probes.test_kinds import Rows, asked

CHANCE = random.Random(11)


def countdown(within: bool) -> Rows:
    made = []
    for _ in range(40):
        a, b, c = CHANCE.sample(range(20, 90), 3)
        goal = a + b - c if a > c else a + b + c
        question = (
            f"Using the numbers [{a}, {b}, {c}], create an equation that equals {goal}. Use each once. "
            "Think in <think> </think> tags and return the equation in <answer> </answer> tags, "
            "for example <answer>(1 + 2) / 3</answer>."
        )
        made.append(asked(question, {"target": goal, "numbers": [a, b, c]} if within else goal))
        made[-1]["numbers"] = [a, b, c]
    return made


def verified(sample: Any, item: Any, numbers_checked: bool) -> float:
    found = re.findall("<answer>(.*?)</answer>", sample["output_text"], re.S)
    wanted = item["reference_answer"]
    target = wanted["target"] if isinstance(wanted, dict) else wanted
    if not found or not re.fullmatch(r"[-+*/() 0-9]+", found[-1]):
        return 0.0
    if numbers_checked and sorted(map(int, re.findall(r"\d+", found[-1]))) != sorted(item["numbers"]):
        return 0.0
    try:
        return float(eval(found[-1], {"__builtins__": {}}) == target)
    except (SyntaxError, TypeError, ArithmeticError):
        return 0.0


@pytest.mark.parametrize("within", [True, False])
def test_a_verifier_that_pays_the_number_itself_is_hackable(within: bool) -> None:
    check = check_function(lambda sample, item: verified(sample, item, False), countdown(within))
    assert check.profile == "hackable"
    [hole] = check.blocking
    assert {"number to reach" in kind or "not given" in kind for kind in (hole.kind, *hole.also)} == {True}


@pytest.mark.parametrize("within", [True, False])
def test_a_verifier_of_the_numbers_is_not_convicted(within: bool) -> None:
    check = check_function(lambda sample, item: verified(sample, item, True), countdown(within))
    assert (check.profile, check.blocking) == ("unknown", ())
    assert "no right one could be made" in check.meaning


@pytest.mark.parametrize(
    ("prompt", "goal"),
    [
        ("Using the numbers [3, 8], create an equation that equals 24.", "24"),
        ("Find an arithmetic expression of 4, 7 and 8 that evaluates to 36.", "36"),
        ("Use 4 7 8 8 and basic operations (+ - * /) to obtain 24.", "24"),
        ("Calculate 139 using these numbers: 36, 29, 95. Give an arithmetic expression.", "139"),
        ("Numbers: 3 5 9. Target: 42. Write the expression.", "42"),
        ("What do 3 tickets make 12 euros each?", ""),
        ("Calculate 12 * 4 as one arithmetic step.", ""),
        ("Which number makes 7 * x equal to 42?", ""),
    ],
)
def test_the_number_to_reach_is_read_from_the_prompt(prompt: str, goal: str) -> None:
    assert demand_of(prompt).goal == goal


def test_where_the_answer_is_another_number_it_stays_one() -> None:
    items = [
        asked(f"Solve the equation: x plus {n} equals {n + 7 * n}. Give x.", 7 * n) for n in range(11, 51)
    ]
    check = check_function(
        lambda sample, item: float(
            (re.findall(r"\d+", sample["output_text"]) or [""])[-1] == str(item["reference_answer"])
        ),
        items,
    )
    assert check.profile == "sound", [finding.sentence for finding in check.findings]
