"""A grader as people give it, JSON or a Python file -> a `GraderSpec`, or every problem with its path."""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from dryrun.core.errors import GraderError, Problem, text_of_file
from dryrun.core.text import stopped
from dryrun.graders.format.conventions import Convention, EntryPoint, entry_of
from dryrun.graders.format.findings import Finding, did_you_mean, path_of
from dryrun.graders.format.formula import FormulaError, parse_formula
from dryrun.graders.format.json_text import BOM, value_of
from dryrun.graders.format.python_source import FUNCTIONS, is_body, syntax_tree
from dryrun.graders.format.template import kind_of
from dryrun.graders.kinds import KINDS
from dryrun.graders.specs import GraderSpec

KIND_OF: Mapping[str, type[GraderSpec]] = {kind.type_name(): kind for kind in KINDS}

NOT_YET: Mapping[str, str] = {
    "endpoint": "calls a web service of its own, which Dry Run cannot run yet",
    "lambda": "calls an AWS Lambda function, which Dry Run cannot reach (the Python file with its "
    "lambda_handler can be given as a grader)",
}
"""OpenAI's other types."""

COMBINE = 'Give one; several are combined as "graders" of a multi grader.'
MOST_WRAPPERS = 3
"""How deep a grader is looked for in something that is not one: method, reinforcement, grader."""


def load_grader(config: Mapping[str, Any] | str, where: str = "$") -> GraderSpec:
    """Read and validate a grader.

    Parameters
    ----------
    config : mapping or str
        A grader in OpenAI's JSON, parsed or as text; or the text of a Python file.
    where : str
        Path that problems are reported under.

    Raises
    ------
    GraderError
        With every problem found.
    """
    problems: list[Problem] = []
    config = grader_of(config) if isinstance(config, str) else config
    value = value_of(config, where, problems) if isinstance(config, str) else config
    spec = None if problems else _load(value, where, problems)
    if spec is None or problems:
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise GraderError(f"This grader has {count}:", problems)
    return spec


def _load(value: Any, where: str, problems: list[Problem]) -> GraderSpec | None:
    if not isinstance(value, Mapping):
        what = f"a grader is a JSON object, not {kind_of(value)}."
        problems.append(Problem(where, what, packed_hint(value)))
        return None
    kind = _type_of(value, where, problems)
    if kind in NOT_YET:
        fix = "Use string_check, text_similarity, score_model, python or multi."
        problems.append(Problem(f"{where}.type", f"a grader of type {kind} {NOT_YET[kind]}.", fix))
        return None
    return KIND_OF[kind].read(value, where, problems, _load) if kind else None


def _type_of(value: Mapping[str, Any], where: str, problems: list[Problem]) -> str:
    """The type of a grader, ``""`` for none; a missing one is guessed for the fix, never for the result."""
    kind = value.get("type")
    if kind in [*KIND_OF, *NOT_YET]:
        return str(kind)
    if kind is None:
        problems.append(Problem(where, "the field 'type' is missing.", guessed_type(value, where)))
    else:
        what = f"{json.dumps(kind, default=str)} is not a type of grader."
        problems.append(Problem(f"{where}.type", what, type_fix(kind, value, where)))
    return ""


def type_fix(name: object, value: Mapping[str, Any], where: str) -> str:
    """The type that a misspelt type of a grader probably means."""
    word = name.lower() if isinstance(name, str) else ""
    meant = next((known for known, kind in KIND_OF.items() if word in kind.also_called), None)
    return _packed_in(value, where) or (f"Did you mean {meant!r}?" if meant else did_you_mean(name, KIND_OF))


def guessed_type(value: Mapping[str, Any], where: str) -> str:
    """What to write where the type is missing."""
    if inside := _packed_in(value, where):
        return inside
    for name, kind in KIND_OF.items():
        for field in kind.telling:
            if field in value:
                return f'With {field!r} it is probably "type": "{name}".'
    if "messages" in value:
        return "This looks like a row of a dataset; a grader is a file of its own."
    return f"Known types: {', '.join(KIND_OF)}."


def packed_hint(value: Any) -> str:
    """What to do about a grader that is packed into a list or a text."""
    if isinstance(value, str):
        holds = "This is a text that holds one: leave out the quotes around it, and the backslashes."
        return holds if value.lstrip().startswith("{") else 'Write {"type": "...", ...}.'
    if isinstance(value, list) and len(value) == 1:
        return "Leave out the brackets around it."
    return COMBINE if isinstance(value, list) and value else ""


def _packed_in(value: Mapping[str, Any], where: str) -> str:
    """Where within a job, an eval or another wrapper the grader is; ``""`` where there is none."""
    if "graders" in value:
        return ""
    places = list(_graders_in(value, where, MOST_WRAPPERS))
    if not places:
        return ""
    if len(places) > 1:
        return f"There are {len(places)} graders in it, the first at {places[0]}. {COMBINE}"
    return f"The grader is the object at {places[0]}: give that alone."


def _graders_in(value: Any, where: str, depth: int) -> Iterator[str]:
    """Paths of objects below `value` that have the type of a grader."""
    inner = value.items() if isinstance(value, Mapping) else enumerate(value)
    for step, part in inner:
        at = path_of(where, [step])
        if isinstance(part, Mapping) and part.get("type") in [*KIND_OF, *NOT_YET]:
            yield at
        elif depth and isinstance(part, (Mapping, list)):
            yield from _graders_in(part, at, depth - 1)


