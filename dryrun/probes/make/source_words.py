"""What a grader's source says without being run: dangers, chance, the clock, the words it looks for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard

from dryrun.graders.format.python_source import functions_of, parameters_of, syntax_tree

_RANDOM = frozenset(
    [
        "random",
        "uniform",
        "choice",
        "choices",
        "randint",
        "randrange",
        "shuffle",
        "sample",
        "gauss",
        "normalvariate",
        "rand",
        "randn",
        "normal",
        "token_hex",
        "token_bytes",
        "urandom",
        "uuid4",
        "uuid1",
        "getrandbits",
    ]
)
_CLOCK = frozenset(["time", "time_ns", "now", "utcnow", "today", "perf_counter", "monotonic"])
_RUNS_CODE = frozenset({"eval", "exec", "compile", "__import__"})
_SHELL = frozenset({"system", "popen", "Popen", "check_output", "check_call"})
_NETWORK = frozenset(["requests", "httpx", "urllib", "socket", "aiohttp", "http", "ftplib", "openai"])
_REGEX_SIGNS = re.compile(r"[\\()\[\]{}|*+?^$]")


class Danger(StrEnum):
    """What sort of thing was found in the source."""

    RUNS_TEXT = "runs text as code"
    STARTS_PROGRAMS = "starts other programs"
    NETWORK = "uses the network"
    CHANCE = "uses chance"
    CLOCK = "reads the clock"
    STATE = "remembers earlier calls"
    HASH = "uses hash(), which differs from process to process"
    FIELD = "reads a field that the rows do not have"
    BLIND = "never looks at the response"


@dataclass(frozen=True, slots=True)
class Remark:
    """One such place.

    Attributes
    ----------
    danger : Danger
    line : int
        From 1.
    detail : str
        What stands there.
    """

    danger: Danger
    line: int
    detail: str


def scan(source: str, fields: frozenset[str] = frozenset()) -> list[Remark]:
    """What is worth saying about the source, by line; nothing where it is no Python.

    Parameters
    ----------
    source : str
    fields : frozenset of str
        Fields that the rows have; empty: do not ask.
    """
    tree = _tree(source)
    if tree is None:
        return []
    sums = _sums_only(tree)
    remarks = [remark for node in ast.walk(tree) if id(node) not in sums for remark in _remarks(node)]
    if any(_seeds(node) for node in ast.walk(tree)):
        remarks = [remark for remark in remarks if remark.danger is not Danger.CHANCE]
    remarks += _blind(tree)
    if fields:
        remarks += _unknown_fields(tree, fields)
    return sorted(set(remarks), key=lambda remark: (remark.line, remark.detail))


def mined(source: str) -> list[str]:
    """The words and phrases that the source holds, in order: what it may be looking for."""
    tree = _tree(source)
    if tree is None:
        return []
    keys = _keys(tree)
    phrases: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in keys:
            phrases.update(dict.fromkeys(_phrases(node.value)))
    return list(phrases)


_OF_REFUSAL = re.compile(
    r"(?i)sorry|\brefus|(?:can.{0,3}t|cannot|unable to)[^\n]{1,40}?\b(?:help|assist|comply)"
)


def names_refusals(source: str) -> bool:
    """Whether the source looks for refusals: what it pays for one is then its author's choice."""
    tree = _tree(source)
    nodes = () if tree is None else ast.walk(tree)
    texts = (node.value for node in nodes if isinstance(node, ast.Constant))
    return any(isinstance(text, str) and _OF_REFUSAL.search(text) for text in texts)


def _tree(source: str) -> ast.Module | None:
    try:
        return syntax_tree(source)
    except ValueError:
        return None


def _phrases(text: str) -> list[str]:
    if not _REGEX_SIGNS.search(text):
        return [text] if text.strip() and len(text) > 1 else []
    return re.findall(r"[^\W\d_]{3,}", re.sub(r"\\[a-zA-Z]", " ", text))


def _keys(tree: ast.Module) -> set[int]:
    """Constants that the answer is not compared with: names of fields, docstrings."""
    keys = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            keys.add(id(node.slice))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            keys.update(id(argument) for argument in node.args[:1])
        elif isinstance(node, ast.Expr):
            keys.add(id(node.value))
    return keys


