"""The rows of a condition: what is trained on, as the product and the grader see it, and what is held out."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.study.conditions import Condition
from tests.study.tasks import LEVELS, MIXES, TASKS, Problem, Rng, problems, wrong_answer

TRAINED, HELD_OUT, UNIQUE_COPIES = 300, 240, 40
EVERY_LEVEL = tuple(range(LEVELS))
LEVELS_OF = {"polarised": (0, LEVELS - 1), "dead_groups": (LEVELS - 1,)}


@dataclass(frozen=True, slots=True)
class World:
    """Problems to train on with their rows as graders see them, and problems held out."""

    trained: tuple[Problem, ...]
    items: tuple[dict[str, Any], ...]
    held_out: tuple[Problem, ...]


def world(condition: Condition, trained: int = TRAINED, held_out: int = HELD_OUT) -> World:
    """The rows of a condition; the same for all its seeds."""
    rng = np.random.default_rng(zlib.crc32(condition.name.encode()))
    levels = LEVELS_OF.get(condition.kind, EVERY_LEVEL)
    found = list(_unique(MIXES[condition.tasks], trained + held_out, rng, levels))
    found = [found[place] for place in rng.permutation(len(found))]
    kept = found[held_out:]
    if condition.kind == "copies":
        kept = (kept[:UNIQUE_COPIES] * trained)[:trained]
    keys = [_key(condition, one, rng) for one in kept]
    items = tuple(item(one, key) for one, key in zip(kept, keys, strict=True))
    return World(tuple(kept), items, tuple(found[:held_out]))


def _unique(tasks: Sequence[str], count: int, rng: Rng, levels: Sequence[int]) -> Iterator[Problem]:
    """Problems with different prompts; where a level has no more of them, from harder ones."""
    seen: set[str] = set()
    for one in problems(tasks, count, rng, levels):
        new, tries = one, 0
        while new.prompt in seen:
            level = min(one.level + tries // 20, LEVELS - 1)
            new, tries = Problem(one.task, level, *TASKS[one.task](level, rng)), tries + 1
        seen.add(new.prompt)
        yield new


def _key(condition: Condition, problem: Problem, rng: Rng) -> str:
    """The reference answer that the grader gets."""
    if condition.kind == "wrong_key_30" and rng.random() < 0.3:
        return wrong_answer(problem, rng)
    broken = condition.kind == "broken_30" and rng.random() < 0.3
    bad = condition.kind == "bad_topic" and problem.task == MIXES[condition.tasks][0]
    return "n/a" if broken or bad else problem.answer


def item(problem: Problem, key: str) -> dict[str, Any]:
    """A row of the dataset."""
    return {
        "messages": [{"role": "user", "content": problem.prompt}],
        "reference_answer": key,
        "topic": problem.task,
    }
