"""Functions that take a batch, called once with two responses: what reading their source does not show."""

from __future__ import annotations

from collections.abc import Sequence

from dryrun.core.records import Prompt
from dryrun.graders.format.findings import Finding, Severity
from dryrun.graders.format.specs import GraderSpec, build
from dryrun.graders.kinds.python import PythonSpec, missing_packages
from dryrun.graders.reference_answers import references_of
from dryrun.graders.sandbox.status import sandbox_status
from dryrun.graders.trial import response

COUNTS = ("for 1 completion", "for 2 completions")
"""The end of the error of a function that does not return one result for each response."""
ANSWER = "0"
"""What is graded beside the row's reference answer: some functions leave out what they do not pay."""


async def check_batches(spec: GraderSpec, prompts: Sequence[Prompt], grade_timeout: float) -> list[Finding]:
    """Functions of TRL's, verl's or Bedrock's convention that return another number of rewards than asked.

    Parameters
    ----------
    spec : GraderSpec
    prompts : sequence of Prompt
        The first is graded; without one there is no finding.
    grade_timeout : float
        Seconds for a grade.
    """
    parts = [
        (where, part)
        for where, part in spec.walk()
        if isinstance(part, PythonSpec) and part.entry is not None and not missing_packages(part)
    ]
    if not prompts or not parts or not sandbox_status().available:
        return []
    (reference,) = references_of(spec, prompts[:1])
    findings = []
    for where, part in parts:
        async with build(part, timeout=grade_timeout) as grader:
            texts = dict.fromkeys((reference or ANSWER, ANSWER))
            grades = [await grader.grade(response(text), prompts[0].item) for text in texts]
        errors = (error for grade in grades for error in grade.errors.values())
        wrong = next((error for error in errors if error.endswith(COUNTS)), None)
        if wrong is not None:
            fix = "Return a list with one reward for each completion, in their order."
            what = f"{wrong.partition(': ')[2]}."
            findings.append(Finding(Severity.ERROR, f"{where}.source", what, fix))
    return findings
