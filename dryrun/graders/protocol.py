"""What a grader is to the rest of the program.

OpenAI's names for what can go wrong with one grade, and the grades they lead to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from dryrun.core.errors import GraderError, Problem
from dryrun.core.records import Grade, GradeOutcome, Item, Sample
from dryrun.core.text import one_line
from dryrun.graders.format.template import SampleParseError, VariableError

if TYPE_CHECKING:
    from dryrun.graders.kinds.judge_access import JudgeAccess

Pair = tuple[Sample, Item]

Take = Callable[[int, Grade], None]
"""Is handed each grade with its place among those asked for, as soon as there is one."""

TOGETHER = 32
"""`Grader.at_once` where grading waits for nothing but the processor."""


class Grader:
    """Anything that grades samples. Opened once, used by many tasks at once, closed once.

    A subclass writes `grade`, or `grade_each` where several grades together cost less than one by one.
    """

    @property
    def at_once(self) -> int:
        """The best number of samples for a task to hand over together: 1 where each waits for an answer."""
        return 1

    async def grade(self, sample: Sample, item: Item) -> Grade:
        """The grade of one sample. A grader's failure is an outcome of the grade, never an exception.

        Raises
        ------
        ModelError
            A judge that no later call would reach either: wrong key, unknown model.
        """
        grades: list[Grade] = []
        await self.grade_each([(sample, item)], lambda _, grade: grades.append(grade))
        return grades[0]

    async def grade_each(self, pairs: Sequence[Pair], take: Take) -> None:
        """Grade several samples, for less than `grade` costs for each of them where that is possible.

        Raises
        ------
        ModelError
            As `grade` does; what was handed to `take` by then counts.
        """
        for place, (sample, item) in enumerate(pairs):
            take(place, await self.grade(sample, item))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


CANNOT_RUN = "This grader cannot run here:"


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What a grader needs beside its own fields.

    Attributes
    ----------
    timeout : float
        Seconds one grade may take.
    judge : JudgeAccess, optional
        Where judges and embeddings are asked.
    """

    timeout: float
    judge: JudgeAccess | None = None

    def judge_access(self) -> JudgeAccess:
        """Where models are asked.

        Raises
        ------
        GraderError
            Nobody said where.
        """
        if self.judge is None:
            fix = "Give the judge's endpoint: --judge-base-url, or the Judge fields on the page."
            raise GraderError(CANNOT_RUN, [Problem("$", "it asks a model.", fix)])
        return self.judge


class GradeError(StrEnum):
    """What went wrong with one grade, by OpenAI's field names."""

    INVALID_VARIABLE = "invalid_variable_error"
    """A template asks for something this row or response does not have."""
    SAMPLE_PARSE = "sample_parse_error"
    """A template asks for the response's JSON, and the response is not JSON."""
    FORMULA_PARSE = "formula_parse_error"
    """The formula has no finite value here."""
    PYTHON_RUNTIME = "python_grader_runtime_error"
    """The python grader raised, ran too long, or did not return a finite number."""
    PYTHON_SERVER = "python_grader_server_error"
    """The sandbox is not there or broke down."""
    MODEL_SERVER = "model_grader_server_error"
    """The judge could not be asked."""
    MODEL_REFUSAL = "model_grader_refusal_error"
    """The judge refused, or its answer was filtered."""
    MODEL_PARSE = "model_grader_parse_error"
    """The judge's answer is not a result."""
    OTHER = "other_error"
    """Anything else."""


_GRADED = GradeOutcome.GRADED
_NOTHING: Mapping[str, Any] = {}


def graded(reward: float, seconds: float = 0.0) -> Grade:
    """A grade with a finite reward.

    Made as the tuple it is, in half the time: some graders take hardly longer for the reward itself.
    """
    return tuple.__new__(Grade, (_GRADED, reward, _NOTHING, _NOTHING, seconds, None, None, ""))


def graded_zero(error: GradeError, detail: str, seconds: float = 0.0) -> Grade:
    """A grade that is 0 because the grader failed on this sample."""
    return Grade(GradeOutcome.GRADED_ZERO, 0.0, errors={error.value: one_line(detail)}, seconds=seconds)


def ungraded(error: GradeError, detail: str, seconds: float = 0.0) -> Grade:
    """No grade: something other than the sample is to blame."""
    return Grade(GradeOutcome.UNGRADED, None, errors={error.value: one_line(detail)}, seconds=seconds)


def unfilled(error: VariableError) -> Grade:
    """The grade of a sample whose template cannot be filled: 0, and counted apart.

    The service counts both errors; the reward it gives is unpublished. 0 is our choice.
    """
    name = GradeError.SAMPLE_PARSE if isinstance(error, SampleParseError) else GradeError.INVALID_VARIABLE
    return graded_zero(name, str(error))


UNLOADED = "loading the source: "
"""Beginning of the error of a source that cannot be loaded: no response can be graded then."""

NO_SAMPLE = ungraded(GradeError.OTHER, "there is no response to grade: the call to the model failed")
"""The grade where the model gave no response at all."""
