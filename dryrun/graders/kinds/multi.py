"""multi: several graders and a formula."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cached_property, partial
from itertools import product
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, SerializeAsAny

from dryrun.core.errors import Problem
from dryrun.core.records import Grade, GradeOutcome, Prompt
from dryrun.core.text import one_line, within
from dryrun.graders.format.findings import Finding, Severity, did_you_mean, validated
from dryrun.graders.format.formula import FUNCTIONS, Formula, FormulaError, Interval, parse_formula
from dryrun.graders.format.template import kind_of
from dryrun.graders.protocol import NO_SAMPLE, BuildOptions, GradeError, Grader, Pair, Take
from dryrun.graders.specs import GraderSpec, Name, ReadPart

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FORMULA_FIX = "A formula of the sub-graders' keys, e.g. 0.8 * exact + 0.2 * fuzzy."

MOST_CORNERS = 8
"""Parts of a formula up to which all corners of their ranges are tried."""


class MultiSpec(GraderSpec):
    """Combines other graders by a formula."""

    also_called: ClassVar[tuple[str, ...]] = ("combined", "weighted", "composite")
    telling: ClassVar[tuple[str, ...]] = ("calculate_output", "graders")
    meant: ClassVar[Mapping[str, str]] = {"formula": "calculate_output"}

    type: Literal["multi"]
    name: Name
    graders: dict[str, SerializeAsAny[GraderSpec]]
    calculate_output: Annotated[str, Field(description=FORMULA_FIX)]
    pass_threshold: float | None = None

    @classmethod
    def read(
        cls, value: Mapping[str, Any], where: str, problems: list[Problem], read_part: ReadPart
    ) -> Self | None:
        before = len(problems)
        graders = _named_graders(value.get("graders"), f"{where}.graders", problems)
        # without problems so far, every variable of the formula has to be one of the keys
        keys = set(graders) if len(problems) == before else set()
        parts = {}
        for key, grader in graders.items():
            at = f"{where}.graders.{key}"
            if isinstance(grader, Mapping) and grader.get("type") == cls.type_name():
                fix = "Move its graders into the outer multi and merge the two formulas."
                problems.append(Problem(at, "a multi grader cannot stand inside another multi grader.", fix))
            elif part := read_part(grader, at, problems):
                parts[key] = part
        _check_formula(value.get("calculate_output"), keys, f"{where}.calculate_output", problems)
        spec = validated(cls, {**value, "graders": parts}, where, problems)
        return spec if len(problems) == before else None

    @classmethod
    def place_of(cls, field: str) -> str:
        return "Weights stand in the formula: 0.8 * exact + 0.2 * close." if field == "weights" else ""

    @property
    def canonical(self) -> dict[str, Any]:
        graders = {key: grader.canonical for key, grader in self.graders.items()}
        return {"type": self.type, "graders": graders, "calculate_output": self.calculate_output}

    @cached_property
    def formula(self) -> Formula:
        """The parsed ``calculate_output``."""
        return parse_formula(self.calculate_output)

    @property
    def asks_models(self) -> bool:
        return any(grader.asks_models for grader in self.graders.values())

    def walk(self, where: str = "$") -> Iterator[tuple[str, GraderSpec]]:
        yield where, self
        for key, grader in self.graders.items():
            yield from grader.walk(f"{where}.graders.{key}")

    @property
    def range(self) -> Interval | None:
        return self.formula.interval({key: grader.range for key, grader in self.graders.items()})

    def describe(self) -> str:
        """``"Pays a + b, where a pays 1 when ..., else 0; b pays ..."``."""
        parts = (f"{key} {within(grader.describe())}".rstrip(".") for key, grader in self.graders.items())
        return f"Pays {self.calculate_output.strip()}, where {'; '.join(parts)}."

    def check(self, where: str, rows: Sequence[Prompt], response_format: bool) -> Iterator[Finding]:
        for key in self.graders:
            if key not in self.formula.variables:
                what = f"the formula does not use {key!r}: it is graded and changes nothing."
                fix = f"Use it in calculate_output, or leave {key} out."
                yield Finding(Severity.WARNING, f"{where}.graders.{key}", what, fix)
        yield from _check_values(self, where)

    def build(self, options: BuildOptions) -> Grader:
        return MultiGrader({key: part.build(options) for key, part in self.graders.items()}, self.formula)


def _named_graders(value: Any, where: str, problems: list[Problem]) -> dict[str, Any]:
    """Sub-graders by key. A list of named graders is read as if their names were the keys."""
    if value is None or value == {}:
        fix = 'Write "graders": {"first": {...}, "second": {...}}.'
        problems.append(Problem(where, "the sub-graders are missing.", fix))
        return {}
    if isinstance(value, Mapping) and "type" in value and isinstance(value["type"], str):
        fix = 'Give it a key: "graders": {"first": {...}}.'
        problems.append(Problem(where, "this is one grader, not an object of graders by key.", fix))
        return {}
    if isinstance(value, list):
        return _graders_of_list(value, where, problems)
    if not isinstance(value, Mapping):
        problems.append(Problem(where, f"must be an object of graders by key, not {kind_of(value)}."))
        return {}
    for key in value:
        _check_key(key, f"{where}.{key}", problems)
    return dict(value)


def _graders_of_list(value: list[Any], where: str, problems: list[Problem]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for position, grader in enumerate(value):
        at = f"{where}[{position}]"
        name = grader.get("name") if isinstance(grader, Mapping) else None
        if not isinstance(name, str):
            problems.append(Problem(at, "has no name, so the formula cannot name it.", "Give it a name."))
        elif name in named:
            problems.append(
                Problem(at, f"{name!r} is the name of an earlier grader too.", "Rename one of them.")
            )
        else:
            _check_key(name, at, problems)
            named[name] = grader
    if not value:
        problems.append(Problem(where, "holds no grader."))
    return named


def _check_key(key: str, where: str, problems: list[Problem]) -> None:
    if not KEY.fullmatch(key):
        fix = "Use letters, digits and '_', not starting with a digit."
        problems.append(Problem(where, f"the key {key!r} cannot stand in a formula.", fix))


def _check_formula(text: Any, keys: set[str], where: str, problems: list[Problem]) -> None:
    if not isinstance(text, str):
        return  # reported with the other fields
    try:
        formula = parse_formula(text)
    except FormulaError as error:
        problems.append(Problem(where, f"the formula {error}.", error.fix))
        return
    for name in formula.variables:
        if keys and name not in keys:
            near = did_you_mean(name, sorted(keys))
            fix = f"{near} Formulas use the keys of 'graders', not the graders' names."
            fix = f"{name} is a function: write {name}(...)." if name in FUNCTIONS else fix
            problems.append(Problem(where, f"{name!r} is not the key of a sub-grader.", fix))


def _check_values(spec: MultiSpec, where: str) -> Iterator[Finding]:
    """Whether the formula has a value at the ends of its parts' ranges, and between them."""
    formula = spec.formula
    failed: list[FormulaError] = []
    points = list(_points([spec.graders[key].range or (0.0, 1.0) for key in formula.variables]))
    for point in points:
        try:
            formula.evaluate(dict(zip(formula.variables, point, strict=True)))
        except FormulaError as error:
            failed.append(error)
    if failed:
        everywhere = f" (so at all {len(points)} points tried)" if len(failed) == len(points) else ""
        what = f"the formula {failed[0]}{everywhere}. The reward is 0 there, with formula_parse_error."
        fix = "Keep what it divides by, and what log and sqrt are given, above 0: max(x, 0.01)."
        yield Finding(Severity.WARNING, f"{where}.calculate_output", what, fix)


