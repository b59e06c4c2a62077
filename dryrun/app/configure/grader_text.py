"""The text of a grader in the editor: lines of its errors, and the Python sources within its JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dryrun.app.shared.editor import LineError
from dryrun.core.errors import GraderError, Problem
from dryrun.core.text import cut

_LINE = re.compile(r"\bline (\d+)")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_SPACE = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Source:
    """A Python source within grader JSON.

    Attributes
    ----------
    path : str
        The source's JSON path: ``$.graders.a.source``.
    name : str
        Of its grader.
    text : str
    """

    path: str
    name: str
    text: str


def python_sources(text: str) -> list[Source]:
    """The sources of all python graders in a JSON text, outermost first; none while it is not JSON."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return list(_sources(value, "$", "grader"))


def _sources(value: Any, path: str, key: str) -> Iterator[Source]:
    if isinstance(value, list):
        for number, child in enumerate(value):
            yield from _sources(child, f"{path}[{number}]", key)
    if not isinstance(value, dict):
        return
    if value.get("type") == "python" and isinstance(value.get("source"), str):
        yield Source(f"{path}.source", cut(str(value.get("name") or key), 30), value["source"])
    for name, child in value.items():
        yield from _sources(child, f"{path}.{name}", name)


def with_source(text: str, path: str, source: str) -> str:
    """The JSON text with another source at this path; all else stays as it was typed."""
    span = span_of(text, path)
    if span is None:
        return text
    start, end = span
    return text[:start] + json.dumps(source, ensure_ascii=False) + text[end:]


def marks_of(text: str, error: GraderError, path: str = "") -> list[LineError]:
    """Where in a text each problem of a grader stands.

    Parameters
    ----------
    text : str
        The grader, JSON or Python; or the source at `path` of a grader in JSON.
    error : GraderError
    path : str
        JSON path of the source that is shown. Default: the whole grader is.
    """
    whole = not text.lstrip().startswith("{")
    marks = []
    for problem in error.problems:
        if path and problem.where != path:
            continue
        line = _said_line(problem, in_source=bool(path) or whole)
        marks.append(
            LineError(line or _line_of(text, problem.where), f"{problem.what} {problem.fix}".strip())
        )
    return marks


def _said_line(problem: Problem, in_source: bool) -> int | None:
    """The line that the problem names; in JSON only where it is the JSON's own."""
    match = _LINE.search(problem.where) or (_LINE.search(problem.what) if in_source else None)
    return int(match[1]) if match else None


def _line_of(text: str, path: str) -> int:
    """The line of a value, or of the nearest thing around it that is there."""
    while path and (span := span_of(text, path)) is None:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return text.count("\n", 0, span[0]) + 1 if path and span else 1


def span_of(text: str, path: str) -> tuple[int, int] | None:
    """Where the value at a JSON path begins and ends in the text; None where there is none."""
    if not path.startswith("$"):
        return None
    at: int | None = _skipped(text, 0)
    try:
        for key, index in _STEP.findall(path):
            at = None if at is None else _child(text, at, key or int(index))
        return None if at is None else (at, _end(text, at))
    except (ValueError, IndexError, RecursionError):
        return None


def _child(text: str, at: int, step: str | int) -> int | None:
    """Where a member of the object, or an element of the list, that begins at `at` begins."""
    if text[at] != ("[" if isinstance(step, int) else "{"):
        return None
    at, number = _skipped(text, at + 1), 0
    while text[at] not in "]}":
        name: str | int = number
        if isinstance(step, str):
            name, after = _DECODER.raw_decode(text, at)
            at = _skipped(text, _skipped(text, after) + 1)  # over the colon
        if name == step:
            return at
        at, number = _skipped(text, _end(text, at)), number + 1
    return None


def _end(text: str, at: int) -> int:
    return int(_DECODER.raw_decode(text, at)[1])


def _skipped(text: str, at: int) -> int:
    """The next place that is neither space nor comma."""
    match = _SPACE.match(text, at)
    return match.end() if match else at
