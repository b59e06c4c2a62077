"""multi: several graders and a formula."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Self

from dryrun.core.records import Grade, GradeOutcome
from dryrun.core.text import one_line
from dryrun.graders.format.formula import Formula, FormulaError
from dryrun.graders.protocol import NO_SAMPLE, GradeError, Grader, Pair, Take


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
        """As many as every one of its graders takes."""
        return min(grader.at_once for grader in self._graders.values())

    async def grade_each(self, pairs: Sequence[Pair], take: Take) -> None:
        """Grade several samples, as `grade` does, by all graders at once."""
        found: list[dict[str, Grade]] = [{} for _ in pairs]

        def note(key: str, place: int, grade: Grade) -> None:
            parts = found[place]
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
        said = _said(parts)
        known = {key: reward for key, reward in rewards.items() if reward is not None}
        if len(known) < len(rewards):
            return Grade(GradeOutcome.UNGRADED, None, rewards, errors, seconds, *said)
        outcome, reward = GradeOutcome.GRADED, 0.0
        try:
            reward = self._formula.evaluate(known)
        except FormulaError as error:
            outcome = GradeOutcome.GRADED_ZERO
            errors[GradeError.FORMULA_PARSE.value] = one_line(error)
        return Grade(outcome, reward, rewards, errors, seconds, *said)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            for grader in self._graders.values():
                await opening.enter_async_context(grader)
            self._open = opening.pop_all()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._open.aclose()


def _said(parts: Mapping[str, Grade]) -> tuple[int | None, int | None, str]:
    """Tokens of all judges together, and what each said under its key."""
    details = [f"{key}: {grade.detail}" for key, grade in parts.items() if grade.detail]
    return (
        _sum([grade.prompt_tokens for grade in parts.values()]),
        _sum([grade.completion_tokens for grade in parts.values()]),
        "\n\n".join(details),
    )


def _sum(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _merged_errors(parts: Mapping[str, Grade]) -> dict[str, str]:
    """The sub-graders' errors under their names; each detail says whose it is."""
    merged: dict[str, list[str]] = {}
    for key, grade in parts.items():
        for name, detail in grade.errors.items():
            merged.setdefault(name, []).append(f"{key}: {detail}")
    return {name: one_line("; ".join(details)) for name, details in merged.items()}
