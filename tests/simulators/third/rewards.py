"""Rewards that people train on, and that neither half of `tests.simulators.cases` has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tests.simulators.case import Case
from tests.simulators.graders import NON_EMPTY, SHORT, STEPS, Grader, Make, paying
from tests.simulators.policy import ACTIONS, IN_FORM, KIND, LEVEL_OF, RIGHT, Floats, Ints, Setting, is_kind

NEAR, WRONG = is_kind("near_miss"), is_kind("wrong", "wrong_other_form")
TRIED = is_kind("right", "right_other_form", "near_miss", "wrong", "wrong_other_form")
NOT_LONG = (LEVEL_OF < 2).astype(np.float64)
TESTS = 5
"""Unit tests of a row."""

Change = Callable[[Floats, Ints, np.random.Generator], Floats]


def changed(values: Floats, change: Change, **error: float) -> Make:
    """`values`, and what the rows make of them; the change stays with the row and the action."""

    def make(topic: Ints, rng: np.random.Generator) -> Grader:
        plain = paying(values, **error)(topic, rng)
        return replace(plain, pay=np.clip(change(plain.pay, topic, rng), 0, 1))

    return make


def tests_passed(pay: Floats, topic: Ints, rng: np.random.Generator) -> Floats:
    """The share of unit tests that a program passes: some by chance."""
    chance = 0.75 * NEAR + 0.2 * WRONG + 0.1 * is_kind("stuffed")
    return np.where(RIGHT == 1, 1.0, rng.binomial(TESTS, np.tile(chance, (topic.size, 1))) / TESTS)


def where(share: float, actions: Floats, value: float) -> Change:
    """In this share of pairs of row and action, those of `actions` are paid `value`."""

    def change(pay: Floats, topic: Ints, rng: np.random.Generator) -> Floats:
        hit = rng.random(pay.shape) < share
        return np.where(hit & (actions == 1), value, pay)

    return change


def in_rows(share: float, actions: Floats) -> Change:
    """In this share of the rows all of `actions` are paid in full."""

    def change(pay: Floats, topic: Ints, rng: np.random.Generator) -> Floats:
        hit = rng.random((pay.shape[0], 1)) < share
        return np.where(hit & (actions == 1), 1.0, pay)

    return change


def taste(spread: float, steps: int = 0) -> Change:
    """A judge's taste, which stays with a response; `steps` are those of its scale."""

    def change(pay: Floats, topic: Ints, rng: np.random.Generator) -> Floats:
        tasted = np.clip(pay + rng.normal(0, spread, pay.shape), 0, 1)
        return np.round(tasted * steps) / steps if steps else tasted

    return change


def reward_model(pay: Floats, topic: Ints, rng: np.random.Generator) -> Floats:
    """A sigmoid of a hidden worth: noisy, with a level of its own for each prompt."""
    worth = 4 * (pay - 0.5) + rng.normal(0, 1.0, (topic.size, 1)) + rng.normal(0, 0.8, pay.shape)
    return 1 / (1 + np.exp(-worth))


def stale_key(share: float) -> Make:
    """In most rows the answer key is out of date: what was nearly right is the reference."""

    def make(topic: Ints, rng: np.random.Generator) -> Grader:
        plain = paying(RIGHT)(topic, rng)
        rows: NDArray[np.bool_] = rng.random(topic.size) < share
        pay = np.where(rows[:, None], NEAR, plain.pay)
        return replace(plain, pay=pay, key=np.where(rows, KIND["near_miss"], plain.key))

    return make


