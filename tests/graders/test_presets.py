"""The graders people begin with: right answers in any decent form earn the maximum, wrong ones nothing."""

from __future__ import annotations

from typing import Any

import pytest

from dryrun.graders import load_grader
from dryrun.graders.checks.platforms import Platform, check_platform
from dryrun.graders.format.presets import PRESETS
from tests.helpers.grading import grade


@pytest.mark.parametrize("name", PRESETS)
def test_each_loads_says_what_it_pays_for_and_trains_at_openai(name: str) -> None:
    summary, config = PRESETS[name]
    spec = load_grader(config)
    assert summary.endswith(".")
    assert spec.describe().startswith("Pays")
    assert check_platform(spec, [], Platform.AZURE) == []


REWARDS: list[tuple[str, Any, str, float]] = [
    ("Final answer", "Paris", "Paris", 1.0),
    ("Final answer", "Paris", "It is the capital, so\nAnswer: paris.", 1.0),
    ("Final answer", "Paris", "It is not Paris.\nAnswer: Rome", 0.0),
    ("Final answer", "Paris", "Paris or Rome or Oslo", 0.0),
    ("Final answer", "Paris", "", 0.0),
    ("Number within a tolerance", 42, "Answer: 42", 1.0),
    ("Number within a tolerance", "1,200", "1200.0", 1.0),
    ("Number within a tolerance", 100, "So it is\n**100.9**", 1.0),
    ("Number within a tolerance", 100, "104", 0.5),
    ("Number within a tolerance", 100, "110", 0.0),
    ("Number within a tolerance", 100, "1 2 3 100", 0.0),
    ("Number within a tolerance", 100, "Answer: 100 or 7", 0.0),
    ("Number within a tolerance", 100, "nan", 0.0),
    ("JSON fields, partial credit", {"a": 1, "b": "x"}, '{"a": 1, "b": "x"}', 1.0),
    ("JSON fields, partial credit", '{"a": 1, "b": "x"}', '{"b": "x", "a": 2}', 0.5),
    ("JSON fields, partial credit", {"a": 1, "b": "x"}, '{"a": 1, "c": 1, "d": 1}', 0.0),
    ("JSON fields, partial credit", {"a": 1}, "a is 1", 0.0),
    ("JSON fields, partial credit", {"a": 1}, "[1]", 0.0),
    ("Weighted", "abcd", "abcd", 1.0),
    ("Weighted", "abcd", "abcx", 0.15),
]


@pytest.mark.quick_cases(6)
@pytest.mark.parametrize(("name", "reference", "text", "reward"), REWARDS)
def test_what_they_pay(name: str, reference: Any, text: str, reward: float) -> None:
    found = grade(dict(PRESETS[name][1]), text, {"reference_answer": reference})
    assert found.reward == pytest.approx(reward), found
    assert not found.errors
