"""Which number says that a response is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dryrun.analysis.observations import Observations
from dryrun.analysis.training.record import Outcome, choose_outcome, outcome_names
from dryrun.core.errors import DryRunError

REWARDS = np.array([[0.0, 0.4, 1.0]])


def seen(**parts: list[float]) -> Observations:
    return Observations.of(REWARDS, parts={name: [part] for name, part in parts.items()})


@pytest.mark.parametrize(
    ("parts", "name", "least"),
    [
        ({"score": [0.0, 0.4, 1.0], "acc": [0.0, 0.0, 1.0]}, "acc", 0.5),
        ({"format": [1.0, 1.0, 0.0], "is_correct": [-1.0, 1.0, 1.0]}, "is_correct", 0.0),
        ({"accuracy_reward": [0.1, 0.4, 0.9], "length": [0.5, 0.1, 0.2]}, "accuracy_reward", 0.5),
        ({"a": [0.0, 1.0, 1.0], "b": [0.1, 0.2, 0.3]}, "a", 0.5),
        ({"a": [0.3, 0.1, 0.0], "b": [0.1, 0.2, 0.3]}, "reward", 0.5),
        ({}, "reward", 0.5),
    ],
)
def test_the_outcome_is_guessed_with_a_reason(parts: dict[str, list[float]], name: str, least: float) -> None:
    found = choose_outcome(seen(**parts))
    assert (found.name, found.least, found.guessed) == (name, least, True)
    assert found.reason


def test_it_can_be_named_with_a_limit_or_without() -> None:
    observed = seen(a=[0.0, 1.0, 1.0], b=[0.1, 0.2, 0.3])
    assert choose_outcome(observed, "b").least == 0.5
    named = choose_outcome(observed, "b >= 0.2")
    assert named == Outcome("b", 0.2, "chosen by name", guessed=False)
    assert named.right(observed).tolist() == [0.0, 1.0, 1.0]
    assert choose_outcome(observed, named.words) == named
    assert choose_outcome(observed, "reward>=1").right(observed).tolist() == [0.0, 0.0, 1.0]


def test_a_limit_of_the_reward_is_on_the_graders_scale() -> None:
    observed = replace(seen(), reward_range=(-1.0, 1.0))
    assert choose_outcome(observed, "reward >= -0.2").right(observed).tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize(("written", "words"), [("c", "Name one of: a, reward"), ("a >= 1e", "not a number")])
def test_what_cannot_be_read_is_explained(written: str, words: str) -> None:
    with pytest.raises(DryRunError, match=words):
        choose_outcome(seen(a=[0.0, 1.0, 1.0]), written)


def test_parts_come_before_the_reward() -> None:
    assert outcome_names(seen(a=[0.0, 1.0, 1.0])) == ("a", "reward")
