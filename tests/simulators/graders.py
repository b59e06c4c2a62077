"""Graders for the kinds of answers: what each pays, how it errs, and what its references are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tests.simulators.policy import ACTIONS, KIND, LEVEL_OF, RIGHT, Floats, Ints, is_kind

PARTLY = 0.15 * is_kind("wrong") + 0.10 * is_kind("wrong_other_form", "stuffed")
GRADED = RIGHT + 0.55 * is_kind("near_miss") + PARTLY


@dataclass(frozen=True, slots=True)
class Grader:
    """What is paid.

    Attributes
    ----------
    pay : float64 array of shape (prompts, ACTIONS)
        On 0..1, before noise.
    key : int64 array of shape (prompts,)
        Kind of answer that the row's reference is.
    readable : bool array of shape (prompts,)
        Whether a reader could find the reference in a response.
    flips : float
        Chance that 1 minus the score is given.
    jitter : float
        Standard deviation of what is added to each grade.
    lost : float
        Chance that a grade is 0 whatever the response is: the grader ran out of time.
    """

    pay: Floats
    key: Ints
    readable: NDArray[np.bool_]
    flips: float = 0.0
    jitter: float = 0.0
    lost: float = 0.0

    def grade(self, prompts: Ints, actions: Ints, rng: np.random.Generator) -> Floats:
        """Scores of the shape that `prompts` and `actions` have together."""
        score = np.asarray(self.pay[prompts, actions])
        if self.flips:
            score = np.where(rng.random(score.shape) < self.flips, 1 - score, score)
        if self.jitter:
            score = np.clip(score + rng.normal(0, self.jitter, score.shape), 0, 1)
        if self.lost:
            score = np.where(rng.random(score.shape) < self.lost, 0.0, score)
        return np.round(score, 9)


Make = Callable[[Ints, np.random.Generator], Grader]


def paying(values: Floats, **error: float) -> Make:
    """A grader that pays every prompt's actions alike; `values` has shape (ACTIONS,)."""

    def make(topic: Ints, rng: np.random.Generator) -> Grader:
        count = topic.size
        pay = np.tile(values, (count, 1))
        key = np.full(count, KIND["right"], dtype=np.int64)
        return Grader(pay, key, np.ones(count, dtype=bool), **error)

    return make


def dense(topic: Ints, rng: np.random.Generator) -> Grader:
    """Partial credit that differs a little between answers of one kind."""
    plain = paying(GRADED)(topic, rng)
    return replace(plain, pay=np.clip(plain.pay * 0.94 + rng.normal(0, 0.05, plain.pay.shape), 0, 1))


def compressed(low: float, width: float) -> Make:
    """An honest grader that uses little of its scale."""

    def make(topic: Ints, rng: np.random.Generator) -> Grader:
        plain = dense(topic, rng)
        return replace(plain, pay=low + width * plain.pay)

    return make


def wrong_key(share: float) -> Make:
    """In some rows the near miss is the reference."""

    def make(topic: Ints, rng: np.random.Generator) -> Grader:
        plain = paying(RIGHT)(topic, rng)
        rows = rng.random(topic.size) < share
        pay = np.where(rows[:, None], is_kind("near_miss"), plain.pay)
        return replace(plain, pay=pay, key=np.where(rows, KIND["near_miss"], plain.key))

    return make


def broken(chosen: Callable[[Ints, np.random.Generator], NDArray[np.bool_]], surface: float = 0.0) -> Make:
    """References that nothing matches in some rows; `surface` is what chance likeness earns there."""

    def make(topic: Ints, rng: np.random.Generator) -> Grader:
        plain = paying(RIGHT)(topic, rng)
        rows = chosen(topic, rng)
        chance = surface * rng.random((topic.size, ACTIONS))
        return replace(plain, pay=np.where(rows[:, None], chance, plain.pay), readable=~rows)

    return make


def all_rows(topic: Ints, rng: np.random.Generator) -> NDArray[np.bool_]:
    return np.ones(topic.size, dtype=bool)


def scattered(topic: Ints, rng: np.random.Generator) -> NDArray[np.bool_]:
    return np.asarray(rng.random(topic.size) < 0.3)


def some_topics(topic: Ints, rng: np.random.Generator) -> NDArray[np.bool_]:
    return np.asarray(topic < 2)


SHORT = (LEVEL_OF == 0).astype(np.float64)
STEPS = LEVEL_OF / 2.0
NON_EMPTY = 1.0 - is_kind("empty")