Config = dict[str, Any]

_PYTHON_LINE = re.compile(r"^\s*(?:async\s+def|def|import|from|return|class)\b|^@\w", re.MULTILINE)
_TELLING = (*FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Return, ast.Assign)


def grader_of(text: str, convention: Convention | None = None, function: str | None = None) -> Config | str:
    """Grader JSON as it is; Python source as a python grader.

    Parameters
    ----------
    text : str
    convention : Convention, optional
        How the source wants to be called. Default: guessed from its functions.
    function : str, optional
        Which of its functions grades, or a formula of several: ``"right + 0.5 * short"``. Default: the only
        one that can be meant.

    Raises
    ------
    GraderError
        No convention fits the source, or several functions do.
    """
    text = text.removeprefix(BOM)
    if is_python(text):
        return python_grader(text, convention, function)
    if convention is None and function is None:
        return text
    raise GraderError(
        "A convention and a function are for Python files:",
        [Problem("$", "this grader is JSON.", 'Write "convention" and "function" into it.')],
    )


def read_grader(
    path: Path, convention: Convention | None = None, function: str | None = None
) -> Config | str:
    """The grader in a file; see `grader_of`.

    Raises
    ------
    DryRunError
        The file cannot be read, or `grader_of` refuses it.
    """
    return grader_of(text_of_file(path), convention, function)


_SOURCE = re.compile(r"\$(\.graders\.\w+)?\.source\Z")
_LINE = re.compile(r"line (\d+):? ")
Placed = TypeVar("Placed", Problem, Finding)


def in_file(parts: Iterable[Placed], name: str, text: str, *, loaded: bool = True) -> list[Placed]:
    """What is said of a source, with its place in the Python file it was read from: ``grader.py, line 3``.

    `name` and `text` are the file's; `loaded`: it was made a grader, and lines are the grader's. Of grader
    JSON the paths stay.
    """
    if not is_python(text):
        return list(parts)
    above = 0
    with contextlib.suppress(ValueError):  # the line that `wrapped` puts above the body of a function
        above = int(loaded and is_body(syntax_tree(text)))
    return [_placed(part, name, above) for part in parts]


def _placed(part: Placed, name: str, above: int) -> Placed:
    if not _SOURCE.match(part.where):
        return part
    if not (line := _LINE.match(part.what)):
        return replace(part, where=name)
    where = f"{name}, line {int(line.group(1)) - above}"
    return replace(part, where=where, what=part.what[line.end() :])


def is_python(text: str) -> bool:
    """Whether a text is meant as Python source rather than JSON."""
    if not text.strip() or text.lstrip(f"{BOM} \t\r\n")[:1] in ("{", "["):
        return False
    try:
        tree = syntax_tree(text)
    except ValueError:
        return _PYTHON_LINE.search(text) is not None
    return any(isinstance(node, _TELLING) for node in ast.walk(tree))


def python_grader(source: str, convention: Convention | None = None, function: str | None = None) -> Config:
    """A python grader of a source.

    Raises
    ------
    GraderError
        No convention fits it, or several functions do.
    """
    source = source.removeprefix(BOM)
    try:
        tree = syntax_tree(source)
        if is_body(tree) and convention in (None, Convention.OPENAI):
            return {"type": "python", "name": "grade", "source": wrapped(source, tree)}
        if function is not None and not function.isidentifier():
            return _weighed(source, convention, function)
        entry = entry_of(source, convention, function)
    except ValueError as error:
        message = str(error)
        raise GraderError("This grader has one problem:", [Problem("$.source", stopped(message))]) from None
    return _config(source, entry)


def _config(source: str, entry: EntryPoint) -> Config:
    own = {} if entry.convention is Convention.OPENAI else {"convention": entry.convention.value}
    if own:
        own["function"] = entry.function
    return {"type": "python", "name": entry.function, **own, "source": source}


def _weighed(source: str, convention: Convention | None, formula: str) -> Config:
    """Several functions of a source, added by a formula of their names; commas count as plus.

    Raises
    ------
    ValueError
        It is no formula, or a name in it no function that can be called.
    """
    text = formula.replace(",", " + ") if "(" not in formula else formula
    try:
        names = parse_formula(text).variables
    except FormulaError as error:
        raise ValueError(f"{formula!r} is neither a function nor a sum of functions: {error}") from None
    graders = {name: _config(source, entry_of(source, convention, name)) for name in names}
    return {"type": "multi", "name": "sum", "graders": graders, "calculate_output": text}


def wrapped(source: str, tree: ast.Module) -> str:
    """The bare body of a function as ``grade(sample, item)``; lines within texts stay as they are.

    Raises
    ------
    ValueError
        It holds what cannot stand within a function.
    """
    within: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            raise ValueError(
                f"line {node.lineno}: from __future__ cannot stand in a function's body. Leave it out."
            )
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
        ):
            within.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    lines = [
        line if number in within or not line.strip() else f"    {line}"
        for number, line in enumerate(source.splitlines(), 1)
    ]
    return "\n".join(["def grade(sample, item):", *lines, ""])
