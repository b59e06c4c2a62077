"""Expressions that make a number of given ones, as the Countdown game and 24 ask for: looked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from dryrun.core.records import Prompt
from dryrun.probes.make.demand import Demand, demand_for, prompt_text

MOST_NUMBERS, WITH_FRACTIONS = 6, 4
"""With more numbers nothing is looked for, or nothing that needs fractions on the way."""
ROW_STEPS, ALL_STEPS = 60_000, 400_000
"""Pairs of numbers that are put together for one row, and for all of them: a second or so in all."""

_LISTED = re.compile(r"\d+(?:(?:,\s*(?:and\s+)?|\s+and\s+|\s+)\d+){1,5}(?![\d.])")


def solutions(prompts: Sequence[Prompt], references: Sequence[str | None]) -> list[str | None]:
    """For each row one expression of its numbers that comes to the number its prompt names.

    None where the numbers are not found, or no expression is: looking ends after `ALL_STEPS`.
    """
    left, known = ALL_STEPS, list[str | None]()
    for prompt, reference in zip(prompts, references, strict=True):
        demand = demand_for(prompt)
        search = _Search(int(demand.goal or 0), min(ROW_STEPS, left))
        left -= search.steps
        known.append(search.way(_numbers(prompt, reference, demand)) if demand.goal else None)
        left += max(search.steps, 0)
    return known


def _numbers(prompt: Prompt, reference: str | None, demand: Demand) -> list[int]:
    """The numbers to use: a list in the row whose elements all stand in the prompt, or one in the prompt."""
    text = prompt_text(prompt.messages)
    shown = set(re.findall(r"\d+", text))
    fields = {name: value for name, value in prompt.item.items() if name not in ("messages", "prompt")}
    for some in _lists([fields, _json(reference)]):
        if set(map(str, some)) <= shown:
            return some
    listed = (list(map(int, re.findall(r"\d+", match[0]))) for match in _LISTED.finditer(text))
    return next((some for some in listed if some != [int(demand.goal or 0)]), [])


def _json(text: str | None) -> object:
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return None


def _lists(value: object, depth: int = 4) -> Iterator[list[int]]:
    """Lists of two to six whole numbers, wherever they stand."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list | tuple) or depth == 0:
        return
    parts = [str(part) for part in value if not isinstance(part, bool)]
    if 2 <= len(parts) <= MOST_NUMBERS and all(part.isdigit() for part in parts):
        yield list(map(int, parts))
    for part in value:
        yield from _lists(part, depth - 1)


@dataclass(frozen=True, slots=True)
class _Term:
    """A given number, or two terms put together."""

    value: int | Fraction
    parts: tuple[_Term, str, _Term] | None = None

    def __str__(self) -> str:
        return f"{self.value}" if self.parts is None else f"({' '.join(map(str, self.parts))})"


class _Search:
    """Puts numbers together until one is the goal, or `steps` are used up."""

    def __init__(self, goal: int, steps: int) -> None:
        self._goal, self.steps, self._whole = goal, steps, True
        self._seen: set[tuple[int | Fraction, ...]] = set()

    def way(self, numbers: Sequence[int]) -> str | None:
        """An expression of all the numbers, or else of some of them; whole results first."""
        for count in range(min(len(numbers), MOST_NUMBERS), 1, -1):
            for self._whole in (True, False) if count <= WITH_FRACTIONS else (True,):
                self._seen.clear()
                for chosen in combinations(numbers, count):
                    term = self._reached([_Term(number) for number in chosen])
                    if term is not None:
                        return str(term).removeprefix("(").removesuffix(")")
        return None

    def _reached(self, terms: list[_Term]) -> _Term | None:
        key = tuple(sorted(term.value for term in terms))
        if key in self._seen:
            return None
        self._seen.add(key)
        for first, second in combinations(terms, 2):
            rest = [term for term in terms if term is not first and term is not second]
            for term in self._joined(first, second):
                self.steps -= 1
                if self.steps < 0 or (not rest and term.value == self._goal):
                    return term if self.steps >= 0 else None
                if rest and (way := self._reached([*rest, term])) is not None:
                    return way
        return None

    def _joined(self, first: _Term, second: _Term) -> Iterator[_Term]:
        """What two terms make: nothing below nought."""
        more, less = (first, second) if first.value >= second.value else (second, first)
        high, low = more.value, less.value
        yield _Term(high + low, (more, "+", less))
        yield _Term(high * low, (more, "*", less))
        yield _Term(high - low, (more, "-", less))
        if low and (not self._whole or high % low == 0):
            yield _Term(high // low if self._whole else Fraction(high) / low, (more, "/", less))
        if not self._whole and high:
            yield _Term(Fraction(low) / high, (less, "/", more))
