"""The scale of rewards that nobody declared, read from what a Python source returns. Nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from dryrun.graders.format.findings import Finding, Severity
from dryrun.graders.format.python_source import syntax_tree, top_level
from dryrun.graders.format.specs import GraderSpec
from dryrun.graders.kinds.python import PythonSpec

DEFAULT_SCALE = (0.0, 1.0)
REWARD_KEYS = {"score", "reward", "aggregate_reward_score"}
"""Keys under which conventions look for the reward in what a function returns."""
BELIEVABLE = 1e6
"""A larger constant is a sentinel, not a reward."""


def reward_scale(spec: GraderSpec) -> tuple[float, float]:
    """The grader's own scale where it follows from its type or its source, else 0..1."""
    if spec.range is not None:
        return spec.range
    if isinstance(spec, PythonSpec):
        name = spec.entry.function if spec.entry is not None else "grade"
        return returned_scale(spec.source, name) or DEFAULT_SCALE
    return DEFAULT_SCALE


def scale_finding(spec: GraderSpec) -> Finding | None:
    """What to tell a user whose rewards' scale was read from the source; None where it is the usual one."""
    low, high = reward_scale(spec)
    if spec.range is not None or (low, high) == DEFAULT_SCALE:
        return None
    what = f"pays rewards from {low:g} to {high:g}, as far as its source tells."
    fix = "Thresholds compare shares of that scale; give another with --reward-range LOW HIGH."
    return Finding(Severity.NOTE, "$.source", what, fix)


def returned_scale(source: str, function: str) -> tuple[float, float] | None:
    """Lowest and highest reward that a function returns as a constant; None where they lie within 0..1.

    A reward of -1 that is written in the source is paid sooner or later, so it belongs to the scale
    whatever else is computed. A constant above 1 counts only where all that is returned is constant:
    it may be divided, or clipped, elsewhere.

    Parameters
    ----------
    source : str
    function : str
        Its name at the top level, or a method's behind its class: ``"Reward.__call__"``.
    """
    node = _function(syntax_tree(source), function)
    if node is None:
        return None
    assigned = _assignments(node)
    constants: list[float] = []
    computed = False
    for value in _returned(node):
        for constant in _constants(value, assigned):
            if constant is None:
                computed = True
            elif abs(constant) < BELIEVABLE:
                constants.append(constant)
    low, high = min(constants, default=0.0), max(constants, default=0.0)
    if low < 0.0:
        return low, max(high, 1.0 if computed or high <= low else high)
    several = len(set(constants)) > 1  # one constant alone is no scale
    return (0.0, high) if high > 1.0 and several and not computed else None


def _function(tree: ast.Module, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    last = name.rpartition(".")[2]
    statements = top_level(tree.body)
    inside = [part for node in statements if isinstance(node, ast.ClassDef) for part in node.body]
    for node in reversed([*inside, *statements] if "." not in name else [*statements, *inside]):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == last:
            return node
    return None


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions defined in it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            yield node
            yield from _own_nodes(node)


def _returned(function: ast.AST) -> Iterator[ast.expr]:
    for node in _own_nodes(function):
        if isinstance(node, ast.Return) and node.value is not None:
            yield node.value


def _assignments(function: ast.AST) -> dict[str, list[ast.expr]]:
    """All that is assigned to each name, and appended to each list."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in _own_nodes(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                assigned.setdefault(name, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                assigned.setdefault(name, []).append(value)
            case ast.AugAssign(target=ast.Name(id=name)):
                assigned.setdefault(name, []).append(node.target)  # a sum: computed, not constant
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value]):
                assigned.setdefault(name, []).append(value)
    return assigned


def _constants(
    value: ast.expr, assigned: dict[str, list[ast.expr]], seen: frozenset[str] = frozenset()
) -> Iterator[float | None]:
    """The numbers that an expression can be; None for what is computed."""
    match value:
        case ast.Constant(value=bool() | int() | float() as number):
            yield float(number)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            yield -float(number)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _constants(body, assigned, seen)
            yield from _constants(orelse, assigned, seen)
        case ast.Dict(keys=keys, values=values):
            for key, part in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and key.value in REWARD_KEYS:
                    yield from _constants(part, assigned, seen)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            for part in parts:
                yield from _constants(part, assigned, seen)
        case ast.ListComp(elt=part):
            yield from _constants(part, assigned, seen)
        case ast.Call(func=ast.Name(id="float" | "int"), args=[ast.Compare() | ast.BoolOp()]):
            yield from (0.0, 1.0)
        case ast.Call(func=ast.Name(id="float"), args=[part]):
            yield from _constants(part, assigned, seen)
        case ast.Name(id=name) if name in assigned and name not in seen:
            for part in assigned[name]:
                yield from _constants(part, assigned, seen | {name})
        case _:
            yield None
