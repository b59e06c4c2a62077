"""Text that was meant as a template, and parts of a grader that have no effect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product

from dryrun.core.records import Prompt
from dryrun.graders.format.findings import Finding, Severity
from dryrun.graders.format.formula import FormulaError, Interval
from dryrun.graders.format.judge_specs import JudgeSpec
from dryrun.graders.format.specs import GraderSpec, MultiSpec
from dryrun.graders.format.template import Template

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