QUALITY = RIGHT + 0.6 * NEAR + 0.3 * WRONG + 0.1 * is_kind("shell", "filler", "stuffed")
STYLE = 0.4 * TRIED + 0.2 * IN_FORM + 0.3 * STEPS
LIKE = (
    is_kind("right")
    + 0.6 * is_kind("right_other_form")
    + 0.75 * NEAR
    + 0.45 * is_kind("wrong")
    + 0.3 * is_kind("wrong_other_form", "stuffed")
    + 0.1 * is_kind("filler", "shell")
)
RUBRIC = (RIGHT + np.maximum(RIGHT, NEAR) + IN_FORM + TRIED) / 4
RUBRIC_OF_FORM = (RIGHT + 2 * IN_FORM + TRIED + NOT_LONG + NON_EMPTY) / 6
TAGS = (2.0 * is_kind("right") + 1.0 * IN_FORM + 0.5 * np.maximum(RIGHT, np.maximum(NEAR, WRONG))) / 3.5
HEDGE = Setting(other_form=0.5)

THIRD_CASES: dict[str, Case] = {
    "plus_minus_one": Case(paying(RIGHT)),
    "tests_passed": Case(changed(np.zeros(ACTIONS), tests_passed)),
    "tests_all": Case(changed(RIGHT, in_rows(0.25, NEAR))),
    "tests_special_cased": Case(changed(RIGHT, in_rows(0.5, is_kind("stuffed")))),
    "outcome_and_format": Case(paying(0.5 * RIGHT + 0.5 * IN_FORM)),
    "tags_and_more": Case(paying(TAGS), HEDGE),
    "length_cost": Case(paying(0.75 * RIGHT + 0.25 * (1 - STEPS) * NON_EMPTY)),
    "length_cost_gated": Case(paying(RIGHT * (1 - 0.4 * STEPS))),
    "length_cost_that_harms": Case(
        paying(0.75 * RIGHT + 0.25 * (1 - STEPS) * NON_EMPTY), Setting(coupling=1.2)
    ),
    "overlong": Case(paying(RIGHT / 1.5 + NOT_LONG * NON_EMPTY / 3), Setting(coupling=0.8)),
    "shorter_is_better": Case(paying(0.2 * RIGHT + 0.8 * SHORT * NON_EMPTY)),
    "judge_of_ten": Case(changed(QUALITY, taste(0.12, 10), jitter=0.08), judged=True),
    "judge_of_verbosity": Case(
        changed(0.5 * QUALITY + 0.5 * STEPS, taste(0.1, 10), jitter=0.05), judged=True
    ),
    "judge_of_style": Case(changed(STYLE + 0.1 * RIGHT, taste(0.1, 10), jitter=0.05), judged=True),
    "judge_flattered": Case(
        changed(np.maximum(QUALITY, 0.8 * is_kind("stuffed")), taste(0.1, 10), jitter=0.05), judged=True
    ),
    "judge_wavering": Case(changed(0.3 + 0.4 * QUALITY, taste(0.05), jitter=0.25), judged=True),
    "reward_model": Case(changed(QUALITY, reward_model)),
    "rubric": Case(paying(RUBRIC)),
    "rubric_of_form": Case(paying(RUBRIC_OF_FORM)),
    "verifier_misses": Case(changed(RIGHT, where(0.3, RIGHT, 0.0))),
    "verifier_misses_most": Case(changed(RIGHT, where(0.7, RIGHT, 0.0))),
    "verifier_fooled": Case(changed(RIGHT, where(0.25, np.maximum(NEAR, WRONG), 1.0))),
    "times_out": Case(paying(RIGHT, lost=0.25)),
    "call_paid": Case(paying(0.6 * RIGHT + 0.4 * IN_FORM)),
    "call_required": Case(paying(is_kind("right")), HEDGE),
    "likeness": Case(changed(LIKE, taste(0.05))),
    "progress": Case(paying(RIGHT + 0.66 * NEAR + 0.33 * is_kind("wrong", "wrong_other_form"))),
    "out_of_reach": Case(paying(RIGHT), Setting(ease=0.0, spread=5.0, hopeless=0.5), ("hard", "middling")),
    "stale_key": Case(stale_key(0.6)),
    "refuses_some": Case(paying(RIGHT), Setting(refusing=0.2)),
}
"""`plus_minus_one` pays -1 and 1; `tags_and_more` a sum of up to 2 for the answer and 1.5 for form."""
