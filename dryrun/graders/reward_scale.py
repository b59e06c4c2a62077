"""The scale of rewards that nobody declared, read from what a Python source returns. Nothing is run."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product

from dryrun.analysis.figures.coverage import COSTS
from dryrun.graders.format.findings import Finding, Severity
from dryrun.graders.format.python_source import FUNCTIONS, Function, callables_of, syntax_tree, top_level
from dryrun.graders.kinds.multi import MultiSpec
from dryrun.graders.kinds.python import PythonSpec
from dryrun.graders.specs import GraderSpec

DEFAULT_SCALE = (0.0, 1.0)
REWARD_KEYS = {"score", "reward", "aggregate_reward_score"}
"""Keys under which conventions look for the reward in what a function returns."""
COMPUTED: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
BELIEVABLE = 1e6
"""A larger constant is a sentinel, not a reward."""
COST = -math.inf
"""Stands for what is computed and never above 0, such as a distance with a minus before it."""
_NEEDED: Mapping[str, Callable[[Iterable[bool]], bool]] = {
    **dict.fromkeys(("float", "int", "round", "sqrt", "min"), all),
    "max": any,
}
"""All of what is given, or any of it, must not be below 0, so that the result is not."""


def reward_scale(spec: GraderSpec) -> tuple[float, float]:
    """The grader's own scale where it follows from its type or its source, else 0..1."""
    if spec.range is not None:
        return spec.range
    if isinstance(spec, MultiSpec):
        parts = {key: _part_scale(part) for key, part in spec.graders.items()}
        return spec.formula.interval(parts) or DEFAULT_SCALE
    if isinstance(spec, PythonSpec):
        name = spec.entry.function if spec.entry is not None else "grade"
        return returned_scale(spec.source, name) or DEFAULT_SCALE
    return DEFAULT_SCALE


def _part_scale(spec: GraderSpec) -> tuple[float, float]:
    """As `reward_scale`, but narrower than 0..1 where a source pays constants only: sums add up."""
    if isinstance(spec, PythonSpec):
        name = spec.entry.function if spec.entry is not None else "grade"
        constants = set(_paid(spec.source, name))
        if len(constants) > 1 and None not in constants:
            known = [value for value in constants if value is not None]
            return min(known), max(known)
    return reward_scale(spec)


def scale_finding(spec: GraderSpec) -> Finding | None:
    """The note for a user whose rewards' scale was read from the source; None where it is the usual one."""
    low, high = reward_scale(spec)
    if spec.range is not None or (low, high) == DEFAULT_SCALE:
        return None
    what = f"pays rewards from {low:g} to {high:g}, as far as its source tells."
    fix = "Thresholds compare shares of that scale; give another as the reward range."
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
    every = _paid(source, function)
    computed = None in every
    constants = [value for value in every if value is not None and abs(value) < BELIEVABLE]
    constants += [0.0] * (COST in every)
    low, high = min(constants, default=0.0), max(constants, default=0.0)
    if COST in every and low == 0.0 and not computed:
        return COSTS[0], high
    if low < 0.0:
        return low, max(high, 1.0 if computed or high <= low else high)
    several = len(set(constants)) > 1  # one constant alone is no scale
    return (0.0, high) if high > 1.0 and several and not computed else None


def _paid(source: str, function: str) -> list[float | None]:
    """The rewards that a function can return, None for a computed one; empty for an unknown function."""
    tree = syntax_tree(source)
    node = _function(tree, function)
    return [] if node is None else list(_Values(tree, node, frozenset()).returned())


def _function(tree: ast.Module, name: str) -> Function | None:
    last = name.rpartition(".")[2]
    statements = top_level(tree.body)
    inside = [part for node in statements if isinstance(node, ast.ClassDef) for part in node.body]
    for node in reversed([*inside, *statements] if "." not in name else [*statements, *inside]):
        if isinstance(node, FUNCTIONS) and node.name == last:
            return node
    return next((node for node in callables_of(tree) if node.name == last), None)


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions defined in it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            yield node
            yield from _own_nodes(node)


