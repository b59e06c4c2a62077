"""The conditions of the study, fixed in `conditions.json` before any of them was run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("conditions.json")
MIDDLE = 2
"""The skill, of 0..4, at which graders other than the clean one are tried."""
CLEAN_TASKS = ("all", "add", "rev", "count", "next")
KINDS = (
    *("strict_form", "first_number", "part", "substring", "length_helpful", "length_harmful"),
    *("format_only", "shaped_multi", "constant", "coin_15", "coin_50", "inverted", "wrong_key_30"),
    *("broken_30", "lenient_floor", "compressed", "jitter", "polarised", "bad_topic", "dead_groups"),
    *("copies", "echo_paid"),
)
FAULT_TASKS = ("all", "numbers")
SEEDS = (1, 2, 3)
UNSCALED = ("clean", "compressed", "jitter", "length_harmful", "lenient_floor")
"""On these, at middle skill and both sets of tasks, the variant without division by the spread is run too."""
SEED = 20261128


@dataclass(frozen=True, slots=True)
class Condition:
    """A policy, its tasks and its grader.

    Attributes
    ----------
    kind : str
        The grader, or what is wrong with the rows.
    tasks : str
        A name of `tasks.MIXES`.
    skill : int
        Of the five checkpoints, 0 the weakest.
    held_out : bool
        Whether it is looked at only once, at the end.
    unscaled : bool
        Whether the variant without division by the spread is run too.
    """

    kind: str
    tasks: str
    skill: int
    held_out: bool
    unscaled: bool

    @property
    def name(self) -> str:
        return f"{self.kind}.{self.tasks}.{self.skill}"


def _all() -> list[tuple[str, str, int]]:
    clean = [("clean", tasks, skill) for tasks in CLEAN_TASKS for skill in range(5)]
    clean.append(("clean", "numbers", MIDDLE))
    return [*clean, *((kind, tasks, MIDDLE) for kind in KINDS for tasks in FAULT_TASKS)]


def drawn() -> Iterator[Condition]:
    """The conditions with their halves: of each kind's half, by a seeded draw.

    A faulty kind has two conditions, one in each half; of the clean ones every other in a random order.
    """
    rng, listed = np.random.default_rng(SEED), _all()
    apart: set[tuple[str, str, int]] = set()
    for kind in ("clean", *KINDS):
        own = [one for one in listed if one[0] == kind]
        apart.update(own[place] for place in rng.permutation(len(own))[: len(own) // 2])
    for kind, tasks, skill in listed:
        unscaled = kind in UNSCALED and tasks in FAULT_TASKS and skill == MIDDLE
        yield Condition(kind, tasks, skill, (kind, tasks, skill) in apart, unscaled)


def conditions(path: Path = FILE) -> list[Condition]:
    """The committed conditions."""
    return [Condition(**entry) for entry in json.loads(path.read_text("utf-8"))["conditions"]]


def runs(chosen: list[Condition]) -> Iterator[tuple[Condition, int, bool]]:
    """Condition, seed, and whether advantages are scaled: the first seed of all, then the second.

    The order of conditions is a fixed random one, so that a study that is cut short has some of each.
    """
    order = np.random.default_rng(SEED).permutation(len(chosen)).tolist()
    for seed in SEEDS:
        yield from ((chosen[place], seed, True) for place in order)
        yield from ((chosen[place], seed, False) for place in order if chosen[place].unscaled)


def as_json(chosen: list[Condition], **settings: Any) -> str:
    """The file's text: one condition a line."""
    lines = ",\n  ".join(
        json.dumps({name: getattr(one, name) for name in Condition.__slots__}) for one in chosen
    )
    return f'{{\n "settings": {json.dumps(settings)},\n "conditions": [\n  {lines}\n ]\n}}\n'


def settings(path: Path = FILE) -> dict[str, Any]:
    """Checkpoints, steps and rate, as chosen by the pilot."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))["settings"]
    return found
