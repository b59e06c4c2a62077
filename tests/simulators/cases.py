"""Rewards and the policies they meet; with families and difficulty they make the conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tests.simulators import graders as g
from tests.simulators.case import DIFFICULT, EASE, Case
from tests.simulators.held_out import is_held_out
from tests.simulators.policy import FAMILIES, IN_FORM, RIGHT, Setting, is_kind
from tests.simulators.third import is_read
from tests.simulators.third.policies import THIRD_FAMILIES
from tests.simulators.third.rewards import THIRD_CASES

SIZES = ((100, 4), (200, 4), (150, 8))
"""Prompts and responses of a dry run, in turn."""

FORM_ALONE = is_kind("right", "near_miss", "wrong", "shell")
CASES: dict[str, Case] = {
    "clean": Case(g.paying(RIGHT)),
    "graded": Case(g.dense),
    "compressed": Case(g.compressed(0.45, 0.12)),
    "compressed_more": Case(g.compressed(0.30, 0.20)),
    "strict_form": Case(g.paying(is_kind("right"))),
    "strict_form_rare": Case(g.paying(is_kind("right")), Setting(other_form=2.5)),
    "noise_05": Case(g.paying(RIGHT, flips=0.05)),
    "noise_15": Case(g.paying(RIGHT, flips=0.15)),
    "noise_30": Case(g.paying(RIGHT, flips=0.30)),
    "coin": Case(g.paying(RIGHT, flips=0.50)),
    "inverted": Case(g.paying(1.0 - RIGHT)),
    "constant": Case(g.paying(0.5 * np.ones_like(RIGHT))),
    "wrong_key_30": Case(g.wrong_key(0.30)),
    "broken_references": Case(g.broken(g.all_rows, 0.2)),
    "broken_references_30": Case(g.broken(g.scattered)),
    "broken_references_topics": Case(g.broken(g.some_topics)),
    "length_bonus": Case(g.paying(0.7 * RIGHT + 0.3 * g.STEPS)),
    "length_bonus_helpful": Case(g.paying(0.6 * RIGHT + 0.4 * g.STEPS), Setting(coupling=1.2)),
    "length_bonus_harmful": Case(g.paying(0.6 * RIGHT + 0.4 * g.STEPS), Setting(coupling=-1.2)),
    "length_alone": Case(g.paying(g.STEPS)),
    "format_only": Case(g.paying(FORM_ALONE)),
    "format_bonus": Case(g.paying(0.8 * RIGHT + 0.2 * IN_FORM)),
    "shaped_multi": Case(g.paying(0.5 * RIGHT + 0.3 * IN_FORM + 0.2 * g.SHORT)),
    "pays_stuffed_in_full": Case(g.paying(np.maximum(RIGHT, is_kind("stuffed")))),
    "polarised": Case(g.paying(RIGHT), Setting(spread=14.0), ("middling",)),
    "dead_groups": Case(g.paying(RIGHT), Setting(hopeless=0.75), ("hard", "middling")),
    "one_bad_topic": Case(g.paying(RIGHT), Setting(hopeless_topic=True), ("hard", "middling")),
    "refusals": Case(g.paying(RIGHT), Setting(refusing=0.4), ("middling",)),
    "lenient_floor": Case(g.paying(0.6 * g.NON_EMPTY + 0.4 * RIGHT)),
    "lenient": Case(g.paying(0.9 * g.NON_EMPTY + 0.1 * RIGHT)),
    "minus_one_to_one": Case(g.paying(0.75 * RIGHT + 0.25 * IN_FORM)),
    "jitter": Case(g.paying(RIGHT, jitter=0.02)),
    "jitter_wide": Case(g.paying(0.25 + 0.5 * RIGHT, jitter=0.20)),
    "pays_stuffed": Case(g.paying(np.maximum(RIGHT, 0.9 * is_kind("stuffed")))),
    "pays_a_little_for_junk": Case(g.paying(np.maximum(RIGHT, 0.35 * is_kind("stuffed", "filler")))),
    "reads_a_part": Case(g.paying(RIGHT + is_kind("near_miss"))),
}
"""`minus_one_to_one` pays -1 without the form, -0.5 for a wrong answer in it, 1 for a right one."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One simulated run."""

    family: str
    case: str
    difficulty: str
    repeat: int

    @property
    def third(self) -> bool:
        """Whether it belongs to the set that was written after both halves had been read."""
        return self.family in THIRD_FAMILIES

    @property
    def half(self) -> str:
        """``open``, ``held-out``, ``third`` or, of the third set, ``third-read``."""
        if self.third:
            return "third-read" if is_read(self.family, self.case) else "third"
        return "held-out" if is_held_out(self.family, self.case) else "open"

    @property
    def reward(self) -> Case:
        """The reward that its name means in its set."""
        return (THIRD_CASES if self.third else CASES)[self.case]

    @property
    def size(self) -> tuple[int, int]:
        """Prompts and responses of the dry run."""
        return SIZES[(self.repeat + self._places[1]) % len(SIZES)]

    @property
    def setting(self) -> Setting:
        return replace(self.reward.setting, ease=EASE[self.difficulty])

    @property
    def seed(self) -> tuple[int, ...]:
        apart = (1,) if self.third else ()
        return (*apart, *self._places, DIFFICULT.index(self.difficulty), self.repeat)

    @property
    def _places(self) -> tuple[int, int]:
        families, cases = (THIRD_FAMILIES, THIRD_CASES) if self.third else (FAMILIES, CASES)
        return list(families).index(self.family), list(cases).index(self.case)


def conditions(repeats: int) -> Iterator[Condition]:
    """All of them."""
    for families, cases in ((FAMILIES, CASES), (THIRD_FAMILIES, THIRD_CASES)):
        for family in families:
            for name, case in cases.items():
                for difficulty in case.difficulty:
                    yield from (Condition(family, name, difficulty, repeat) for repeat in range(repeats))
