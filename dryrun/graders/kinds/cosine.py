"""text_similarity with cosine: how alike are two texts in meaning, by their embeddings?

The service has it for evals only, with text-embedding-3-large; reinforcement fine-tuning refuses it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Any, Self

import numpy as np

from dryrun.core.errors import ModelError
from dryrun.core.records import Attempt, Grade, Item, Sample
from dryrun.graders.format.template import Template, VariableError, filler
from dryrun.graders.judge_access import JudgeAccess
from dryrun.graders.protocol import NO_SAMPLE, GradeError, Grader, graded, unfilled, ungraded
from dryrun.models.body import MalformedReplyError, read_json
from dryrun.models.client import Client, HttpAnswer, patiently, redact
from dryrun.models.faults import Fault, FaultKind
from dryrun.models.pace import RetryPolicy
from dryrun.models.silence import fatal_sentence
from dryrun.models.urls import normalise_base_url


class CosineGrader(Grader):
    """Fills ``input`` and ``reference`` and compares their embeddings.

    Parameters
    ----------
    answer, reference : Template
    access : JudgeAccess
    """

    def __init__(self, answer: Template, reference: Template, access: JudgeAccess) -> None:
        self._answer, self._reference, self._access = filler(answer), filler(reference), access
        self._client = Client(normalise_base_url(access.config.base_url), access.api_key)
        self._policy = RetryPolicy()
        access.calls_per_grade += 1

    async def grade(self, sample: Sample, item: Item) -> Grade:
        """The grade of one sample; 0 for texts that point away from each other.

        Raises
        ------
        ModelError
            Every later call would fail too.
        """
        if not sample.gradable:
            return NO_SAMPLE
        start = perf_counter()
        try:
            texts = [self._answer(sample, item), self._reference(sample, item)]
        except VariableError as error:
            return unfilled(error)
        config = self._access.config
        body = {"model": config.embedding_model, "input": [text or " " for text in texts]}
        async with self._access.turn():
            answer = await patiently(
                partial(self._client.ask, "/embeddings", body, config.timeout),
                self._policy,
                partial(self._heard, sample.key),
            )
        if isinstance(answer, Fault):
            return self._failed(answer, perf_counter() - start)
        try:
            alike = cosine(*vectors(answer))
        except MalformedReplyError as error:
            return ungraded(GradeError.MODEL_PARSE, str(error), perf_counter() - start)
        return graded(alike, perf_counter() - start)

    def _heard(self, key: str, number: int, answer: HttpAnswer | Fault, seconds: float) -> None:
        if isinstance(answer, Fault):
            kind, message = answer.kind.value, redact(answer.message, self._access.api_key.strip())
            self._access.heard(Attempt(key, number, kind, answer.status, message, seconds))
        else:
            tokens = tokens_used(answer)
            self._access.heard(Attempt(key, number, "answered", 200, "", seconds, tokens, None))

    def _failed(self, fault: Fault, seconds: float) -> Grade:
        key = self._access.api_key.strip()
        if fault.kind is FaultKind.FATAL:
            config = self._access.config
            raise ModelError(redact(fatal_sentence(fault, config.base_url, config.embedding_model), key))
        return ungraded(GradeError.MODEL_SERVER, redact(fault.sentence(), key), seconds)

    async def __aenter__(self) -> Self:
        await self._client.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.close()


def vectors(answer: HttpAnswer) -> tuple[Sequence[float], Sequence[float]]:
    """The two embeddings of an answer, in the order they were asked for.

    Raises
    ------
    MalformedReplyError
        It holds no two vectors of one length.
    """
    document: Any = read_json(answer.content)
    try:
        entries = sorted(document["data"], key=lambda entry: entry["index"])
        first, second = (np.asarray(entry["embedding"], dtype=np.float64) for entry in entries)
    except (TypeError, KeyError, ValueError):
        raise MalformedReplyError("The answer holds no two embeddings") from None
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise MalformedReplyError("The answer's embeddings are not vectors of one length")
    return first, second  # type: ignore[return-value]


def tokens_used(answer: HttpAnswer) -> int | None:
    """What the endpoint counted; None if it counts nothing."""
    try:
        count = read_json(answer.content)["usage"]["prompt_tokens"]
    except (MalformedReplyError, TypeError, KeyError):
        return None
    return count if isinstance(count, int) else None


def cosine(first: Sequence[float], second: Sequence[float]) -> float:
    """Cosine of the angle between two vectors, 0 where it is negative or a vector is null."""
    norms = math.sqrt(float(np.dot(first, first)) * float(np.dot(second, second)))
    return min(1.0, max(0.0, float(np.dot(first, second)) / norms)) if norms else 0.0
