"""A policy over kinds of answers: for each prompt a softmax, with parts that prompts share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS = (
    "right",
    "right_other_form",
    "near_miss",
    "wrong",
    "wrong_other_form",
    "shell",
    "filler",
    "stuffed",
    "refusal",
    "empty",
)
KIND = {name: number for number, name in enumerate(KINDS)}
LEVELS = 3
"""Lengths: short, middling, long."""
ACTIONS = len(KINDS) * LEVELS
KIND_OF = np.repeat(np.arange(len(KINDS)), LEVELS)
LEVEL_OF = np.tile(np.arange(LEVELS), len(KINDS))


def is_kind(*names: str) -> Floats:
    """1 for the actions of these kinds, 0 for others; shape (ACTIONS,)."""
    return np.isin(KIND_OF, [KIND[name] for name in names]).astype(np.float64)


RIGHT = is_kind("right", "right_other_form")
IN_FORM = is_kind("right", "near_miss", "wrong", "shell")
IMPOSSIBLE = (is_kind("filler") * (LEVEL_OF < 2) + is_kind("refusal", "empty") * (LEVEL_OF > 0)) > 0
TRAITS = 4
NEVER = -60.0


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast each part of a policy learns; 0 where a family does not have it."""

    own: float = 0.0
    common: float = 0.0
    topic: float = 0.0
    skill: float = 0.0
    form: float = 0.0
    length: float = 0.0


FAMILIES = {
    "bandits": Rates(own=0.40),
    "skill": Rates(own=0.03, skill=0.030, common=0.006),
    "skill_and_form": Rates(own=0.02, skill=0.025, form=0.025, common=0.004),
    "length": Rates(own=0.03, skill=0.020, length=0.030, common=0.004),
    "topics": Rates(own=0.10, topic=0.15, common=0.020),
    "mixture": Rates(own=0.08, common=0.015, topic=0.02, skill=0.015, form=0.010, length=0.010),
}
"""What prompts share. Rates were set so that a clean grader moves a middling policy by .1 to .5."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a policy starts from.

    Attributes
    ----------
    ease : float
        Logit of a right answer against a wrong one, on average.
    spread : float
        Its standard deviation over prompts.
    other_form : float
        Logit of right answers in another form against the form that was asked for.
    coupling : float
        What one step of length adds to the logit of a right answer.
    hopeless : float
        Share of prompts of which the policy has no right answer.
    hopeless_topic : bool
        All prompts of one topic are such.
    refusing : float
        Share of prompts that are nearly always refused.
    """

    ease: float = 0.0
    spread: float = 1.2
    other_form: float = -1.0
    coupling: float = 0.0
    hopeless: float = 0.0
    hopeless_topic: bool = False
    refusing: float = 0.0


class Learner(Protocol):
    """What can be asked, and trained by GRPO."""

    @property
    def topic(self) -> Ints:
        """Of each prompt."""
        ...

    @property
    def taught(self) -> Ints:
        """The prompts that are asked in training and before it."""
        ...

    def sample(self, prompts: Ints, times: int, rng: np.random.Generator) -> Ints:
        """Actions of shape (len(prompts), times)."""
        ...

    def accuracy(self) -> float:
        """Exact chance of a right answer in any form, averaged over the prompts that it is meant for."""
        ...

    def climb(self, prompts: Ints, slope: Floats, rate: float) -> None:
        """One step along `slope`, what each action of each of these prompts is worth; rows sum to 0."""
        ...


