"""Asks a judge model and grades with what it answers.

Published: a number outside the range is clamped, a result that is not a number pays 0. Unpublished, and
chosen here: a judge that cannot be asked, refuses, or gives no result at all (no JSON, cut off) leaves
the sample without a grade; a ``result`` in quotes counts when it reads as a number.
"""

from __future__ import annotations

import json
import re
from time import perf_counter
from typing import Any, Self

import orjson

from dryrun.core.config import ModelConfig, ModelKind
from dryrun.core.errors import DryRunError, ModelError
from dryrun.core.records import Grade, GradeOutcome, Item, Prompt, Sample, SampleOutcome
from dryrun.core.text import one_line
from dryrun.graders.format.template import VariableError, namespaces
from dryrun.graders.judge_access import JudgeAccess
from dryrun.graders.kinds.judge_spec import JudgeSampling, JudgeSpec
from dryrun.graders.protocol import NO_SAMPLE, GradeError, Grader, unfilled, ungraded
from dryrun.graders.specs import GraderSpec
from dryrun.models.endpoint import EndpointModel
from dryrun.models.request import BYTES_PER_TOKEN, RequestSize
from dryrun.models.urls import is_openai

MAX_DETAIL = 4000
"""Characters kept of what a judge said."""

TRIES = 2
"""How often a judge is asked when its answer is not a result."""

NO_SCHEMA = re.compile(r"response_format|json_schema|structured|schema|grammar|guided|json_object", re.I)
"""Words in the error of a server that does not know the response format."""


class JudgeGrader(Grader):
    """Grades by asking a model.

    Parameters
    ----------
    spec : ScoreModelSpec or LabelModelSpec
    access : JudgeAccess
        Where, with which key, and how many calls at once over all judges of the grader.
    """

    def __init__(self, spec: JudgeSpec, access: JudgeAccess) -> None:
        self._spec, self._access = spec, access
        self._formats = spec.question.formats()
        self._level = 0
        self._model = EndpointModel(_judge_config(spec, access), access.api_key)
        self._model.on_attempt = access.heard
        self._model.on_end = lambda error: access.end(self._named(error))
        access.calls_per_grade += 1

    async def grade(self, sample: Sample, item: Item) -> Grade:
        """The grade of one sample.

        Raises
        ------
        ModelError
            Every later call would fail too: wrong key, unknown model, no answer for long.
        """
        if not sample.gradable:
            return NO_SAMPLE
        start = perf_counter()
        known = namespaces(sample, item)
        try:
            messages = [message.filled(known) for message in self._spec.input]
        except VariableError as error:
            return unfilled(error)
        grade = ungraded(GradeError.MODEL_PARSE, "")
        spent = (0, 0)
        for attempt in range(TRIES):
            answer = await self._asked(messages, attempt)
            grade = self._graded(answer)
            spent = (spent[0] + (answer.prompt_tokens or 0), spent[1] + (answer.completion_tokens or 0))
            if GradeError.MODEL_PARSE.value not in grade.errors or grade.outcome is not GradeOutcome.UNGRADED:
                break
        return grade._replace(
            seconds=perf_counter() - start, prompt_tokens=spent[0], completion_tokens=spent[1]
        )

    async def __aenter__(self) -> Self:
        await self._model.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._model.__aexit__(*error)

    async def _asked(self, messages: list[dict[str, Any]], attempt: int) -> Sample:
        """The judge's answer; a server that refuses the response format is asked in words."""
        while True:
            level = self._level
            item = {"messages": self._messages(messages, level), "response_format": self._formats[level]}
            prompt = Prompt("", 0, "", {name: value for name, value in item.items() if value is not None})
            try:
                async with self._access.turn():
                    answer = await self._model.generate(prompt, attempt)
            except ModelError as error:
                raise self._named(error) from error
            status = answer.status or 0
            refused = status in (400, 404, 415, 422) or status >= 500
            unknown = refused and NO_SCHEMA.search(answer.error)
            if not (unknown and level < len(self._formats) - 1):
                self._access.note(self._spec.model, answer)
                return answer
            self._level = max(self._level, level + 1)

    def _named(self, error: DryRunError) -> ModelError:
        return ModelError(f"The judge {self._spec.model}: {error}")

    def _messages(self, messages: list[dict[str, Any]], level: int) -> list[dict[str, Any]]:
        if not is_openai(self._access.config.base_url):  # others know no role named developer
            messages = [
                {**message, "role": "system"} if message["role"] == "developer" else message
                for message in messages
            ]
        if level == 0:
            return messages
        *before, last = messages
        if last["role"] == "user" and isinstance(last["content"], str):
            return [*before, {**last, "content": f"{last['content']}\n\n{self._spec.question.instruction}"}]
        return [*messages, {"role": "user", "content": self._spec.question.instruction}]

    def _graded(self, answer: Sample) -> Grade:
        match answer.outcome:
            case SampleOutcome.FAILED:
                return ungraded(GradeError.MODEL_SERVER, answer.error)
            case SampleOutcome.REFUSED | SampleOutcome.FILTERED:
                detail = answer.text or "the judge's answer was withheld by a content filter"
                return ungraded(GradeError.MODEL_REFUSAL, detail)
            case SampleOutcome.TRUNCATED:
                return ungraded(GradeError.MODEL_PARSE, "the judge's answer was cut off by its token limit")
        try:
            result = result_of(answer.text)
        except ValueError as error:
            return ungraded(GradeError.MODEL_PARSE, f"{error}: {answer.text[:200]!r}")
        reward, wrong = self._spec.reward_of(result)
        outcome = GradeOutcome.GRADED_ZERO if wrong else GradeOutcome.GRADED
        errors = {GradeError.MODEL_PARSE.value: one_line(wrong)} if wrong else {}
        return Grade(outcome, reward, errors=errors, detail=answer.text[:MAX_DETAIL])


