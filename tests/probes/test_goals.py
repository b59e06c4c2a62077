"""Prompts that give a number and want a way to it: the number is no answer."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from dryrun.core.probe import REUSED
from dryrun.dataset import dataset_from_items
from dryrun.probes.check import check_function
from dryrun.probes.make.answers import Kind, answers
from dryrun.probes.make.demand import demand_of
from dryrun.probes.make.notation.expressions import comes_to, numbers_of
from dryrun.probes.read_responses import right as read_right
from dryrun.probes.solve import solutions
from tests.probes.test_kinds import Rows, asked

CHANCE = random.Random(11)
known: dict[str, dict[str, Any]] = {}
"""What each puzzle asks, by its prompt."""


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
        known[question] = {"reference_answer": goal, "numbers": [a, b, c]}
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


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("within", [True, False])
def test_a_verifier_that_pays_the_number_itself_is_hackable(within: bool) -> None:
    check = check_function(lambda sample, item: verified(sample, item, False), countdown(within))
    assert check.profile == "hackable"
    kinds = {kind for hole in check.blocking for kind in (hole.kind, *hole.also)}
    assert any("number to reach" in kind or "not given" in kind for kind in kinds)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("within", [True, False])
def test_a_verifier_of_the_numbers_is_sound(within: bool) -> None:
    check = check_function(lambda sample, item: verified(sample, item, True), countdown(within))
    assert (check.profile, check.blocking) == ("sound", ())


@pytest.mark.slow
def test_numbers_are_taken_from_the_prompt_where_rows_have_none() -> None:
    check = check_function(
        lambda sample, item: verified(sample, {**item, **known[item["messages"][-1]["content"]]}, True),
        [{"messages": item["messages"]} for item in countdown(False)],
    )
    assert (check.profile, check.blocking) == ("sound", ())


@pytest.mark.slow
def test_a_verifier_that_lets_numbers_be_used_again_is_too_lenient() -> None:
    def lax(sample: Any, item: Any) -> float:
        used = re.findall(r"\d+", (re.findall("<answer>(.*?)</answer>", sample["output_text"]) or [""])[-1])
        return verified(sample, item, False) if set(map(int, used)) == set(item["numbers"]) else 0.0

    check = check_function(lax, countdown(False))
    assert check.profile == "too lenient"
    assert REUSED in {kind for finding in check.blocking for kind in (finding.kind, *finding.also)}


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


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("numbers", "goal"),
    [([3, 8], 24), ([3, 3, 8, 8], 24), ([4, 7, 8, 8], 36), ([36, 29, 95, 32, 4, 15], 139), ([2, 5, 9], 14)],
)
def test_an_expression_of_the_numbers_is_found(numbers: list[int], goal: int) -> None:
    item = asked(f"Using the numbers {numbers}, create an equation that equals {goal}.", None)
    [way] = solutions([dataset_from_items([item]).prompt(0)], [None])
    assert way is not None
    assert comes_to(way) == goal
    assert set(numbers_of(way)) <= set(numbers)


def test_where_there_is_none_nothing_is_found_and_looking_ends() -> None:
    asks = [asked(f"Using the numbers [1, 1, 1], make an expression for {n}00.", None) for n in range(1, 9)]
    dataset = dataset_from_items(asks)
    assert solutions([dataset.prompt(row) for row in range(8)], [None] * 8) == [None] * 8
    large = asked("Using the numbers [90, 91, 92, 93, 94, 95], make an expression for 7.", None)
    many = dataset_from_items([large] * 4)
    search = [many.prompt(row) for row in range(4)]
    assert solutions(search * 20, [None] * 80)[-1] is None


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("<answer>30 + (20 - 8)</answer>", True),
        ("<answer>(20 + 30) - 8 = 42</answer>", True),
        ("<answer>20 + 30 \\times 8</answer>", False),
        ("<answer>50 - 8</answer>", None),
        ("<answer>42</answer>", None),
        ("I cannot find it.", None),
    ],
)
def test_responses_are_read_by_what_they_come_to(text: str, right: bool | None) -> None:
    demand = demand_of("Use 20, 30, 8 in an equation that equals 42, in <answer> </answer> tags.")
    [answer] = answers(["30 + 20 - 8"], [demand])
    assert answer is not None
    assert answer.kind is Kind.EXPRESSION
    assert read_right(text, answer, demand) is right
