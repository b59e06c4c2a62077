"""A function in this process as a grader: errors and hangs are outcomes, never exceptions."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from dryrun.core.records import Grade, GradeOutcome
from dryrun.graders.trial import response
from dryrun.probes.function import FunctionGrader, _own_seconds


def graded(function: Callable[[Any, Any], Any], text: str = "hello", timeout: float = 0.3) -> Grade:
    async def once() -> Grade:
        async with FunctionGrader(function, timeout) as grader:
            return await grader.grade(response(text), {"reference_answer": "x"})

    return asyncio.run(once())


def test_a_number_is_the_reward() -> None:
    assert graded(lambda sample, item: len(sample["output_text"]) / 10).reward == 0.5
    assert graded(lambda sample, item: True).reward == 1.0


@pytest.mark.parametrize("value", [None, "1.0", float("nan"), float("inf"), [1]])
def test_anything_else_is_a_zero_with_its_reason(value: object) -> None:
    found = graded(lambda sample, item: value)
    assert (found.outcome, found.reward) == (GradeOutcome.GRADED_ZERO, 0.0)
    assert "grade returned" in str(found.errors)


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), RecursionError("deep"), MemoryError()])
def test_whatever_a_function_raises_is_an_outcome(error: BaseException) -> None:
    def leaves(sample: Any, item: Any) -> float:
        raise error

    found = graded(leaves)
    assert (found.outcome, found.reward) == (GradeOutcome.GRADED_ZERO, 0.0)
    assert type(error).__name__ in str(found.errors)


def test_an_error_is_told() -> None:
    assert "KeyError" in str(graded(lambda sample, item: item["nothing"]).errors)


@pytest.mark.slow
def test_a_pattern_that_hangs_is_stopped_even_by_code_that_catches_everything() -> None:
    def hangs(sample: Any, item: Any) -> float:
        try:
            return float(bool(re.match(r"^(a+)+$", "a" * 40 + "!")))
        except Exception:
            return 1.0

    found = graded(hangs)
    assert found.reward == 0.0
    assert "did not return within 0.3 seconds" in str(found.errors)


def test_a_function_that_leaves_alarms_of_its_own_is_stopped_and_the_callers_come_back() -> None:
    def handler(*_: Any) -> None:
        raise AssertionError("the caller's own alarm")

    def sleeps(sample: Any, item: Any) -> float:
        if sample["output_text"] == "sleep":
            time.sleep(600)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        return 1.0

    async def twice() -> list[float | None]:
        async with FunctionGrader(sleeps, 0.02) as grader:
            return [(await grader.grade(response(text), {})).reward for text in ("hello", "sleep")]

    before = signal.signal(signal.SIGALRM, handler)
    try:
        assert asyncio.run(twice()) == [1.0, 0.0]
        assert signal.getsignal(signal.SIGALRM) is handler
    finally:
        signal.signal(signal.SIGALRM, before)


def test_the_row_is_the_functions_own_copy() -> None:
    row = {"reference_answer": "x"}
    grader = FunctionGrader(lambda sample, item: float(item.pop("reference_answer") == "x"))
    asyncio.run(grader.grade(response(""), row))
    assert row == {"reference_answer": "x"}


def test_time_is_the_functions_own() -> None:
    assert _own_seconds(2.0, 0.5) == 0.5, "the machine was busy"
    assert _own_seconds(2.0, 0.01) == 2.0, "the function waited"
