"""Policies unlike those of `tests.simulators.policy`: in start, in what they share, in what holds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from tests.simulators.policy import (
    ACTIONS,
    IN_FORM,
    LEVEL_OF,
    RIGHT,
    TRAITS,
    Floats,
    Ints,
    Learner,
    Policy,
    Rates,
    Setting,
    softmax,
    start,
)
from tests.simulators.third.chain import chain

FEATURES = 16
PULL = 0.2
"""Weight of the KL penalty against an advantage of 1."""
SPROUT = 0.2
"""What both factors of a slow skill start from: the product of 0.04 hides it from most of the run."""


class Anchored(Policy):
    """Held by a KL penalty near the policy that it started from."""

    def climb(self, prompts: Ints, slope: Floats, rate: float) -> None:
        """Along the slope less that of ``PULL * KL(policy, start)``."""
        now, before = self.logits(prompts), self.base[prompts]
        chance = softmax(now)
        apart = np.log(chance) - np.log(softmax(before))
        pull = chance * (apart - (chance * apart).sum(axis=1, keepdims=True))
        super().climb(prompts, slope - PULL * pull, rate)


@dataclass
class Collapsing(Policy):
    """Sharpens all its choices at once: what is sampled often soon is all that is sampled."""

    sharp: float = 1.0
    sharpening: float = 0.004

    def logits(self, prompts: Ints) -> Floats:
        """Those of the parts, all times what was learned about being sure."""
        return self.sharp * super().logits(prompts)

    def climb(self, prompts: Ints, slope: Floats, rate: float) -> None:
        """In the parts, and in how sure it is."""
        plain = self.logits(prompts) / self.sharp
        likely = softmax(self.sharp * plain) > 1e-9
        surer = float((slope * np.where(likely, plain, 0.0)).sum(axis=1).mean())
        super().climb(prompts, self.sharp * slope, rate)
        self.sharp = float(np.clip(self.sharp + self.sharpening * rate * surer * 10, 0.5, 6.0))


@dataclass
class Slow(Policy):
    """A skill that is the product of two factors: long nothing, then fast, then done."""

    pace: float = 0.05
    first: Floats = field(default_factory=lambda: np.full(TRAITS, SPROUT))
    second: Floats = field(default_factory=lambda: np.full(TRAITS, SPROUT))

    def climb(self, prompts: Ints, slope: Floats, rate: float) -> None:
        """Each factor moves as far as the other one lets it."""
        push = self.pace * rate / prompts.size * (self.traits[prompts].T @ (slope @ RIGHT))
        super().climb(prompts, slope, rate)
        self.first, self.second = self.first + push * self.second, self.second + push * self.first
        self.skill = self.first * self.second - SPROUT**2


@dataclass
class Featured(Policy):
    """Linear in features that topics share; only half of the prompts are taught, the others are counted."""

    features: Floats = field(default_factory=lambda: np.zeros((0, FEATURES)))
    learned: Floats = field(default_factory=lambda: np.zeros((FEATURES, ACTIONS)))
    pace: float = 0.35

    @property
    def taught(self) -> Ints:
        """The first half."""
        return np.arange(self.topic.size // 2)

    def logits(self, prompts: Ints) -> Floats:
        """Those of the parts, and what features add."""
        return super().logits(prompts) + self.features[prompts] @ self.learned

    def accuracy(self) -> float:
        """On the prompts that were never asked."""
        unseen = np.arange(self.topic.size // 2, self.topic.size)
        return float((self.chances(unseen) @ RIGHT).mean())

    def climb(self, prompts: Ints, slope: Floats, rate: float) -> None:
        """In the parts and in the features."""
        super().climb(prompts, slope, rate)
        self.learned += self.pace * rate / prompts.size * (self.features[prompts].T @ slope)


def anchored(setting: Setting, prompts: int, topics: int, rng: np.random.Generator) -> Learner:
    """Fast in the prompt's own part, and held back."""
    rates = Rates(own=0.25, skill=0.02, form=0.02, length=0.01, common=0.004)
    return Anchored(*start(setting, prompts, topics, rng), rates)


def collapsing(setting: Setting, prompts: int, topics: int, rng: np.random.Generator) -> Learner:
    """Too fast in most parts."""
    rates = Rates(own=0.20, common=0.02, topic=0.03, form=0.02, length=0.02)
    return Collapsing(*start(setting, prompts, topics, rng), rates)


def slow(setting: Setting, prompts: int, topics: int, rng: np.random.Generator) -> Learner:
    """A plateau first."""
    return Slow(*start(setting, prompts, topics, rng), Rates(own=0.01, form=0.01, length=0.01, common=0.002))


def transfer(setting: Setting, prompts: int, topics: int, rng: np.random.Generator) -> Learner:
    """Skills that carry over to prompts of the same topics, and between topics."""
    base, topic, traits = start(setting, 2 * prompts, topics, rng)
    shared = rng.normal(0.25, 1.0, (topics, FEATURES)) / np.sqrt(FEATURES)
    features = shared[topic] + rng.normal(0, 0.7, (2 * prompts, FEATURES)) / np.sqrt(FEATURES)
    return Featured(base, topic, traits, Rates(own=0.02, common=0.004, length=0.005), features=features)


def tools(setting: Setting, prompts: int, topics: int, rng: np.random.Generator) -> Learner:
    """Right nearly only with a call of the tool (the form that is asked for), which it makes too seldom."""
    without = replace(setting, other_form=setting.other_form - 1.5)
    base, topic, traits = start(without, prompts, topics, rng)
    base = base - 1.5 * IN_FORM + 0.3 * IN_FORM * (LEVEL_OF == 2)
    return Policy(base, topic, traits, Rates(own=0.02, skill=0.015, form=0.045, length=0.01, common=0.004))


Start = Callable[[Setting, int, int, np.random.Generator], Learner]
THIRD_FAMILIES: dict[str, Start] = {
    "anchored": anchored,
    "collapsing": collapsing,
    "slow": slow,
    "transfer": transfer,
    "tools": tools,
    "chain": chain,
}
