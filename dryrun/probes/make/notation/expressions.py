"""Expressions of whole numbers, as the Countdown game and 24 ask for, read."""

from __future__ import annotations

import ast
import operator
import re
from fractions import Fraction

from dryrun.graders.format.python_source import read_tree

LONGEST, HIGHEST = 300, 10**12

_SIGNS = {"×": "*", "\\times": "*", "\\cdot": "*", "·": "*", "÷": "/", "\\div": "/", "−": "-", "–": "-"}
_OPERATIONS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _read(text: str) -> tuple[Fraction, list[int]] | None:
    """What an expression comes to, and its numbers; None for other text. ``= 24`` behind it is left out."""
    for sign, plain in _SIGNS.items():
        text = text.replace(sign, plain)
    text = text.partition("=")[0].strip()
    if (
        len(text) > LONGEST
        or not re.fullmatch(r"[-+*/() 0-9]+", text)
        or not re.search(r"\d\s*\)*\s*[-+*/]", text)
    ):
        return None
    try:
        statement = read_tree(text).body[0]
        assert isinstance(statement, ast.Expr)
        return _value(statement.value), sorted(int(digits) for digits in re.findall(r"\d+", text))
    except (SyntaxError, ValueError, ArithmeticError, RecursionError):
        return None


def _value(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return Fraction(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        value: Fraction = _OPERATIONS[type(node.op)](_value(node.left), _value(node.right))
        if abs(value) > HIGHEST:
            raise OverflowError
        return value
    raise ValueError(node)


def comes_to(text: str) -> Fraction | None:
    """What an expression comes to; None for text that is none."""
    read = _read(text)
    return None if read is None else read[0]


def same_expression(text: str, other: str) -> bool:
    """Whether both come to the same number with the same numbers."""
    read = _read(text)
    return read is not None and read == _read(other)


def numbers_of(text: str) -> list[int]:
    """The numbers in an expression, in rising order."""
    read = _read(text)
    return [] if read is None else read[1]
