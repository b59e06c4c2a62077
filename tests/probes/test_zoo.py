"""The zoo: every planted fault is found and named, and no sound grader alarms."""

from __future__ import annotations

import inspect
from functools import cache

import pytest

from dryrun import check_function
from dryrun.probes.result import GraderCheck
from tests.probes.zoo.defective import DEFECTIVE
from tests.probes.zoo.defective import Grade as Function
from tests.probes.zoo.rows import DATASETS, Rows
from tests.probes.zoo.sound import SOUND

pytestmark = [
    pytest.mark.slow,
    # A grader of the zoo takes responses for patterns, and some of them look like sets within sets.
    pytest.mark.filterwarnings("ignore:Possible (nested set|set difference):FutureWarning"),
]

# The seconds a check takes are no part of the test: the limit only keeps graders that hang from hanging it.
# A slow one takes all the seconds it is given, and is found by the first text that takes too many of them.
SECONDS, TIMEOUT = 20.0, 1.0
FOR_SLOW_ONES = 2.0, 0.1


@cache
def rows_of(dataset: str) -> Rows:
    return DATASETS[dataset]()


def checked(dataset: str, grade: Function, sampled: bool = True, slow: bool = False) -> GraderCheck:
    rows, samples = rows_of(dataset)
    source = inspect.getsource(grade)
    real = samples if sampled else None
    seconds, timeout = FOR_SLOW_ONES if slow else (SECONDS, TIMEOUT)
    return check_function(grade, rows, samples=real, source=source, seconds=seconds, timeout=timeout)


def name(value: object) -> str:
    return getattr(value, "__name__", str(value) if isinstance(value, str) else "")


def told(check: GraderCheck) -> list[str]:
    return [f"{finding.flaw}: {finding.sentence} {finding.text[:80]!r}" for finding in check.blocking]


@pytest.mark.parametrize(("dataset", "grade"), SOUND, ids=name)
def test_a_sound_grader_passes(dataset: str, grade: Function) -> None:
    check = checked(dataset, grade)
    assert check.profile == "sound", told(check)
    assert check.ceiling is not None
    assert check.ceiling > 0.99


@pytest.mark.parametrize(("dataset", "grade"), SOUND[::3], ids=name)
def test_a_sound_grader_passes_where_there_are_no_responses(dataset: str, grade: Function) -> None:
    check = checked(dataset, grade, sampled=False)
    assert check.profile == "sound", told(check)
    assert "real responses: none were at hand" in check.missing


@pytest.mark.parametrize(("dataset", "grade", "classes"), DEFECTIVE, ids=name)
def test_a_planted_fault_is_found_and_named(dataset: str, grade: Function, classes: set[str]) -> None:
    check = checked(dataset, grade, slow="slow" in classes)
    assert not check.sound
    assert {finding.flaw for finding in check.blocking} & classes, told(check)
    assert all(finding.fix for finding in check.findings)
    assert any(finding.repro for finding in check.blocking)


def test_the_zoo_is_large_enough_to_mean_something() -> None:
    assert len({grade for _, grade in SOUND}) >= 20
    assert len({grade for _, grade, _ in DEFECTIVE}) >= 25
