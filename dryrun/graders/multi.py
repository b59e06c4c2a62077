"""multi: several graders and a formula."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from time import perf_counter
from types import TracebackType
from typing import Self

from dryrun.graders.formula import Formula, FormulaError
from dryrun.graders.outcome import NO_SAMPLE, GradeError, one_line
from dryrun.graders.protocol import Grader
from dryrun.records import Grade, GradeOutcome, Item, Sample


class MultiGrader:
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

    async def grade(self, sample: Sample, item: Item) -> Grade:
        """The grade of one sample, with the reward of each sub-grader beside it."""
        if not sample.gradable:
            return NO_SAMPLE
        start = perf_counter()
        grades = await asyncio.gather(*(grader.grade(sample, item) for grader in self._graders.values()))
        return self._combined(dict(zip(self._graders, grades, strict=True)), start)

    def _combined(self, parts: Mapping[str, Grade], start: float) -> Grade:
        rewards = {key: grade.reward for key, grade in parts.items()}
        errors = _merged_errors(parts)
        said = _said(parts)
        known = {key: reward for key, reward in rewards.items() if reward is not None}
        if len(known) < len(rewards):
            return Grade(GradeOutcome.UNGRADED, None, rewards, errors, perf_counter() - start, *said)
        outcome, reward = GradeOutcome.GRADED, 0.0
        try:
            reward = self._formula.evaluate(known)
        except FormulaError as error:
            outcome = GradeOutcome.GRADED_ZERO
            errors[GradeError.FORMULA_PARSE.value] = one_line(str(error))
        return Grade(outcome, reward, rewards, errors, perf_counter() - start, *said)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            for grader in self._graders.values():
                await opening.enter_async_context(grader)
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
