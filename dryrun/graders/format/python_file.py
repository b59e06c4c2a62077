"""A Python file as a grader: its convention is found, a bare body wrapped, and grader JSON made."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from dryrun.core.errors import DryRunError, GraderError, Problem
from dryrun.graders.format.conventions import Convention, EntryPoint, entry_of
from dryrun.graders.format.formula import FormulaError, parse_formula
from dryrun.graders.format.json_text import BOM
from dryrun.graders.format.python_source import FUNCTIONS, is_body, syntax_tree

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
    try:
        return grader_of(path.read_text(encoding="utf-8-sig"), convention, function)
    except UnicodeDecodeError:
        raise DryRunError(f"{path}: not UTF-8 text. Save it as UTF-8 and try again.") from None
    except OSError as error:
        raise DryRunError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error


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
        raise GraderError("This grader has one problem:", [Problem("$.source", _sentence(message))]) from None
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


def _sentence(message: str) -> str:
    return message if message.endswith(".") else f"{message}."