def _assignments(function: ast.AST) -> dict[str, list[ast.expr]]:
    """All that is assigned to each name, and appended to each list."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in _own_nodes(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                assigned.setdefault(name, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                assigned.setdefault(name, []).append(value)
            case ast.AugAssign(target=ast.Name(id=name) as total, op=op, value=value):
                assigned.setdefault(name, []).append(ast.BinOp(left=total, op=op, right=value))
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value]):
                assigned.setdefault(name, []).append(value)
    return assigned


class _Values:
    """The numbers that expressions of one function can be.

    Parameters
    ----------
    tree : ast.Module
        Where functions that it calls are looked up.
    function : function node
    called : frozenset of str
        Functions on the way here, which are not entered again.
    """

    def __init__(self, tree: ast.Module, function: Function, called: frozenset[str]) -> None:
        self._tree, self._function = tree, function
        self._called = called | {function.name}
        self._assigned = _assignments(function)

    def returned(self) -> Iterator[float | None]:
        """What the function can return; None for what is computed."""
        for node in _own_nodes(self._function):
            if isinstance(node, ast.Return) and node.value is not None:
                yield from self.of(node.value)

    def of(self, value: ast.expr, seen: frozenset[str] = frozenset()) -> Iterator[float | None]:
        """The numbers that an expression can be; None for what is computed."""
        match value:
            case ast.Constant(value=bool() | int() | float() as number):
                yield float(number)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                yield -float(number)
            case ast.IfExp(body=body, orelse=orelse):
                yield from self._any((body, orelse), seen)
            case ast.Dict(keys=keys, values=values):
                for key, part in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and key.value in REWARD_KEYS:
                        yield from self.of(part, seen)
            case (
                ast.List(elts=parts)
                | ast.Tuple(elts=parts)
                | ast.Call(func=ast.Attribute(attr="gather"), args=parts)
            ):
                yield from self._any(parts, seen)
            case ast.Call(func=ast.Name(id="float" | "int"), args=[ast.Compare() | ast.BoolOp()]):
                yield from (0.0, 1.0)
            case (
                ast.ListComp(elt=part)
                | ast.GeneratorExp(elt=part)
                | ast.Await(value=part)
                | ast.Starred(value=part)
                | ast.Call(func=ast.Name(id="list" | "float"), args=[part])
                | ast.Call(func=ast.Attribute(attr="array" | "asarray" | "tensor"), args=[part, *_])
            ):
                yield from self.of(part, seen)
            case ast.Call(func=ast.Name(id="max"), args=[_, _] as parts) if any(map(self._is_cost, parts)):
                yield from self._any(parts, seen)
            case _ if self._is_cost(value):
                yield COST
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=right):
                yield from self._combined(op, list(self.of(left, seen)), list(self.of(right, seen)))
            case ast.Call(func=ast.Name(id=name)) if name not in self._called:
                yield from self._of_call(name)
            case ast.Name(id=name) if name in self._assigned and name not in seen:
                yield from self._any(self._assigned[name], seen | {name})
            case _:
                yield None

    def _is_cost(self, value: ast.expr) -> bool:
        """Whether an expression is computed and never above 0."""
        parts = self._assigned.get(value.id, []) if isinstance(value, ast.Name) else [value]
        computed = any(not isinstance(part, ast.Constant) for part in parts)
        return computed and self._never_above(value, frozenset())

    def _never_above(self, value: ast.expr, seen: frozenset[str]) -> bool:
        match value:
            case ast.Constant(value=int() | float() as number):
                return number <= 0
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._counts(operand)
            case ast.BinOp(left=left, op=ast.Mult() | ast.Div() | ast.Sub(), right=right):
                return self._never_above(left, seen) and self._counts(right)
            case ast.Name(id=name):
                parts = self._assigned.get(name, [value])
                return name in seen or all(self._never_above(part, seen | {name}) for part in parts)
            case _:
                return False

    def _counts(self, value: ast.expr, seen: frozenset[str] = frozenset()) -> bool:
        """Whether an expression is never below 0: a length, a distance, and what is made of these alone."""
        match value:
            case ast.Constant(value=int() | float() as number):
                return number >= 0
            case ast.Call(func=ast.Name(id="abs" | "len")):
                return True
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=parts) if name in _NEEDED:
                return _NEEDED[name](self._counts(part, seen) for part in parts)
            case ast.BinOp(left=left, op=ast.Mult() | ast.Div() | ast.FloorDiv() | ast.Add(), right=right):
                return self._counts(left, seen) and self._counts(right, seen)
            case ast.Name(id=name) if name in self._assigned and name not in seen:
                return all(self._counts(part, seen | {name}) for part in self._assigned[name])
            case _:
                return False

    def _any(self, parts: Iterable[ast.expr], seen: frozenset[str]) -> Iterator[float | None]:
        for part in parts:
            yield from self.of(part, seen)

    def _of_call(self, name: str) -> Iterator[float | None]:
        inner = (node for node in ast.walk(self._function) if isinstance(node, FUNCTIONS))
        node = next((node for node in inner if node.name == name), None) or _function(self._tree, name)
        values = list(_Values(self._tree, node, self._called).returned()) if node is not None else []
        yield from values or [None]

    @staticmethod
    def _combined(
        op: ast.operator, left: Sequence[float | None], right: Sequence[float | None]
    ) -> Iterator[float | None]:
        """The ends of a sum, a difference or a product: rewards of several functions are often added."""
        ones, others = ([value for value in side if value is not None] for side in (left, right))
        if {None, COST} & {*left, *right} or not ones or not others:
            yield None
            return
        compute = COMPUTED[type(op)]
        for first, second in product((min(ones), max(ones)), (min(others), max(others))):
            yield compute(first, second)
