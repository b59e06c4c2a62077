"""multi: several graders and a formula."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dryrun.core.records import GradeOutcome
from dryrun.graders import load_grader
from dryrun.graders.format.formula import FormulaError, parse_formula
from tests.helpers.grading import grade, similarity, string_check

VALUES = {"a": 0.5, "b": 2.0, "min_score": 3.0}


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("a", 0.5),
        ("2 ^ 3", 8.0),
        ("2 ^ 3 ^ 2", 512.0),
        ("-2 ^ 2", -4.0),
        ("0.7 * a + 0.3 * b", 0.95),
        ("(a + b) / 2", 1.25),
        ("a - -b", 2.5),
        ("min(a, b, 0.1)", 0.1),
        ("max(a)", 0.5),
        ("abs(a - b)", 1.5),
        ("floor(b + a) + ceil(a)", 3.0),
        ("exp(log(b))", 2.0),
        ("sqrt(b ^ 2)", 2.0),
        ("min_score * 1e-1", 0.3),
        ("+.5", 0.5),
        (" a\n + b", 2.5),
        ("2 ^ -1 * a", 0.25),
        ("2 ^ -2 ^ a", 2.0 ** -(2.0**0.5)),
        (" + ".join(["a"] * 2_000), 1_000.0),
    ],
)
def test_formulas_mean_what_they_say(formula: str, value: float) -> None:
    assert parse_formula(formula).evaluate(VALUES) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    "formula", ["1 / (a - a)", "log(a - a)", "sqrt(-b)", "9 ^ 9 ^ 9", "exp(1e6)", "(-b) ^ a"]
)
def test_a_formula_without_a_finite_value_says_so_quickly(formula: str) -> None:
    with pytest.raises(FormulaError):
        parse_formula(formula).evaluate(VALUES)


@pytest.mark.parametrize(
    "formula",
    [
        *("", "a b", "a == b", "a % b", "2 ** 3", "[a]", "a.real", "a[0]", "'x'", "lambda: 1", "sum(a)"),
        *("(a", "a := 1", "a\\b", "min()", "abs(a, b)", "1" * 20_000, "(" * 5_000 + "a" + ")" * 5_000),
    ],
)
def test_what_is_not_arithmetic_is_refused(formula: str) -> None:
    with pytest.raises(FormulaError):
        parse_formula(formula)


@given(st.floats(-100, 100), st.floats(-100, 100))
def test_the_interval_holds_every_value(x: float, y: float) -> None:
    formula = parse_formula("0.5 * a - b ^ 2 + max(a, b)")
    low, high = formula.interval({"a": (min(x, 0), max(x, 0)), "b": (min(y, 0), max(y, 0))}) or (
        math.inf,
        -math.inf,
    )
    assert low - 1e-6 <= formula.evaluate({"a": x, "b": y}) <= high + 1e-6


def multi(formula: str) -> dict[str, Any]:
    graders = {"exact": string_check(), "close": similarity("fuzzy_match")}
    return {"type": "multi", "name": "m", "graders": graders, "calculate_output": formula}


def test_sub_rewards_stand_beside_the_reward() -> None:
    found = grade(multi("0.8 * exact + 0.2 * close"), "12", {"reference_answer": "11"})
    assert found.sub_rewards == {"exact": 0.0, "close": 0.5}
    assert found.reward == pytest.approx(0.1)


def test_a_reward_is_never_rescaled_or_clipped() -> None:
    assert grade(multi("10 * exact - 20"), "x", {"reference_answer": "x"}).reward == -10.0
    assert load_grader(multi("10 * exact - 20")).range == (-20.0, -10.0)


def test_a_formula_that_fails_on_a_sample_makes_zero_with_its_name() -> None:
    found = grade(multi("1 / exact"), "x", {"reference_answer": "y"})
    assert (found.outcome, found.reward) == (GradeOutcome.GRADED_ZERO, 0.0)
    assert "formula_parse_error" in found.errors


def test_a_sub_grader_that_fails_is_named() -> None:
    grader = multi("exact + close")
    grader["graders"]["exact"]["reference"] = "{{item.missing}}"
    found = grade(grader, "x", {"reference_answer": "x"})
    assert found.reward == 1.0
    assert found.errors["invalid_variable_error"].startswith("exact:")
