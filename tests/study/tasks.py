"""Seven tasks of mixed difficulty, the forms in which an answer may stand, and how it is read out again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

LEVELS = 5
"""Difficulties of a task, from 0."""
PROMPT, ANSWER = 16, 14
"""The most characters of a prompt, and of a response with its end."""
LETTERS = "abcdefgh"

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Problem:
    """One prompt with its right answer."""

    task: str
    level: int
    prompt: str
    answer: str


def _word(rng: Rng, length: int) -> str:
    return "".join(rng.choice(list(LETTERS), length))


def _number(rng: Rng, most: int) -> int:
    return int(rng.integers(0, most))


def _add(level: int, rng: Rng) -> tuple[str, str]:
    first, second = ((10, 10), (20, 10), (50, 50), (100, 100), (1000, 100))[level]
    a, b = _number(rng, first), _number(rng, second)
    return f"add {a} {b}", str(a + b)


def _reverse(level: int, rng: Rng) -> tuple[str, str]:
    word = _word(rng, level + 2)
    return f"rev {word}", word[::-1]


def _sort(level: int, rng: Rng) -> tuple[str, str]:
    word = _word(rng, level + 2)
    return f"sort {word}", "".join(sorted(word))


def _count(level: int, rng: Rng) -> tuple[str, str]:
    letter = _word(rng, 1)
    word = "".join(rng.choice([letter, *_word(rng, 2)], level + 2))
    return f"count {letter} {word}", str(word.count(letter))


def _last(level: int, rng: Rng) -> tuple[str, str]:
    first, second = ((10, 3), (10, 6), (10, 10), (100, 10), (100, 100))[level]
    a, b = _number(rng, first), _number(rng, second)
    return f"last {a}*{b}", str(a * b % 10)


def _largest(level: int, rng: Rng) -> tuple[str, str]:
    numbers = [_number(rng, (10, 10, 100, 100, 1000)[level]) for _ in range((2, 3, 2, 3, 3)[level])]
    return "max " + " ".join(map(str, numbers)), str(max(numbers))


def _following(level: int, rng: Rng) -> tuple[str, str]:
    start, step = _number(rng, (5, 10, 20, 50, 80)[level]), _number(rng, (2, 4, 6, 9, 12)[level]) + 1
    shown = (start + step * place for place in range(3))
    return "next " + " ".join(map(str, shown)), str(start + 3 * step)


TASKS: dict[str, Callable[[int, Rng], tuple[str, str]]] = {
    "add": _add,
    "rev": _reverse,
    "sort": _sort,
    "count": _count,
    "last": _last,
    "max": _largest,
    "next": _following,
}
MIXES = {"all": tuple(TASKS), "numbers": ("add", "last", "next"), **{name: (name,) for name in TASKS}}
"""Sets of tasks by name."""


def problems(
    tasks: Sequence[str], count: int, rng: Rng, levels: Sequence[int] = tuple(range(LEVELS))
) -> list[Problem]:
    """Problems in which tasks and levels come equally often, in random order; prompts may repeat."""
    drawn = []
    for place in rng.permutation(count):
        task = tasks[place % len(tasks)]
        level = levels[place // len(tasks) % len(levels)]
        drawn.append(Problem(task, level, *TASKS[task](level, rng)))
    return drawn


FORMS = {"bare": "{}", "sentence": "it is {}.", "tag": "<a>{}</a>"}
_READ = re.compile(r"it is ([a-z0-9]+)\.|<a>([a-z0-9]+)</a>|([a-z0-9]+)")


def read_answer(text: str) -> str:
    """The answer that stands in a response in any of the forms, `""` where there is none."""
    found = _READ.fullmatch(text)
    return next(filter(None, found.groups())) if found else ""


def is_right(text: str, answer: str) -> bool:
    """Whether a response is the answer, exactly, in any of the forms."""
    return read_answer(text) == answer


SHARES = {"bare": 0.40, "sentence": 0.25, "tag": 0.25, "two": 0.05, "echo": 0.05}
"""How often pretraining shows each kind of response; `two` are two guesses, `echo` repeats the prompt."""
CARELESS = {"bare": 0.35, "sentence": 0.0, "tag": 0.10}
"""Share of wrong answers in each form: a policy that answers longer is right more often."""


def response(problem: Problem, rng: Rng) -> str:
    """A response as pretraining shows it."""
    form = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    if form == "echo":
        return problem.prompt[: ANSWER - 1]
    if form == "two":
        return f"{problem.answer} {_wrong(problem, rng)}"[: ANSWER - 1]
    careless = rng.random() < CARELESS[form]
    return FORMS[form].format(_wrong(problem, rng) if careless else problem.answer)


def _wrong(problem: Problem, rng: Rng) -> str:
    """The right answer of another problem of the kind."""
    other = TASKS[problem.task](problem.level, rng)[1]
    return other if other != problem.answer else next(_others(problem, rng))


def _others(problem: Problem, rng: Rng) -> Iterator[str]:
    while True:
        other = TASKS[problem.task](min(problem.level + 1, LEVELS - 1), rng)[1]
        if other != problem.answer:
            yield other


def wrong_answer(problem: Problem, rng: Rng) -> str:
    """A plausible wrong answer, as a wrong key has it."""
    return _wrong(problem, rng)