def _remarks(node: ast.AST) -> Iterator[Remark]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        for name in names:
            if name.partition(".")[0] in _NETWORK and name != "urllib.parse":
                yield Remark(Danger.NETWORK, node.lineno, f"import {name}")
    elif isinstance(node, ast.Global):
        yield Remark(Danger.STATE, node.lineno, f"global {', '.join(node.names)}")
    elif isinstance(node, ast.Call):
        danger = _call_danger(node)
        if danger is not None:
            yield Remark(danger, node.lineno, ast.unparse(node.func) + "(...)")


_NO_WORDS = re.compile(r"\^?\(?\[(?!\^)(?:\\[dsnt]|\\\W|[^\]\\A-Za-z_])+\](?:[+*]|\{\d+,?\d*\})\)?(\$|\\Z)?")
"""A pattern of one class of signs without letters: digits, operators, brackets, blanks."""


def _sums_only(tree: ast.Module) -> set[int]:
    """Calls of ``eval`` in functions that match a text with digits and operators.

    Where the pattern need not reach the text's end, those without builtins alone.
    """
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    patterns = [match for text in texts if isinstance(text, str) and (match := _NO_WORDS.fullmatch(text))]
    calls: set[int] = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or not patterns:
            continue
        nodes = list(ast.walk(function))
        tests = {node.attr for node in nodes if isinstance(node, ast.Attribute)} & {"match", "fullmatch"}
        if tests:
            whole = "fullmatch" in tests or all(pattern[1] for pattern in patterns)
            calls |= {id(node) for node in nodes if _is_eval(node) and (whole or _bare(node))}
    return calls


def _is_eval(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "eval"


def _bare(call: ast.Call) -> bool:
    """Whether this evaluates an expression with no builtins at hand."""
    return len(call.args) > 1 and "__builtins__" in ast.unparse(call.args[1])


def _call_danger(node: ast.Call) -> Danger | None:
    called = node.func
    if isinstance(called, ast.Name):
        if called.id in _RUNS_CODE and not (node.args and isinstance(node.args[0], ast.Constant)):
            return Danger.RUNS_TEXT
        if called.id == "hash":
            return Danger.HASH
        return Danger.CHANCE if called.id in _RANDOM - {"sample", "random", "normal"} else None
    if not isinstance(called, ast.Attribute):
        return None
    owner = ast.unparse(called.value)
    if called.attr in _SHELL or owner == "subprocess":
        return Danger.STARTS_PROGRAMS
    if owner in ("pickle", "marshal") and called.attr == "loads":
        return Danger.RUNS_TEXT
    if called.attr in _RANDOM and re.search(r"random|secrets|uuid|os$", owner):
        return Danger.CHANCE
    if called.attr in _CLOCK and re.search(r"time|date", owner):
        return Danger.CLOCK
    return None


def _seeds(node: ast.AST) -> bool:
    """Whether chance is given a fixed beginning."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("seed", "Random", "default_rng")
        and bool(node.args)
    )


_RESPONSES = ("completions", "completion", "solution_str", "solution_strs")


def _blind(tree: ast.Module) -> Iterator[Remark]:
    """Functions that are handed the response and leave it alone."""
    for function in functions_of(tree):
        names = parameters_of(function)
        response = next((name for name in _RESPONSES if name in names), "")
        response = names[0] if function.name == "grade" and len(names) == 2 else response
        used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        if response and not used & {response, "locals", "completion_ids"}:
            yield Remark(Danger.BLIND, function.lineno, f"{function.name}: {response} is not used")


def _unknown_fields(tree: ast.Module, fields: frozenset[str]) -> Iterator[Remark]:
    """Constant keys asked of ``grade``'s second parameter that no row has."""
    for function in ast.walk(tree):
        if (
            not isinstance(function, ast.FunctionDef)
            or function.name != "grade"
            or len(function.args.args) < 2
        ):
            continue
        item = function.args.args[1].arg
        for node in ast.walk(function):
            key = _asked_key(node, item)
            if key is not None and key not in fields:
                yield Remark(Danger.FIELD, getattr(node, "lineno", 0), f"{item}[{key!r}]")


def _asked_key(node: ast.AST, item: str) -> str | None:
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == item:
        key = node.slice
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == item
        and node.args
    ):
        key = node.args[0]
    else:
        return None
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
