"""The functions of a Python source, as they are written: read, never run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from dryrun.graders.format.python_source import top_level

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def is_body(tree: ast.Module) -> bool:
    """Whether the source is the bare body of a function: it returns at the top level."""
    return any(isinstance(node, ast.Return) for node in _own_statements(tree.body))


def functions_of(tree: ast.Module) -> list[Function]:
    """Functions defined at the top level; of two with one name the last."""
    found = {node.name: node for node in top_level(tree.body) if isinstance(node, FUNCTIONS)}
    return list(found.values())


def _own_statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of a block, those within functions and classes left out."""
    for node in body:
        yield node
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            continue
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            for inner in getattr(node, block, []):
                yield from _own_statements([inner] if isinstance(inner, ast.stmt) else inner.body)


def parameters_of(node: Function) -> list[str]:
    """Names of its parameters, in order."""
    arguments = node.args
    return [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def required_of(node: Function) -> list[str]:
    """Names of those without a default."""
    arguments = node.args
    positional = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    plain = positional[: len(positional) - len(arguments.defaults)]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return plain + [one.arg for one, default in pairs if default is None]


def decorators_of(node: Function) -> set[str]:
    """The last names of its decorators: ``@ep.reward_function(...)`` gives ``reward_function``."""
    names = set()
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        names.add(called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", ""))
    return names


def annotation_of(node: Function, parameter: str) -> str:
    """The annotation of a parameter as it is written; ``""`` if it has none."""
    everything = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return next(
        (ast.unparse(one.annotation) for one in everything if one.arg == parameter and one.annotation), ""
    )