def softmax(logits: Floats) -> Floats:
    """Chances of shape (prompts, actions)."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances: Floats = odds / odds.sum(axis=1, keepdims=True)
    return chances


def drawn(chances: Floats, times: int, rng: np.random.Generator) -> Ints:
    """Actions of shape (prompts, times)."""
    ladder = np.cumsum(chances, axis=1)
    at = rng.random((chances.shape[0], times, 1)) * ladder[:, None, -1:]
    actions: Ints = (at > ladder[:, None, :]).sum(axis=2).clip(0, ACTIONS - 1).astype(np.int64)
    return actions


@dataclass(slots=True)
class Policy:
    """Logits of shape (prompts, ACTIONS): what it starts from, and what it learned on top."""

    base: Floats
    topic: Ints
    traits: Floats
    rates: Rates
    own: Floats = field(init=False)
    common: Floats = field(init=False)
    by_topic: Floats = field(init=False)
    skill: Floats = field(init=False)
    form: float = 0.0
    length: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.own = np.zeros_like(self.base)
        self.common = np.zeros(ACTIONS)
        self.by_topic = np.zeros((int(self.topic.max()) + 1, ACTIONS))
        self.skill = np.zeros(TRAITS)
        self.length = np.zeros(LEVELS)

    @property
    def taught(self) -> Ints:
        """The prompts that are asked in training and before it."""
        return np.arange(self.topic.size)

    def logits(self, prompts: Ints) -> Floats:
        """Of the actions, shape (len(prompts), ACTIONS)."""
        logits: Floats = (
            self.base[prompts] + self.own[prompts] + self.common + self.by_topic[self.topic[prompts]]
        )
        logits = logits + (self.traits[prompts] @ self.skill)[:, None] * RIGHT
        return logits + self.form * IN_FORM + self.length[LEVEL_OF]

    def chances(self, prompts: Ints) -> Floats:
        """Probabilities of the actions, shape (len(prompts), ACTIONS)."""
        return softmax(self.logits(prompts))

    def sample(self, prompts: Ints, times: int, rng: np.random.Generator) -> Ints:
        """Actions of shape (len(prompts), times)."""
        return drawn(self.chances(prompts), times, rng)

    def accuracy(self) -> float:
        """Exact chance of a right answer in any form, averaged over all prompts."""
        return float((self.chances(np.arange(self.topic.size)) @ RIGHT).mean())

    def climb(self, prompts: Ints, slope: Floats, rate: float) -> None:
        """One step along `slope`, the gradient by the logits of these prompts, in every part."""
        rates, share = self.rates, rate / prompts.size
        np.add.at(self.own, prompts, rate * rates.own * slope)
        self.common += rates.common * rate * slope.mean(axis=0)
        np.add.at(self.by_topic, self.topic[prompts], rates.topic * share * slope)
        self.skill += rates.skill * share * (self.traits[prompts].T @ (slope @ RIGHT))
        self.form += rates.form * share * float((slope @ IN_FORM).sum())
        for level in range(LEVELS):
            self.length[level] += rates.length * share * float(slope[:, level == LEVEL_OF].sum())


def untrained(family: str, setting: Setting, prompts: int, topics: int, rng: np.random.Generator) -> Policy:
    """A policy of one of `FAMILIES` as it is before training."""
    return Policy(*start(setting, prompts, topics, rng), FAMILIES[family])


def start(
    setting: Setting, prompts: int, topics: int, rng: np.random.Generator
) -> tuple[Floats, Ints, Floats]:
    """Logits, topics and traits of prompts that nothing was learned about yet."""
    topic = rng.integers(0, topics, prompts)
    topic[:topics] = np.arange(topics)
    shift = rng.normal(0, 0.4, topics)
    right = setting.ease + shift[topic] + setting.spread * rng.normal(size=prompts)
    right[rng.random(prompts) < setting.hopeless] = -9.0
    if setting.hopeless_topic:
        right[topic == 0] = -9.0
    usual = {"near_miss": -0.3, "wrong": 0.3, "wrong_other_form": -0.7, "shell": -3.0, "filler": -2.5}
    usual |= {"stuffed": -3.0, "refusal": -3.0, "empty": -3.5}
    logits = np.zeros((prompts, len(KINDS)))
    logits[:, KIND["right"]] = right
    logits[:, KIND["right_other_form"]] = right + setting.other_form
    for name, value in usual.items():
        logits[:, KIND[name]] = value + 0.5 * rng.normal(size=prompts)
    logits[rng.random(prompts) < setting.refusing, KIND["refusal"]] += 9.0
    by_level = np.array([-0.4, 0.3, -0.4])[LEVEL_OF] + setting.coupling * RIGHT * (LEVEL_OF - 1)
    base = logits[:, KIND_OF] + by_level + 0.2 * rng.normal(size=(prompts, ACTIONS))
    base[:, IMPOSSIBLE] = NEVER
    traits = rng.normal(0.7, 0.6, (prompts, TRAITS)) / np.sqrt(TRAITS) * 2
    return base, topic, traits
