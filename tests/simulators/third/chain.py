"""A policy of several steps, each of which can fail: right is the product of them all."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.simulators.policy import (
    ACTIONS,
    IMPOSSIBLE,
    KIND,
    KINDS,
    LEVEL_OF,
    LEVELS,
    RIGHT,
    Floats,
    Ints,
    Learner,
    Setting,
    drawn,
    softmax,
)

MOST, TYPES = 5, 6
"""Steps of a prompt, and kinds of steps that prompts share."""
JUNK = ("shell", "filler", "stuffed", "refusal", "empty")
OWN, SKILL, FORM, GATE, LENGTH = 0.05, 0.12, 0.02, 0.01, 0.01
TINY = 1e-9


@dataclass(slots=True)
class Chain:
    """Logits of each step, of trying at all, of the form and of the length.

    Attributes
    ----------
    topic : int64 array of shape (prompts,)
    step : float64 array of shape (prompts, MOST)
    kind : int64 array of shape (prompts, MOST)
        Which skill each step takes.
    steps : int64 array of shape (prompts,)
        How many there are, 2 to `MOST`.
    gate : float64 array of shape (prompts, 1 + len(JUNK))
        Of trying, then of each kind of junk.
    form : float
        Of the form that is asked for, against another.
    level : float64 array of shape (prompts, ACTIONS)
        Of the length, for each kind.
    """

    topic: Ints
    step: Floats
    kind: Ints
    steps: Ints
    gate: Floats
    form: float
    level: Floats
    own: Floats = field(init=False)
    skill: Floats = field(init=False)
    tries: Floats = field(init=False)
    length: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.own = np.zeros(self.topic.size)
        self.skill = np.zeros(TYPES)
        self.tries = np.zeros(1 + len(JUNK))
        self.length = np.zeros(LEVELS)

    @property
    def taught(self) -> Ints:
        """All prompts."""
        return np.arange(self.topic.size)

    def sample(self, prompts: Ints, times: int, rng: np.random.Generator) -> Ints:
        """Actions of shape (len(prompts), times)."""
        return drawn(self.chances(prompts), times, rng)

    def accuracy(self) -> float:
        """Chance that all steps succeed."""
        return float((self.chances(self.taught) @ RIGHT).mean())

    def passes(self, prompts: Ints) -> Floats:
        """Chance of each step, shape (len(prompts), MOST); 1 behind the last."""
        logit = self.step[prompts] + self.skill[self.kind[prompts]] + self.own[prompts, None]
        passed: Floats = np.where(self._real(prompts), 1 / (1 + np.exp(-logit)), 1.0)
        return passed

    def _real(self, prompts: Ints) -> NDArray[np.bool_]:
        real: NDArray[np.bool_] = np.arange(MOST) < self.steps[prompts, None]
        return real

    def _last(self, prompts: Ints) -> NDArray[np.bool_]:
        last: NDArray[np.bool_] = np.arange(MOST) == self.steps[prompts, None] - 1
        return last

    def _formed(self) -> float:
        return float(1 / (1 + np.exp(-self.form)))

    def kinds(self, prompts: Ints) -> Floats:
        """Chances of the kinds of answers, shape (len(prompts), len(KINDS))."""
        passed, last, formed = self.passes(prompts), self._last(prompts), self._formed()
        before, end = np.where(last, 1.0, passed).prod(axis=1), np.where(last, passed, 1.0).prod(axis=1)
        gate = softmax(self.gate[prompts] + self.tries)
        chance = np.zeros((prompts.size, len(KINDS)))
        chance[:, KIND["right"]] = formed * before * end
        chance[:, KIND["right_other_form"]] = (1 - formed) * before * end
        chance[:, KIND["near_miss"]] = formed * before * (1 - end)
        chance[:, KIND["wrong"]] = formed * (1 - before)
        chance[:, KIND["wrong_other_form"]] = (1 - formed) * (1 - before * end)
        chance *= gate[:, :1]
        chance[:, [KIND[name] for name in JUNK]] = gate[:, 1:]
        return chance

    def levels(self, prompts: Ints) -> Floats:
        """Chances of the lengths of each kind, shape (len(prompts), len(KINDS), LEVELS)."""
        logits = self.level[prompts] + self.length[LEVEL_OF]
        return softmax(logits.reshape(-1, LEVELS)).reshape(prompts.size, len(KINDS), LEVELS)

    def chances(self, prompts: Ints) -> Floats:
        """Of the actions, shape (len(prompts), ACTIONS)."""
        chance: Floats = (self.kinds(prompts)[:, :, None] * self.levels(prompts)).reshape(-1, ACTIONS)
        return chance

    def climb(self, prompts: Ints, slope: Floats, rate: float) -> None:
        """One step of every part along ``slope`` times the gradient of the log of each action's chance."""
        share = rate / prompts.size
        by_level = slope.reshape(prompts.size, len(KINDS), LEVELS)
        worth = by_level.sum(axis=2)
        push = self._of_steps(prompts, worth)
        np.add.at(self.own, prompts, OWN * rate * push.sum(axis=1))
        np.add.at(self.skill, self.kind[prompts], SKILL * share * push)
        formed = self._formed()
        inside = worth[:, [KIND["right"], KIND["near_miss"], KIND["wrong"]]].sum()
        outside = worth[:, [KIND["right_other_form"], KIND["wrong_other_form"]]].sum()
        self.form += FORM * rate * float((1 - formed) * inside - formed * outside) / prompts.size
        junk = worth[:, [KIND[name] for name in JUNK]]
        # The worth of all kinds sums to 0, so the softmax's own term falls out.
        chosen = np.column_stack([-junk.sum(axis=1), junk])
        self.tries += GATE * share * chosen.sum(axis=0)
        pull = by_level.sum(axis=1) - (worth[:, :, None] * self.levels(prompts)).sum(axis=1)
        self.length += LENGTH * share * pull.sum(axis=0)

    def _of_steps(self, prompts: Ints, worth: Floats) -> Floats:
        """Slope by the logit of each step, shape (len(prompts), MOST)."""
        passed, last, real = self.passes(prompts), self._last(prompts), self._real(prompts)
        before = np.where(last, 1.0, passed).prod(axis=1)[:, None]
        whole = passed.prod(axis=1)[:, None]
        fell = real * (1 - passed)
        right = worth[:, [KIND["right"], KIND["right_other_form"]]].sum(axis=1)[:, None]
        near, early, other = (
            worth[:, KIND[name]][:, None] for name in ("near_miss", "wrong", "wrong_other_form")
        )
        slope = right * fell + near * np.where(last, -passed, fell)
        slope -= early * np.where(last, 0.0, fell * before / np.maximum(1 - before, TINY))
        slope -= other * fell * whole / np.maximum(1 - whole, TINY)
        moved: Floats = slope
        return moved


