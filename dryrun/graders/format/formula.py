"""The formula of a multi grader: ``0.7 * exact + 0.3 * max(fuzzy, rouge ^ 2)``.

Grammar: numbers, the sub-graders' keys, ``+ - * / ^``, parentheses, and eight functions. ``^`` is power,
right-associative and above unary minus, as in mathematics; ``log`` is natural; ``min`` and ``max``
take one or more arguments. The service documents the operators and functions only; the rest is our choice.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from simpleeval import InvalidExpression, SimpleEval

MAX_LENGTH = 10_000
"""Longest formula read, in characters."""

FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "min": lambda *values: min(values),
    "max": lambda *values: max(values),
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "exp": math.exp,
    "sqrt": math.sqrt,
    "log": math.log,
}
_VARIADIC = ("min", "max")

_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: math.pow,
    ast.USub: lambda a: -a,
    ast.UAdd: lambda a: a,
}

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<operator>\*\*|//|[-+*/^(),])"
)
ALLOWED = f"Only numbers, sub-grader keys, + - * / ^, parentheses, commas and {', '.join(FUNCTIONS)} are."
LOOKALIKES = {"\u2212": "-", "\u2013": "-", "\u00d7": "*", "\u00b7": "*", "\u00f7": "/"}
"""Signs of printed mathematics, and how formulas have them."""
_WORDS = re.compile(r"\b(if|else|and|or|not)\b")
_DANGLING = re.compile(r",\s*\)")
_PRODUCT = re.compile(r"[0-9)]\s*(?:[A-Za-z_]|\()")

_PREFIX = "v_"  # keeps variables apart from functions and from Python's keywords

Interval = tuple[float, float]


class FormulaError(ValueError):
    """A formula that cannot be read or has no finite value.

    Attributes
    ----------
    fix : str
        What to do about it, or ``""``.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula.

    Attributes
    ----------
    text : str
        As the user wrote it.
    variables : tuple of str
        The keys it uses, each once, in order of appearance.
    """

    text: str
    variables: tuple[str, ...]
    _python: str
    _tree: ast.expr

    def evaluate(self, values: Mapping[str, float]) -> float:
        """The value with `values` for the variables.

        Raises
        ------
        FormulaError
            It has no finite value there: division by zero, logarithm of 0, overflow.
        """
        names = {_PREFIX + name: float(values[name]) for name in self.variables}
        evaluator = SimpleEval(operators=_OPERATORS, functions=dict(FUNCTIONS), names=names)
        try:
            result = float(evaluator.eval(self._python, previously_parsed=self._tree))
        except ArithmeticError as error:
            raise FormulaError(f"{self._at(values)} has no value: {error}") from None
        except (ValueError, TypeError, InvalidExpression, RecursionError) as error:
            raise FormulaError(f"{self._at(values)} has no value: {error}") from None
        if not math.isfinite(result):
            raise FormulaError(f"{self._at(values)} is {result}, not a finite number")
        return result

    def interval(self, ranges: Mapping[str, Interval | None]) -> Interval | None:
        """An interval that holds every value, given the variables' ranges; None if none is known.

        Interval arithmetic: exact where each variable occurs once, else possibly wider than the truth.
        """
        try:
            found = _interval(self._tree, ranges)
        except (ArithmeticError, ValueError):
            return None
        return found if found and all(map(math.isfinite, found)) else None

    def _at(self, values: Mapping[str, float]) -> str:
        given = ", ".join(f"{name} = {values[name]:g}" for name in self.variables)
        return f"{self.text!r}" + (f" with {given}" if given else "")


def parse_formula(text: str) -> Formula:
    """Read a formula.

    Raises
    ------
    FormulaError
        It is not one; the message names the position (characters counted from 1).
    """
    if not text.strip():
        raise FormulaError("is empty", "Write for example 0.5 * first + 0.5 * second.")
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"has {len(text):,} characters, more than {MAX_LENGTH:,}")
    if dangling := _DANGLING.search(text):
        raise FormulaError(f"has a comma with nothing after it at position {dangling.start() + 1}")
    pieces = list(_translated(text))
    python = "".join(piece for piece, _ in pieces)
    try:
        tree = ast.parse(python, mode="eval").body
        variables = tuple(dict.fromkeys(_checked(tree)))
    except SyntaxError as error:
        if "too many nested" in error.msg:
            raise FormulaError("is nested too deeply") from None
        raise FormulaError(_syntax_message(text, pieces, error), _syntax_fix(text)) from None
    except (RecursionError, MemoryError):
        raise FormulaError("is nested too deeply") from None
    return Formula(text, variables, python, tree)


def _translated(text: str) -> Iterator[tuple[str, int]]:
    """The formula's tokens in Python's spelling, each with its position in the original."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            what = f"has {text[position]!r} at position {position + 1}, which is not part of formulas"
            raise FormulaError(what, _fix_for(text[position]))
        yield _python_token(text, match), position
        position = match.end()


def _fix_for(letter: str) -> str:
    """What to write instead of something that is no part of formulas."""
    if letter in "{}$":
        return "Write the key by itself, without braces."
    if letter in "<>=!&|?":
        return "There are no comparisons and no conditions; min, max, floor and ceil can often do it."
    if letter in LOOKALIKES:
        return f"Write {LOOKALIKES[letter]}."
    return ALLOWED


