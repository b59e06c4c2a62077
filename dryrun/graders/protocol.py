"""What a grader is to the rest of the program.

OpenAI's names for what can go wrong with one grade, and the grades they lead to; and the text around an
answer, reasoning before it and end tokens after it, which a grade can leave out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from dryrun.core.errors import GraderError, Problem
from dryrun.core.records import Grade, GradeOutcome, Item, Sample
from dryrun.core.text import one_line
from dryrun.graders.format.template import SampleParseError, VariableError

if TYPE_CHECKING:
    from dryrun.graders.judge_access import JudgeAccess


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


TAGS = ("think", "thinking", "reasoning", "thought", "reflection", "scratchpad", "seed:think")
CLOSERS = (
    *(f"</{tag}>" for tag in TAGS),
    *("[/THINK]", "◁/think▷"),
    # gpt-oss, as its tokens and with the special ones left out
    *("<|channel|>final<|message|>", "assistantfinal"),
)
"""What ends reasoning: tags, whose opening one the chat template may have written, Mistral's, Kimi's, and the
beginning of the last channel of gpt-oss."""


def without_reasoning(text: str) -> tuple[str, bool]:
    """What follows the last closing tag of reasoning, and whether there was one."""
    end = max((place + len(tag) for tag in CLOSERS if (place := text.rfind(tag)) >= 0), default=0)
    return text[end:], end > 0


OPENERS = (*(f"<{tag}>" for tag in TAGS), "[THINK]", "◁think▷", "<|channel|>analysis<|message|>")


def reasoning_alone(text: str) -> bool:
    """Whether the text begins with reasoning that never ends, so that no answer follows."""
    return text.lstrip().startswith(OPENERS) and not without_reasoning(text)[1]


def after_reasoning(text: str) -> str:
    """What follows the reasoning, less the blanks and line breaks after its tag; all where there is none."""
    rest, cut = without_reasoning(text)
    return rest.lstrip() if cut else text


END_TOKENS = (
    *("<|im_end|>", "<|eot_id|>", "<|end|>", "<|endoftext|>", "<|end_of_text|>", "<|end_of_turn|>"),
    *("<end_of_turn>", "<|return|>", "</s>", "<eos>"),
)
"""What chat templates end a turn with. A server that stops there leaves it out of the text."""


TURNS = (
    *("<|im_start|>", "<|start_header_id|>", "<|start|>", "<|user|>", "<start_of_turn>", "<|begin_of_text|>"),
    *("[INST]", "<s>[INST]", "<s> [INST]"),
)
"""What chat templates begin a turn with."""
NEXT_TURN = re.compile(rf"({'|'.join(map(re.escape, END_TOKENS))})\s*({'|'.join(map(re.escape, TURNS))})")


def without_end_token(text: str) -> tuple[str, bool]:
    """The text less the token that should have ended it, and all behind that; and whether there was one."""
    turn = NEXT_TURN.search(text)
    if turn is not None:
        return text[: turn.start()].rstrip(), True
    rest = text.rstrip()
    while token := next(filter(rest.endswith, END_TOKENS), ""):
        rest = rest.removesuffix(token).rstrip()
    return (rest, True) if len(rest) < len(text.rstrip()) else (text, False)


class ReasoningCut(Grader):
    """A grader that is given what follows the reasoning, less the blanks and line breaks after the tag.

    Responses without reasoning reach it as they are. The stored response stays whole.
    """

    def __init__(self, grader: Grader) -> None:
        self._grader = grader

    @property
    def at_once(self) -> int:
        """As the grader likes it."""
        return self._grader.at_once

    async def grade_each(self, pairs: Sequence[Pair], take: Take) -> None:
        """The grades of what follows the reasoning."""
        await self._grader.grade_each([(answer_alone(sample), item) for sample, item in pairs], take)

    async def __aenter__(self) -> Self:
        await self._grader.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._grader.__aexit__(*error)


def answer_alone(sample: Sample) -> Sample:
    """The sample with what follows its reasoning as its text."""
    text = after_reasoning(sample.text)
    return sample if text is sample.text else replace(sample, text=text)
