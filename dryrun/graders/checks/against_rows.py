"""A grader against the rows it shall grade: what no row, or only some rows, can fill, and other traps.

Text that was meant as a template, and parts of a grader that have no effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from dryrun.core.records import Prompt
from dryrun.graders.checks.python import check_source
from dryrun.graders.format.findings import Finding, RowCount, Severity, did_you_mean
from dryrun.graders.format.formula import FormulaError, Interval
from dryrun.graders.format.judge_specs import JudgeSpec
from dryrun.graders.format.specs import (
    GraderSpec,
    Metric,
    MultiSpec,
    Operation,
    PythonSpec,
    StringCheckSpec,
    TextSimilaritySpec,
)
from dryrun.graders.format.template import SAMPLE_MEMBERS, Reference, Template, VariableError
from dryrun.graders.sandbox.isolation import Mechanism
from dryrun.graders.sandbox.status import sandbox_status

COSINE_FIX = "Before training use fuzzy_match, a rouge metric or a judge."

_LIKE = (Operation.LIKE, Operation.ILIKE)


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
        findings += check_words(grader, where, rows)
        if isinstance(grader, StringCheckSpec):
            findings += _check_like(grader, where, rows)
        if isinstance(grader, (StringCheckSpec, TextSimilaritySpec)):
            findings += _check_sides(grader, where)
        if isinstance(grader, TextSimilaritySpec) and grader.evaluation_metric is Metric.COSINE:
            what = "cosine compares embeddings: the service has it for evals, not for fine-tuning."
            findings.append(Finding(Severity.WARNING, f"{where}.evaluation_metric", what, COSINE_FIX))
        if isinstance(grader, PythonSpec):
            findings += _check_sandbox(where)
            findings += check_source(grader, where, rows, response_format)
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


def _check_like(grader: StringCheckSpec, where: str, rows: Sequence[Prompt]) -> Iterator[Finding]:
    """An empty needle is found in everything."""
    if grader.operation not in _LIKE:
        return
    template = grader.templates["reference"]
    if any(reference.namespace == "sample" for reference in template.references):
        return
    empty = RowCount()
    for prompt in rows:
        try:
            if template.fill({"item": prompt.item}) == "":
                empty.add(prompt.row)
        except VariableError:
            continue
    if empty.total:
        what = f"the reference is empty in {empty.total:,} of {len(rows):,} rows {empty}."
        fix = f"{grader.operation} finds an empty reference in every response and pays 1."
        yield Finding(Severity.WARNING, f"{where}.reference", what, fix)


def _check_sides(grader: StringCheckSpec | TextSimilaritySpec, where: str) -> Iterator[Finding]:
    """The response belongs into ``input`` and the row's answer into ``reference``."""
    given, reference = (_namespaces(grader.templates[name]) for name in ("input", "reference"))
    if "sample" not in given | reference:
        what = "neither input nor reference uses the response, so the reward cannot depend on it."
        yield Finding(Severity.WARNING, where, what, "Usually input is {{sample.output_text}}.")
    elif _is_like(grader) and "sample" not in given:
        what = "the reference is looked for within the input: here the response in the row's field."
        yield Finding(Severity.WARNING, where, what, "Are input and reference swapped?")


def _is_like(grader: GraderSpec) -> bool:
    return isinstance(grader, StringCheckSpec) and grader.operation in _LIKE


def _namespaces(template: Template) -> set[str]:
    return {reference.namespace for reference in template.references}


def _check_sandbox(where: str) -> Iterator[Finding]:
    status = sandbox_status()
    if not status.available:
        yield Finding(Severity.ERROR, f"{where}.type", status.reason)
    elif status.mechanism is Mechanism.NOTHING:
        yield Finding(Severity.WARNING, f"{where}.type", status.reason)


MOST_CORNERS = 8
"""Parts of a formula up to which all corners of their ranges are tried."""

