"""Findings about a dataset and a grader as SARIF, which code hosts show beside the lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import orjson

from dryrun.core.errors import Problem
from dryrun.core.text import writable
from dryrun.core.version import __version__
from dryrun.graders.format.findings import Finding, Severity

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LINE = re.compile(r"\blines? (\d[\d,]*)")


@dataclass(frozen=True, slots=True)
class Annotation:
    """One finding at a place.

    Attributes
    ----------
    rule : str
        What kind it is: ``"dataset"``, ``"grader"``, or the code of a suspicion.
    severity : Severity
    words : str
        In sentences.
    file : Path
    line : int
        From 1; 1 where no line is known.
    path : str
        JSON path in the file, or ``""``.
    """

    rule: str
    severity: Severity
    words: str
    file: Path
    line: int = 1
    path: str = ""


def problem_annotations(problems: Iterable[Problem], rule: str, file: Path) -> Iterator[Annotation]:
    """What forbids the use of a file, each at the first line that it names."""
    for problem in problems:
        yield Annotation(rule, Severity.ERROR, str(problem), file, *_place(problem.where))


def grader_annotations(findings: Iterable[Finding], file: Path) -> Iterator[Annotation]:
    """Validation's findings about a grader."""
    for finding in findings:
        yield Annotation("grader", finding.severity, str(finding.problem), file, *_place(finding.where))


def _place(where: str) -> tuple[int, str]:
    """A line and a JSON path."""
    return line_named(where), where if where.startswith("$") else ""


def sarif(marks: Iterable[Annotation], root: Path) -> str:
    """A log of one run, files relative to `root`.

    References
    ----------
    OASIS, Static Analysis Results Interchange Format 2.1.0, errata 01.
    """
    shown = list(marks)
    results = [_result(mark, root) for mark in shown]
    rules = [{"id": name} for name in sorted({mark.rule for mark in shown})]
    driver = {"name": "Dry Run", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(log, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _result(mark: Annotation, root: Path) -> dict[str, object]:
    location: dict[str, object] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(mark.file, root)},
            "region": {"startLine": mark.line},
        }
    }
    if mark.path:
        location["logicalLocations"] = [{"fullyQualifiedName": writable(mark.path)}]
    return {
        "ruleId": mark.rule,
        "level": mark.severity.value,
        "message": {"text": writable(mark.words)},
        "locations": [location],
    }


def _uri(file: Path, root: Path) -> str:
    full, base = file.resolve(), root.resolve()
    if full.is_relative_to(base):
        return quote(full.relative_to(base).as_posix())
    return full.as_uri()


def line_named(words: str) -> int:
    """The first line of a file that a sentence names; 1 where it names none."""
    match = _LINE.search(words)
    return int(match.group(1).replace(",", "")) if match else 1