def result_of(text: str) -> Any:
    """The ``result`` of a judge's answer; a bare JSON number or string is its own result.

    Raises
    ------
    ValueError
        There is no result: the message says why.
    """
    value = _json_in(text)
    if not isinstance(value, dict):
        if isinstance(value, (list, type(None))):
            raise ValueError("the judge's answer is JSON without a result")
        return value
    if "result" not in value:
        raise ValueError("the judge's answer has no field 'result'")
    return value["result"]


def _json_in(text: str) -> Any:
    """The JSON value that a text is, or the last object in it (after reasoning, within a code fence).

    Of several objects, the last that has a result.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    decoder, last, at = json.JSONDecoder(), None, text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
            last, at = value if last is None or "result" in value else last, text.find("{", end)
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
    if last is None:
        raise ValueError("the judge's answer is not JSON")
    return last


def _judge_config(spec: JudgeSpec, access: JudgeAccess) -> ModelConfig:
    sampling = (spec.sampling_params or JudgeSampling()).model_dump()
    return ModelConfig(
        kind=ModelKind.ENDPOINT,
        name=access.config.model or spec.model,
        base_url=access.config.base_url,
        timeout=access.config.timeout,
        max_completion_tokens=sampling.pop("max_completions_tokens"),
        **sampling,
    )


def judge_request_size(judge: GraderSpec, prompt: Prompt, answer: int) -> RequestSize:
    """Tokens of one call to a judge, or to a model that embeds, at worst; estimated.

    Parameters
    ----------
    judge : GraderSpec
        One that asks a model.
    prompt : Prompt
    answer : int
        Tokens the response may have; 0 where that is not known.
    """
    known = namespaces(Sample("", 0, SampleOutcome.ANSWERED), prompt.item)
    texts = []
    for template in judge.templates.values():
        try:
            texts.append(template.fill(known))
        except VariableError:  # it asks for a part of a response that is not there yet
            texts.append("".join(map(str, template.parts)))
    size = sum(len(text.encode()) for text in texts)
    most: int | None = 0
    if isinstance(judge, JudgeSpec):
        around = len(judge.input) * len('{"role":"","content":""},')
        size += len(orjson.dumps(judge.question.formats()[0])) + around
        most = judge.sampling_params.max_completions_tokens if judge.sampling_params else None
    return RequestSize(-(-size // BYTES_PER_TOKEN) + answer, most)