_PATH = r"(?:item|sample)\.[A-Za-z_][\w.\[\]-]*"
_HALF = re.compile(rf"[$%]?[{{<\[(]+\s*({_PATH})\s*[}}>\])]+")
_BARE = re.compile(rf"\s*\$?\.?({_PATH})\s*")


def check_words(grader: GraderSpec, where: str, rows: Sequence[Prompt]) -> Iterator[Finding]:
    """Findings about one grader; `rows` may be none."""
    for name, template in grader.templates.items():
        yield from _check_plain_text(template, f"{where}.{name}", rows)
    if isinstance(grader, MultiSpec):
        yield from _check_unused(grader, where)
        yield from _check_values(grader, where)
    if isinstance(grader, JudgeSpec) and not _shows_response(grader):
        what = "no message to the judge holds the response, so its answer cannot depend on it."
        yield Finding(Severity.WARNING, f"{where}.input", what, "Put {{sample.output_text}} into one.")


def _check_plain_text(template: Template, where: str, rows: Sequence[Prompt]) -> Iterator[Finding]:
    """A reference without its double braces is text like any other, and compared letter by letter."""
    for text in (part for part in template.parts if isinstance(part, str)):
        whole = len(template.parts) == 1
        if found := _HALF.search(text) or (_BARE.fullmatch(text) if whole else None):
            what = f"{found.group().strip()!r} is plain text: only double braces are filled."
            yield Finding(Severity.WARNING, where, what, f"Write {{{{{found.group(1)}}}}}.")
        elif whole and rows and all(text.strip() in prompt.item for prompt in rows):
            what = f"{text.strip()!r} is plain text, and a field of the rows has this name."
            yield Finding(Severity.WARNING, where, what, f"For the field write {{{{item.{text.strip()}}}}}.")


def _check_unused(grader: MultiSpec, where: str) -> Iterator[Finding]:
    for key in grader.graders:
        if key not in grader.formula.variables:
            what = f"the formula does not use {key!r}: it is graded and changes nothing."
            fix = f"Use it in calculate_output, or leave {key} out."
            yield Finding(Severity.WARNING, f"{where}.graders.{key}", what, fix)


def _check_values(grader: MultiSpec, where: str) -> Iterator[Finding]:
    """Whether the formula has a value at the ends of its parts' ranges, and between them."""
    formula = grader.formula
    failed: list[FormulaError] = []
    points = list(_points([grader.graders[key].range or (0.0, 1.0) for key in formula.variables]))
    for point in points:
        try:
            formula.evaluate(dict(zip(formula.variables, point, strict=True)))
        except FormulaError as error:
            failed.append(error)
    if failed:
        everywhere = f" (so at all {len(points)} points tried)" if len(failed) == len(points) else ""
        what = f"the formula {failed[0]}{everywhere}. The reward is 0 there, with formula_parse_error."
        fix = "Keep what it divides by, and what log and sqrt are given, above 0: max(x, 0.01)."
        yield Finding(Severity.WARNING, f"{where}.calculate_output", what, fix)


def _points(ranges: Sequence[Interval]) -> Iterator[tuple[float, ...]]:
    """The corners of the ranges, of many just the lowest and the highest, and a point between them."""
    if len(ranges) <= MOST_CORNERS:
        yield from product(*ranges)
    else:
        yield from ((tuple(low for low, _ in ranges)), tuple(high for _, high in ranges))
    shares = (0.3 + 0.4 * number / len(ranges) for number in range(len(ranges)))
    yield tuple(low + share * (high - low) for share, (low, high) in zip(shares, ranges, strict=True))


def _shows_response(grader: JudgeSpec) -> bool:
    templates = grader.templates.values()
    return any(part.namespace == "sample" for template in templates for part in template.references)


def check_threshold(grader: GraderSpec, where: str) -> Iterator[Finding]:
    """What `pass_threshold` does not do in training."""
    if getattr(grader, "pass_threshold", None) is not None:
        what = "pass_threshold changes no reward: training pays the grade itself."
        yield Finding(Severity.NOTE, f"{where}.pass_threshold", what, "It is for reports; leave it or not.")
