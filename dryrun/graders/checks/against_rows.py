"""A grader checked against the rows it will grade.

References that no row, or only some rows, can fill; text that was meant as a template; parts without effect;
reference answers that stand in their own prompts, where a model need only copy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from dryrun.core.records import Prompt
from dryrun.core.text import percent, plural
from dryrun.dataset.audit import LEAST_ANSWER, asked_text, holds
from dryrun.graders.format.findings import Finding, RowCount, Severity, did_you_mean
from dryrun.graders.format.template import SAMPLE_MEMBERS, Reference, Template, VariableError
from dryrun.graders.kinds.python import PythonSpec, missing_packages
from dryrun.graders.reference_answers import references_of
from dryrun.graders.sandbox.status import sandbox_status
from dryrun.graders.specs import GraderSpec, build
from dryrun.graders.trial import response


def check_against(spec: GraderSpec, prompts: Iterable[Prompt], response_format: bool) -> list[Finding]:
    """What is wrong or suspicious about grading these prompts with this grader.

    Parameters
    ----------
    spec : GraderSpec
    prompts : iterable of Prompt
    response_format : bool
        Whether the responses are asked for with a response format.

    Returns
    -------
    list of Finding
        Errors first, then warnings, then notes; in order of the grader's fields within each.
    """
    rows = list(prompts)
    findings: list[Finding] = []
    for where, grader in spec.walk():
        for name, template in grader.templates.items():
            findings += _check_template(template, f"{where}.{name}", rows, response_format)
            findings += _check_plain_text(template, f"{where}.{name}", rows)
        findings += grader.check(where, rows, response_format)
    order = list(Severity)
    return sorted(dict.fromkeys(findings), key=lambda finding: order.index(finding.severity))


def _check_template(
    template: Template, where: str, rows: Sequence[Prompt], response_format: bool
) -> Iterator[Finding]:
    for reference in dict.fromkeys(template.references):
        if reference.namespace == "item":
            yield from _check_item_reference(reference, where, rows)
        else:
            yield from _check_sample_reference(reference, where, response_format)


def _check_item_reference(reference: Reference, where: str, rows: Sequence[Prompt]) -> Iterator[Finding]:
    missing, blank, reason = RowCount(), RowCount(), ""
    for prompt in rows:
        try:
            value = reference.resolve({"item": prompt.item})
        except VariableError as error:
            missing.add(prompt.row)
            reason = reason or str(error)
        else:
            if value is None or value == "":
                blank.add(prompt.row)
    if missing.total:
        yield _missing_finding(reference, where, rows, missing, reason)
    if blank.total:
        what = f"{reference} is empty in {blank.total:,} of {len(rows):,} rows {blank}."
        fix = "null is filled in as the text null, and nothing as nothing. Fill or drop these rows."
        yield Finding(Severity.WARNING, where, what, fix)


def _missing_finding(
    reference: Reference, where: str, rows: Sequence[Prompt], missing: RowCount, reason: str
) -> Finding:
    if missing.total == len(rows):
        keys = sorted({key for prompt in rows for key in prompt.item})
        fix = did_you_mean(reference.steps[0], keys) if reference.steps[0] not in keys else f"{reason}."
        return Finding(Severity.ERROR, where, f"no row can fill {{{{{reference}}}}}.", fix)
    what = f"{missing.total:,} of {len(rows):,} rows cannot fill {{{{{reference}}}}} {missing}."
    fix = "Their reward would be 0 with invalid_variable_error. Complete or drop these rows."
    return Finding(Severity.WARNING, where, what, fix)


def _check_sample_reference(reference: Reference, where: str, response_format: bool) -> Iterator[Finding]:
    member = str(reference.steps[0])
    if member not in SAMPLE_MEMBERS:
        what = f"{{{{{reference}}}}}: sample has no {member!r}."
        yield Finding(Severity.ERROR, where, what, did_you_mean(member, SAMPLE_MEMBERS))
    if member == "output_audio":
        what = f"{{{{{reference}}}}}: the responses here hold no audio, so nothing can fill it."
        yield Finding(Severity.ERROR, where, what)
    if member == "output_json" and not response_format:
        what = "sample.output_json exists in training only when the job has a response format."
        fix = "Set a response format; here it is filled whenever the response is JSON."
        yield Finding(Severity.WARNING, where, what, fix)
    if "arguments" in reference.steps[:-1]:
        what = "a tool call's arguments are a JSON string; that the service looks into it is undocumented."
        yield Finding(
            Severity.WARNING, where, what, "Here it does. A python grader can call json.loads itself."
        )


_PATH = r"(?:item|sample)\.[A-Za-z_][\w.\[\]-]*"
_HALF = re.compile(rf"[$%]?[{{<\[(]+\s*({_PATH})\s*[}}>\])]+")
_BARE = re.compile(rf"\s*\$?\.?({_PATH})\s*")


def _check_plain_text(template: Template, where: str, rows: Sequence[Prompt]) -> Iterator[Finding]:
    """A reference without its double braces is text like any other, and compared letter by letter."""
    for text in (part for part in template.parts if isinstance(part, str)):
        whole = len(template.parts) == 1
        if match := _HALF.search(text) or (_BARE.fullmatch(text) if whole else None):
            what = f"{match.group().strip()!r} is plain text: only double braces are filled."
            yield Finding(Severity.WARNING, where, what, f"Write {{{{{match.group(1)}}}}}.")
        elif whole and rows and all(text.strip() in prompt.item for prompt in rows):
            what = f"{text.strip()!r} is plain text, and a field of the rows has this name."
            yield Finding(Severity.WARNING, where, what, f"For the field write {{{{item.{text.strip()}}}}}.")


MOST, FEW = 0.5, 0.1
"""From `MOST` of the prompts on, holding their own answer is a finding; where more than `FEW` hold another
row's answer it is chance, as with the letters of a multiple choice."""
READ = 200
"""Prompts that are read before a run."""