def _points(ranges: Sequence[Interval]) -> Iterator[tuple[float, ...]]:
    """The corners of the ranges (of many only the lowest and the highest), and a point between them."""
    if len(ranges) <= MOST_CORNERS:
        yield from product(*ranges)
    else:
        yield from ((tuple(low for low, _ in ranges)), tuple(high for _, high in ranges))
    shares = (0.3 + 0.4 * number / len(ranges) for number in range(len(ranges)))
    yield tuple(low + share * (high - low) for share, (low, high) in zip(shares, ranges, strict=True))


class MultiGrader(Grader):
    """Combines sub-grades by a formula.

    A sub-grader that fails on a sample counts 0 in the formula, as it would alone, and its error is
    kept (what the service does is unpublished). A sub-grade that is missing leaves the whole missing.

    Parameters
    ----------
    graders : mapping of str to Grader
    formula : Formula
    """

    def __init__(self, graders: Mapping[str, Grader], formula: Formula) -> None:
        self._graders = dict(graders)
        self._formula = formula
        self._open = AsyncExitStack()

    @property
    def at_once(self) -> int:
        """The number of samples at once that each of its graders takes."""
        return min(grader.at_once for grader in self._graders.values())

    async def grade_each(self, pairs: Sequence[Pair], take: Take) -> None:
        """Grade several samples, as `grade` does, by all graders at once."""
        grades: list[dict[str, Grade]] = [{} for _ in pairs]

        def note(key: str, place: int, grade: Grade) -> None:
            parts = grades[place]
            parts[key] = grade
            if len(parts) == len(self._graders):
                gradable = pairs[place][0].gradable
                take(place, self._combined(parts) if gradable else NO_SAMPLE)

        await asyncio.gather(
            *(grader.grade_each(pairs, partial(note, key)) for key, grader in self._graders.items())
        )

    def _combined(self, parts: Mapping[str, Grade]) -> Grade:
        parts = {key: parts[key] for key in self._graders}
        rewards = {key: grade.reward for key, grade in parts.items()}
        seconds = max(grade.seconds for grade in parts.values())
        errors = _merged_errors(parts)
        usage = _usage(parts)
        known = {key: reward for key, reward in rewards.items() if reward is not None}
        if len(known) < len(rewards):
            return Grade(GradeOutcome.UNGRADED, None, rewards, errors, seconds, *usage)
        outcome, reward = GradeOutcome.GRADED, 0.0
        try:
            reward = self._formula.evaluate(known)
        except FormulaError as error:
            outcome = GradeOutcome.GRADED_ZERO
            errors[GradeError.FORMULA_PARSE.value] = one_line(error)
        return Grade(outcome, reward, rewards, errors, seconds, *usage)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            for grader in self._graders.values():
                await opening.enter_async_context(grader)
            self._open = opening.pop_all()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._open.aclose()


def _usage(parts: Mapping[str, Grade]) -> tuple[int | None, int | None, str]:
    """Prompt and completion tokens of all judges together, and each judge's answer under its key."""
    details = [f"{key}: {grade.detail}" for key, grade in parts.items() if grade.detail]
    return (
        _sum([grade.prompt_tokens for grade in parts.values()]),
        _sum([grade.completion_tokens for grade in parts.values()]),
        "\n\n".join(details),
    )


def _sum(counts: list[int | None]) -> int | None:
    return sum(count or 0 for count in counts) if set(counts) != {None} else None


def _merged_errors(parts: Mapping[str, Grade]) -> dict[str, str]:
    """The sub-graders' errors under their names; each detail says whose it is."""
    merged: dict[str, list[str]] = {}
    for key, grade in parts.items():
        for name, detail in grade.errors.items():
            merged.setdefault(name, []).append(f"{key}: {detail}")
    return {name: one_line("; ".join(details)) for name, details in merged.items()}
