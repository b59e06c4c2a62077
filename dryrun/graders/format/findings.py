"""What validation says of a grader: how bad, where, what, and what to do; pydantic's words made plain."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from dryrun.core.errors import GraderError, Problem
from dryrun.core.thresholds import Frozen
from dryrun.graders.format.template import kind_of

SHOWN_ROWS = 5
"""How many rows a finding names."""


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """The grader cannot be used like this."""
    WARNING = "warning"
    """It runs, but some rewards will not mean what they seem to."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing validation found.

    Attributes
    ----------
    severity : Severity
    where : str
        JSON path: ``"$.graders.exact.operation"``.
    what : str
        What is the matter, as a sentence part.
    fix : str
        What to do about it, as a sentence, or ``""``.
    """

    severity: Severity
    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.severity}: {self.problem}"

    @property
    def problem(self) -> Problem:
        """The same without its severity."""
        return Problem(self.where, self.what, self.fix)


@dataclass(slots=True)
class RowCount:
    """Rows that have something in common: how many, and the first of them (counted from 1)."""

    total: int = 0
    first: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Iterable[int]) -> RowCount:
        """The count of these rows (from 0)."""
        count = cls()
        for row in rows:
            count.add(row)
        return count

    def add(self, row: int) -> None:
        """One more row, counted from 0."""
        self.total += 1
        if len(self.first) < SHOWN_ROWS:
            self.first.append(row + 1)

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.first))
        more = ", ..." if self.total > len(self.first) else ""
        return f"({'row' if self.total == 1 else 'rows'} {shown}{more})"


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known spelling that `word` most likely means, or None."""
    if not isinstance(word, str):
        return None
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """``"Did you mean 'eq'?"``, or the list of what is known when nothing is near."""
    names = list(known)
    near = nearest(word, names)
    if near is not None:
        return f"Did you mean {near!r}?"
    return f"Known: {', '.join(names)}." if names else ""


def raise_errors(summary: str, findings: Iterable[Finding]) -> None:
    """Stop at findings that forbid going on.

    Raises
    ------
    GraderError
        There is a finding of severity `ERROR`; with all of them.
    """
    errors = [finding.problem for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise GraderError(summary, errors)


class UserRecord(Frozen):
    """A record that users write as JSON, and what helps them where a field is wrong.

    The description of a field is the fix that a user reads where the field is missing or empty, or
    where a list is written in another way.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    meant: ClassVar[Mapping[str, str]] = {}
    """Words that people write for a field or a value -> the right one, where spelling would not find it."""
    nested: ClassVar[Mapping[str, type[Frozen]]] = {}
    """Fields that hold records of their own."""

    type: str

    @classmethod
    def type_name(cls) -> str:
        """The ``type`` in JSON."""
        return str(get_args(cls.model_fields["type"].annotation)[0])

    @classmethod
    def place_of(cls, field: str) -> str:
        """Where an unknown field belongs, as a sentence; ``""`` where that is not known."""
        return ""


Spec = TypeVar("Spec", bound=UserRecord)

WANTED: Mapping[str, str] = {
    "string": "text",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "dict": "an object",
    "bool": "true or false",
    "model": "an object",
}
"""Pydantic's names of what a field takes."""

BOUNDS: Mapping[str, str] = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}
"""Pydantic's names of what a number breaks."""


def validated(
    model: type[Spec], value: Mapping[str, Any], where: str, problems: list[Problem]
) -> Spec | None:
    """The grader of these fields; None where pydantic refuses them, with its reasons in `problems`."""
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        explained = [_explained(model, detail, where) for detail in error.errors(include_url=False)]
        problems.extend(problem for problem in explained if problem not in problems)
        return None


def path_of(where: str, steps: Sequence[int | str]) -> str:
    """A JSON path and further steps below it: ``$.input[0].role``."""
    return where + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _explained(model: type[UserRecord], detail: ErrorDetails, where: str) -> Problem:
    """One of pydantic's findings in the words of the grader's author."""
    steps = detail["loc"]
    field = str(steps[-1]) if steps else ""
    path = path_of(where, steps)
    owner = model.nested.get(str(steps[0]), model) if len(steps) > 1 else model
    declared = _fields(owner).get(field)
    fix = (declared.description if declared else "") or ""  # what the field's declaration says to users
    entry = detail["input"]
    match detail["type"]:
        case "missing":
            return Problem(path_of(where, steps[:-1]), f"the field {field!r} is missing.", fix)
        case "extra_forbidden":
            holder = f"a {model.type_name()} grader" if owner is model else str(steps[0])
            what = f"{holder} has no field {field!r}."
            return Problem(path, what, _extra_fix(model, owner, field))
        case "enum" | "literal_error":
            what = f"{json.dumps(entry, default=str)} is not one of its values."
            return Problem(path, what, _choice_fix(model, detail))
        case "value_error":
            message = str(detail.get("ctx", {}).get("error", detail["msg"])).rstrip()
            return Problem(path, message if message.endswith((".", "?")) else f"{message}.")
        case "too_short" | "string_too_short":
            return Problem(path, "is empty.", fix)
        case bound if bound in BOUNDS:
            limit = next(iter(detail["ctx"].values()))
            return Problem(path, f"must be {BOUNDS[bound]} {limit:g}, not {entry}.")
        case other if other.endswith("_type"):
            wanted = WANTED.get(other.removesuffix("_type"), other.removesuffix("_type"))
            shown = str(entry) if isinstance(entry, float) else kind_of(entry)
            return Problem(path, f"must be {wanted}, not {shown}.", _shape_fix(field, wanted, entry, fix))
    return Problem(path, f"{detail['msg']}.")


def _fields(model: type[Frozen]) -> dict[str, FieldInfo]:
    """The fields as JSON spells them."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _extra_fix(model: type[UserRecord], owner: type[Frozen], field: str) -> str:
    known = list(_fields(owner))
    if model.meant.get(field) in known:
        return f"Did you mean {model.meant[field]!r}?"
    if nearest(field, known) is not None:
        return did_you_mean(field, known)
    return (model.place_of(field) if owner is model else "") or (
        f"Leave it out; its fields are {', '.join(known)}."
    )


def _choice_fix(model: type[UserRecord], detail: ErrorDetails) -> str:
    """The nearest of a field's values."""
    entry = detail["input"]
    known = re.findall(r"'([^']*)'", detail["ctx"]["expected"])  # pydantic: "'eq', 'ne' or 'like'"
    meant = model.meant.get(entry.lower()) if isinstance(entry, str) else None
    return f"Did you mean {meant!r}?" if meant in known else did_you_mean(entry, known)


def _shape_fix(field: str, wanted: str, entry: object, fix: str) -> str:
    """How a value of another kind is written."""
    if wanted == "text" and isinstance(entry, (bool, int, float)):
        return f'Put it in quotes: "{json.dumps(entry)}".'
    if field == "source" and isinstance(entry, list):
        return "Join its lines with \\n."
    return fix if wanted == "a list" else ""