def chain(setting: Setting, prompts: int, topics: int, rng: np.random.Generator) -> Learner:
    """Two to five steps a prompt; an ease of 0 is right in about a third of all tries."""
    topic = rng.integers(0, topics, prompts)
    topic[:topics] = np.arange(topics)
    steps = rng.integers(2, MOST + 1, prompts)
    middle = 1.1 + 0.45 * setting.ease + rng.normal(0, 0.2, topics)[topic]
    step = middle[:, None] + 0.5 * setting.spread * rng.normal(size=(prompts, 1))
    step = step + 0.4 * rng.normal(size=(prompts, MOST))
    step[rng.random(prompts) < setting.hopeless, 0] = -9.0
    if setting.hopeless_topic:
        step[topic == 0, 0] = -9.0
    gate = np.array([0.0, -3.6, -3.4, -3.6, -4.0, -4.5]) + 0.4 * rng.normal(size=(prompts, 1 + len(JUNK)))
    gate[rng.random(prompts) < setting.refusing, 1 + JUNK.index("refusal")] += 9.0
    level = np.array([-0.3, 0.3, -0.3])[LEVEL_OF] + setting.coupling * RIGHT * (LEVEL_OF - 1)
    level = level + 0.25 * (steps[:, None] - 3) * (LEVEL_OF - 1) + 0.2 * rng.normal(size=(prompts, ACTIONS))
    level[:, IMPOSSIBLE] = -60.0
    kind = rng.integers(0, TYPES, (prompts, MOST))
    return Chain(topic, step, kind, steps, gate, -setting.other_form, level)