def _python_token(text: str, match: re.Match[str]) -> str:
    token = match.group()
    if token in ("**", "//"):
        fix = "Power is written ^." if token == "**" else "Write floor(a / b)."
        raise FormulaError(f"has {token!r} at position {match.start() + 1}, which is not an operator", fix)
    if match["space"]:
        return " "
    if match["number"]:
        value = float(token)
        if not math.isfinite(value):
            raise FormulaError(f"has {token} at position {match.start() + 1}, which is too large a number")
        return repr(value)
    if match["name"]:
        called = text[match.end() :].lstrip().startswith("(")
        return token if called else _PREFIX + token
    return "**" if token == "^" else token


def _syntax_fix(text: str) -> str:
    if _WORDS.search(text):
        return _fix_for("?")
    return "A product needs its sign: 2 * a." if _PRODUCT.search(text) else ""


def _syntax_message(text: str, pieces: list[tuple[str, int]], error: SyntaxError) -> str:
    """Where in the original text Python's parser stopped."""
    if text.rstrip()[-1] in "+-*/^(,":
        return f"ends too early, after {text.rstrip()[-12:]!r}"
    offset = (error.offset or 1) - 1
    written = 0
    for piece, position in pieces:
        if written + len(piece) > offset:
            return f"cannot be read at position {position + 1}, near {text[position : position + 12]!r}"
        written += len(piece)
    return f"ends too early, after {text.rstrip()[-12:]!r}"


def _checked(node: ast.expr) -> Iterator[str]:
    """The variables below `node`; everything but arithmetic is refused."""
    match node:
        case ast.Constant(value=float()):
            return
        case ast.Name(id=name):
            yield name.removeprefix(_PREFIX)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            yield from _checked(operand)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow(), left=left, right=right):
            yield from _checked(left)
            yield from _checked(right)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            _check_call(name, len(arguments))
            for argument in arguments:
                yield from _checked(argument)
        case ast.Tuple(elts=[]):
            raise FormulaError("has parentheses with nothing in them")
        case ast.Tuple():
            raise FormulaError(
                "has a comma outside of min(...) and max(...)", "A decimal point is written '.'."
            )
        case _:
            raise FormulaError(
                f"holds something that is not arithmetic: {type(node).__name__.lower()}", ALLOWED
            )


def _check_call(name: str, count: int) -> None:
    if name not in FUNCTIONS:
        known = ", ".join(FUNCTIONS)
        raise FormulaError(f"calls {name}(), which is not a function of formulas", f"Known: {known}.")
    if name in _VARIADIC and count < 1:
        raise FormulaError(f"calls {name}() without an argument")
    if name not in _VARIADIC and count != 1:
        raise FormulaError(f"calls {name}() with {count} arguments; it takes one")


def _interval(node: ast.expr, ranges: Mapping[str, Interval | None]) -> Interval | None:
    match node:
        case ast.Constant(value=float() as value):
            return value, value
        case ast.Name(id=name):
            return ranges.get(name.removeprefix(_PREFIX))
        case ast.UnaryOp(op=operator, operand=operand):
            inner = _interval(operand, ranges)
            return (-inner[1], -inner[0]) if inner and isinstance(operator, ast.USub) else inner
        case ast.BinOp(left=left, op=operator, right=right):
            a, b = _interval(left, ranges), _interval(right, ranges)
            return _combined(operator, a, b) if a and b else None
        case ast.Call(func=ast.Name(id=name), args=arguments):
            inner_ranges = [_interval(argument, ranges) for argument in arguments]
            known = [inner for inner in inner_ranges if inner]
            return _applied(name, known) if len(known) == len(inner_ranges) else None
    return None


def _combined(operator: ast.operator, a: Interval, b: Interval) -> Interval | None:
    if isinstance(operator, ast.Div) and b[0] <= 0 <= b[1]:
        return None
    if isinstance(operator, ast.Pow):
        return _power(a, b)
    corners = [_OPERATORS[type(operator)](x, y) for x, y in product(a, b)]
    return min(corners), max(corners)


def _power(a: Interval, b: Interval) -> Interval | None:
    """x^y is monotone in each argument for x >= 0; for other x only whole, fixed y >= 0 are bounded."""
    fixed_whole = b[0] == b[1] and b[0] >= 0 and b[0].is_integer()
    if a[0] < 0 and not fixed_whole:
        return None
    corners = [math.pow(x, y) for x, y in product(a, b)]
    if a[0] < 0 < a[1] and fixed_whole:
        corners.append(math.pow(0.0, b[0]))
    return min(corners), max(corners)


def _applied(name: str, inner: list[Interval]) -> Interval:
    lows, highs = [low for low, _ in inner], [high for _, high in inner]
    if name in _VARIADIC:
        return FUNCTIONS[name](*lows), FUNCTIONS[name](*highs)
    low, high = lows[0], highs[0]
    if name == "abs":
        smallest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
        return smallest, max(abs(low), abs(high))
    return float(FUNCTIONS[name](low)), float(FUNCTIONS[name](high))
