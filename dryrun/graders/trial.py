"""One grade, laid open: the reward, every sub-reward, and what the templates were filled with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dryrun.core.records import Grade, Item, Sample, SampleOutcome
from dryrun.graders.build import DEFAULT_TIMEOUT, build
from dryrun.graders.format.specs import GraderSpec
from dryrun.graders.format.template import VariableError
from dryrun.graders.kinds.judge_access import JudgeAccess
from dryrun.graders.sandbox.sample_fields import namespaces


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


def response(text: str) -> Sample:
    """A response with this text, as if a model had answered it."""
    return Sample(key="", rollout=0, outcome=SampleOutcome.ANSWERED, text=text, finish_reason="stop")


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