def leak_finding(prompts: Sequence[Prompt], references: Sequence[str | None]) -> Finding | None:
    """The finding where most prompts hold their own reference answer, and few another row's.

    Parameters
    ----------
    prompts : sequence of Prompt
        Some of them, such as `READ`, are enough.
    references : sequence of str or None
        Their reference answers.
    """
    known = [
        (asked_text(prompt.item), answer)
        for prompt, answer in zip(prompts, references, strict=True)
        if answer and len(answer) >= LEAST_ANSWER
    ]
    others = [answer for _, answer in known[1:] + known[:1]]
    pairs = [(text, own, other) for (text, own), other in zip(known, others, strict=True) if own != other]
    if len(pairs) < 2:
        return None
    share = sum(holds(text, own) for text, own, _ in pairs) / len(pairs)
    chance = sum(holds(text, other) for text, _, other in pairs) / len(pairs)
    if share < MOST or chance > FEW:
        return None
    what = f"{percent(share)} of prompts hold their own reference answer, {percent(chance)} another row's."
    return Finding(Severity.WARNING, "dataset", what, "Where the task is not to find it there, it leaks.")


def contradictory(
    prompts: Sequence[Prompt], references: Callable[[Sequence[Prompt]], Sequence[str | None]]
) -> list[list[Prompt]]:
    """Rows that ask the very same and have different reference answers, those that ask alike together.

    Parameters
    ----------
    prompts : sequence of Prompt
    references : callable
        The reference answers of some of them; asked for those that stand more than once.
    """
    alike: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        alike.setdefault(repr(prompt.messages), []).append(prompt)
    several = [group for group in alike.values() if len(group) > 1]
    answers = iter(references([prompt for group in several for prompt in group]) if several else ())
    differ = [len({text.strip() for text in islice(answers, len(group)) if text}) > 1 for group in several]
    return [group for group, is_torn in zip(several, differ, strict=True) if is_torn]


def contradiction_finding(
    prompts: Sequence[Prompt], references: Callable[[Sequence[Prompt]], Sequence[str | None]]
) -> Finding | None:
    """The finding where rows ask the very same and have different reference answers."""
    torn = contradictory(prompts, references)
    if not torn:
        return None
    where = RowCount.of(sorted({prompt.row for group in torn for prompt in group}))
    what = f"{plural(len(torn), 'prompt')} with different reference answers in different rows {where}."
    fix = "A response that is right by one row is wrong by another. Mend them, or keep one row of each."
    return Finding(Severity.WARNING, "dataset", what, fix)


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
