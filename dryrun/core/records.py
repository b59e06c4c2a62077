"""The vocabulary: an item becomes a prompt, a prompt becomes samples, a sample becomes a grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

GRADED_AGAIN = "when graded again"
"""Stands in ``other_error`` of a grade that came out otherwise when it was made a second time."""

REMARK = "other_error"
"""The name of an error that, beside a reward, says something of the grade and takes nothing from it."""

COUNTED_AS = ", counted as "
"""Stands in the remark on a reward that was `True` or `False`."""

ANSWERED_BY = "answered by "
"""Begins the note of a sample whose endpoint named another model than the one asked for."""

Item = Mapping[str, Any]
"""One dataset row, whole: ``messages``, optional ``tools``, and every other key of the row."""


class SampleOutcome(StrEnum):
    """How an attempt to get one response ended."""

    ANSWERED = "answered"
    """The model answered and stopped by itself."""
    TRUNCATED = "truncated"
    """The token limit cut the response off."""
    REFUSED = "refused"
    """The model said, through the API's own field, that it will not answer."""
    FILTERED = "filtered"
    """A content filter of the endpoint withheld the response."""
    EMPTY = "empty"
    """The model stopped without text or tool call."""
    FAILED = "failed"
    """No response: the call failed after its retries. Tried again when the run is resumed."""


NO_TEXT = "no text in any field"
"""Stands in the note of an empty response: its text was looked for in the fields for reasoning too."""

_FAILED = SampleOutcome.FAILED
UNSEEN = frozenset({SampleOutcome.FAILED, SampleOutcome.FILTERED})
"""Outcomes that leave no response, or only a part, for a grader to judge."""
ABANDONED = "abandoned"
"""The outcome of a call that was cut off when the run ended: it may be billed, at an unknown price."""
PASSING = frozenset({401, 402, 403, 408, 409, 424, 425, 429, 498, 499})
"""Statuses below 500 that the same request may not meet another time."""


class GradeOutcome(StrEnum):
    """How an attempt to grade one sample ended."""

    GRADED = "graded"
    """The grader gave a finite number."""
    GRADED_ZERO = "graded_zero"
    """The grader failed on this sample, and by its own documented rule the reward is 0."""
    UNGRADED = "ungraded"
    """No grade: the judge or the sandbox was down, or there was no sample. Never counted as 0."""


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    """The run gave up for a reason it names: wrong key, dead endpoint, full disk."""
    INTERRUPTED = "interrupted"
    """The process that ran it is gone. Resume goes on where it was."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One dataset row chosen for the run.

    Attributes
    ----------
    key : str
        Fingerprint of the whole item (32 hex digits). Equal rows have equal keys.
    row : int
        Position in the dataset, from 0.
    topic : str
        The row's topic, or ``""`` if it has none.
    item : Item
        The whole row, as graders see it.
    """

    key: str
    row: int
    topic: str
    item: Item

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        """The chat messages to send, in order."""
        messages: Sequence[Mapping[str, Any]] = self.item["messages"]
        return messages


@dataclass(frozen=True, slots=True)
class Sample:
    """One response of the base model to one prompt (a rollout), or the reason there is none.

    Attributes
    ----------
    key : str
        Fingerprint of all that determines the response: endpoint, model, sampling parameters,
        messages, tools, response format, rollout index.
    rollout : int
        The response's number among the k of its prompt, from 0.
    outcome : SampleOutcome
    text : str
        The response's text (a refusal's text for `REFUSED`); ``""`` if there is none.
    tool_calls : tuple of mapping
        Chat-shaped ``message.tool_calls``, each a JSON object.
    finish_reason : str or None
        As the endpoint gave it.
    error : str
        For `FAILED`: one sentence that says why. Else ``""``.
    status : int or None
        HTTP status of the last failed attempt.
    prompt_tokens, completion_tokens : int or None
        As the endpoint counted them.
    seconds : float
        Wall time of the call that gave this outcome.
    attempts : int
        How many calls were made, retries included.
    note : str
        What was done differently from the request, e.g. ``"temperature not accepted, left out"``.
    """

    key: str
    rollout: int
    outcome: SampleOutcome
    text: str = ""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    finish_reason: str | None = None
    error: str = ""
    status: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0
    attempts: int = 1
    note: str = ""

    @property
    def returned(self) -> bool:
        """Whether the call came back, be it with a response that a content filter withheld."""
        return self.outcome is not _FAILED

    @property
    def gradable(self) -> bool:
        """Whether a grader gets to see it: neither the call failed nor a filter withheld the response."""
        return self.outcome not in UNSEEN

    @property
    def refused(self) -> bool:
        """Whether the endpoint rejects this request, now and later: a status such as 400, 413, 422."""
        status = self.status or 0
        return self.outcome is _FAILED and 400 <= status < 500 and status not in PASSING


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to the base model's endpoint, as it went.

    Attributes
    ----------
    key : str
        Of the sample it was made for.
    number : int
        Which call for that sample, from 1.
    outcome : str
        A `SampleOutcome` other than ``failed``, or the kind of fault: ``transient``, ``unreachable``,
        ``rejected``, ``filtered``, ``fatal``; or `ABANDONED`.
    status : int or None
        HTTP status; None if there was no answer.
    error : str
        The server's words, or what went wrong on the way to it.
    seconds : float
    prompt_tokens, completion_tokens : int or None
    batch : str
        Id of the batch it was a row of; ``""`` for a call of its own.
    """

    key: str
    number: int
    outcome: str
    status: int | None = None
    error: str = ""
    seconds: float = 0.0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    batch: str = ""


class Grade(NamedTuple):
    """What the grader says of one sample.

    Attributes
    ----------
    outcome : GradeOutcome
    reward : float or None
        The raw reward on the grader's own scale, never rescaled; None for `UNGRADED`.
    sub_rewards : mapping of str to (float or None)
        For a multi grader: reward of each sub-grader by its key. Else empty.
    errors : mapping of str to str
        OpenAI's error names (``invalid_variable_error``, ``python_grader_runtime_error`` ...) that
        hold for this grade, each with one line of detail.
    seconds : float
        What the grader took: of python grades that came back together their average, of a multi grader
        its slowest part, of a judge with the wait for its turn.
    prompt_tokens, completion_tokens : int or None
        What judge models counted for this grade, all of them together; None where none was asked.
    detail : str
        What a judge said, shortened, as it said it; else ``""``.
    """

    outcome: GradeOutcome
    reward: float | None
    sub_rewards: Mapping[str, float | None] = {}
    errors: Mapping[str, str] = {}
    seconds: float = 0.0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    detail: str = ""

    @property
    def remarked_only(self) -> bool:
        """Whether its errors took nothing from the reward: that `True` counted as 1, say."""
        return self.reward is not None and set(self.errors) == {REMARK}
