"""Samples that are handed over together get the grades they would get alone, as soon as there is one."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from dryrun.core.records import Grade, GradeOutcome, Sample, SampleOutcome
from dryrun.graders import build, load_grader
from dryrun.graders.format.template import parse_template
from dryrun.graders.kinds.python_grader import PythonGrader
from dryrun.graders.kinds.text import LONG, ComparingGrader
from dryrun.graders.protocol import Grader
from tests.helpers.grading import python, sample, similarity, string_check

ITEM = {"reference_answer": "Paris"}
Pairs = list[tuple[Sample, dict[str, Any]]]
LENGTH = "def grade(sample, item):\n    return len(sample['output_text']) / len(item['reference_answer'])\n"
FORMULA = {
    "type": "multi",
    "name": "both",
    "graders": {"long": python(LENGTH), "same": string_check()},
    "calculate_output": "same + 0.5 * long",
}
GRADERS = {
    "python": python(LENGTH),
    "string_check": string_check(),
    "similarity": similarity("rouge_1"),
    "multi": FORMULA,
}


def together(grader: Grader, pairs: Pairs) -> list[tuple[int, Grade]]:
    """Places and grades in the order in which they came."""

    async def run() -> list[tuple[int, Grade]]:
        came: list[tuple[int, Grade]] = []
        async with grader:
            await grader.grade_each(pairs, lambda place, grade: came.append((place, grade)))
        return came

    return asyncio.run(run())


def alone(config: dict[str, Any], pairs: Pairs) -> list[Grade]:
    async def run() -> list[Grade]:
        async with build(load_grader(config)) as grader:
            return [await grader.grade(*pair) for pair in pairs]

    return asyncio.run(run())


def without_time(grades: list[Grade]) -> list[Grade]:
    return [grade._replace(seconds=0.0) for grade in grades]


@pytest.mark.parametrize("name", GRADERS)
def test_together_is_as_alone(name: str) -> None:
    """Among them a call that failed, an empty response, and a row that cannot fill the template."""
    failed = sample("", outcome=SampleOutcome.FAILED)
    pairs = [(sample(text), ITEM) for text in ("Paris", "Rome", "", "paris or Paris", "P" * 300)]
    pairs[2:2] = [(failed, ITEM), (sample("Paris"), {})]
    came = together(build(load_grader(GRADERS[name])), pairs)
    assert sorted(place for place, _ in came) == list(range(len(pairs)))
    assert without_time([grade for _, grade in sorted(came)]) == without_time(alone(GRADERS[name], pairs))
    assert came[[place for place, _ in came].index(2)][1].outcome is GradeOutcome.UNGRADED


def test_nothing_together_is_nothing() -> None:
    assert together(build(load_grader(GRADERS["multi"])), []) == []


def test_what_is_graded_does_not_wait_for_what_still_runs() -> None:
    """It can be written down: the last of the lot takes a minute, and nobody waits for it."""
    source = (
        "import time\n"
        "def grade(sample, item):\n"
        "    time.sleep(60 if sample['output_text'] == 'slow' else 0.02)\n"
        "    return 1.0\n"
    )

    async def run() -> set[int]:
        came: set[int] = set()
        half = asyncio.Event()

        def take(place: int, grade: Grade) -> None:
            came.add(place)
            if len(came) == 10:
                half.set()

        pairs: Pairs = [(sample(text), {}) for text in ["quick"] * 20 + ["slow"]]
        async with build(load_grader(python(source))) as grader:
            grading = asyncio.create_task(grader.grade_each(pairs, take))
            await asyncio.wait_for(half.wait(), 30)
            grading.cancel()
        return came

    assert 20 not in asyncio.run(run())


@pytest.mark.slow
def test_one_that_never_ends_does_not_hold_up_those_that_were_sent_with_it() -> None:
    """They have their grades long before its time is over."""
    source = (
        "def grade(sample, item):\n    while sample['output_text'] == 'loop':\n        pass\n    return 1.0\n"
    )

    async def run() -> set[int]:
        came: set[int] = set()
        three = asyncio.Event()

        def take(place: int, grade: Grade) -> None:
            came.add(place)
            if len(came) == 3:
                three.set()

        pairs: Pairs = [(sample(text), {}) for text in ("loop", "quick", "quick", "quick")]
        async with PythonGrader(source, 16.0, workers=2) as grader:
            await grader.grade(sample("a worker is up"), {})
            grading = asyncio.create_task(grader.grade_each(pairs, take))
            await asyncio.wait_for(three.wait(), 15)
            grading.cancel()
        return came

    assert asyncio.run(run()) == {1, 2, 3}


@pytest.mark.slow
def test_waiting_for_a_worker_is_not_counted_as_grading() -> None:
    source = "import time\ndef grade(sample, item):\n    time.sleep(0.01)\n    return 1.0\n"

    async def run() -> tuple[float, list[Grade]]:
        grades: list[Grade] = []
        async with PythonGrader(source, 60.0, workers=1) as grader:
            await grader.grade(sample("the worker is up"), {})
            start = time.perf_counter()
            await grader.grade_each([(sample("x"), {})] * 40, lambda _, grade: grades.append(grade))
            return time.perf_counter() - start, grades

    elapsed, grades = asyncio.run(run())
    assert 40 * 0.01 <= sum(grade.seconds for grade in grades) <= elapsed


def test_a_fault_of_who_asked_comes_back_to_him_and_the_worker_goes_on() -> None:
    async def run() -> float | None:
        def take(place: int, grade: Grade) -> None:
            raise OSError("the disk is full")

        async with build(load_grader(python(LENGTH))) as grader:
            with pytest.raises(OSError, match="the disk is full"):
                await grader.grade_each([(sample("a"), ITEM), (sample("b"), ITEM)], take)
            return (await grader.grade(sample("Paris"), ITEM)).reward

    assert asyncio.run(run()) == 1.0


def test_a_long_comparison_does_not_hold_up_the_event_loop() -> None:
    """Calls to the model wait on the same loop. The second comparison ends when the loop has said so."""
    said = threading.Event()

    def compare(given: str, reference: str) -> float:
        if given == "first":
            time.sleep(2 * LONG)
            return 0.0
        return float(said.wait(20))

    async def run() -> list[float | None]:
        rewards: list[float | None] = []
        given, reference = (
            parse_template(text) for text in ("{{sample.output_text}}", "{{item.reference_answer}}")
        )
        grader = ComparingGrader(given, reference, compare)
        pairs: Pairs = [(sample("first"), ITEM), (sample("second"), ITEM)]
        grading = asyncio.create_task(grader.grade_each(pairs, lambda _, grade: rewards.append(grade.reward)))
        await asyncio.sleep(0)  # the first is graded, and the second has begun
        said.set()
        await grading
        return rewards

    assert asyncio.run(run()) == [0.0, 1.0]


def test_after_one_long_comparison_quick_ones_need_no_thread_however_many_grade_at_once() -> None:
    aside: list[bool] = []

    def compare(given: str, reference: str) -> float:
        aside.append(threading.current_thread() is not threading.main_thread())
        if given == "first":
            time.sleep(2 * LONG)
        return 0.0

    async def run() -> None:
        given, reference = (
            parse_template(text) for text in ("{{sample.output_text}}", "{{item.reference_answer}}")
        )
        grader = ComparingGrader(given, reference, compare)
        lanes: list[Pairs] = [
            [(sample("first"), ITEM), *[(sample("next"), ITEM)] * 50],
            *([[(sample("next"), ITEM)] * 50] * 3),
        ]
        await asyncio.gather(*(grader.grade_each(lane, lambda *_: None) for lane in lanes))

    asyncio.run(run())
    assert len(aside) == 201
    assert aside.count(True) < 50, "a machine that stands still for a moment makes a comparison look long"
