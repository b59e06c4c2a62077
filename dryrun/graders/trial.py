"""One grade, laid open: the reward, every sub-reward, and what the templates were filled with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dryrun.core.records import Grade, Item, Sample, SampleOutcome
from dryrun.graders.format.template import VariableError, namespaces
from dryrun.graders.judge_access import JudgeAccess
from dryrun.graders.specs import DEFAULT_TIMEOUT, GraderSpec, build


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying a grader on one response.

    Attributes
    ----------
    grade : Grade
    filled : mapping of str to str
        JSON path of each templated field -> its text for this row and response; where it cannot be
        filled, the reason in parentheses.
    """

    grade: Grade
    filled: Mapping[str, str]


CALL_ID = "call_of_dry_run"
"""Marks the tool calls of answers that no model wrote."""


def response(text: str) -> Sample:
    """A response with this text, as if a model had answered it.

    Where the text is the JSON of ``tool_calls`` that carry `CALL_ID`, alone or beside their ``content``, it
    has those calls.
    """
    text, calls = _said_and_called(text) if CALL_ID in text else (text, ())
    return Sample(
        key="",
        rollout=0,
        outcome=SampleOutcome.ANSWERED,
        text=text,
        tool_calls=calls,
        finish_reason="tool_calls" if calls else "stop",
    )


def as_text(sample: Sample) -> str:
    """A response in one text that `response` reads back, its tool calls too."""
    if not sample.tool_calls:
        return sample.text
    calls = [{**call, "id": CALL_ID} for call in sample.tool_calls]
    message = {"content": sample.text, "tool_calls": calls} if sample.text else calls
    return json.dumps(message, ensure_ascii=False)


def _said_and_called(text: str) -> tuple[str, tuple[Mapping[str, Any], ...]]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return text, ()
    content: Any = ""
    calls: Any = message
    if isinstance(message, dict):
        content, calls = message.get("content"), message.get("tool_calls")
    known = isinstance(calls, list) and calls and all(isinstance(call, dict) for call in calls)
    return (content, tuple(calls)) if known and isinstance(content, str) else (text, ())


async def try_out(
    spec: GraderSpec,
    text: str,
    item: Item,
    *,
    grade_timeout: float = DEFAULT_TIMEOUT,
    judge: JudgeAccess | None = None,
) -> Trial:
    """Grade one text against one row.

    Raises
    ------
    GraderError
        The grader cannot run here.
    ModelError
        The judge cannot be asked.
    """
    sample = response(text)
    async with build(spec, timeout=grade_timeout, judge=judge) as grader:
        grade = await grader.grade(sample, item)
    known = namespaces(sample, item)
    filled = {}
    for where, part in spec.walk():
        for name, template in part.templates.items():
            try:
                filled[f"{where}.{name}"] = template.fill(known)
            except VariableError as error:
                filled[f"{where}.{name}"] = f"(cannot be filled: {error})"
    return Trial(grade, filled)
