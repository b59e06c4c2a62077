"""The formula of a multi grader: ``0.7 * exact + 0.3 * max(fuzzy, rouge ^ 2)``.

Grammar: numbers, the sub-graders' keys, ``+ - * / ^``, parentheses, and eight functions. ``^`` is power,
right-associative and above unary minus, as in mathematics; ``log`` is natural; ``min`` and ``max``
take one or more arguments. The service documents the operators and functions only; the rest is our choice.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple, TypeVar

MAX_LENGTH = 10_000
"""Longest formula read, in characters."""

MAX_DEPTH = 200
"""Most parentheses, calls and signs within each other."""

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

_OPERATIONS: Mapping[str, Callable[..., float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": math.pow,
    "negative": operator.neg,
    **FUNCTIONS,
}

_BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 4}
_SIGN_BINDING = 3  # between product and power: -a ^ 2 is -(a ^ 2), and -a * b is (-a) * b

_TOKEN = re.compile(
    r"\s+|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<operator>\*\*|//|[-+*/^(),])"
)
ALLOWED = f"Only numbers, sub-grader keys, + - * / ^, parentheses, commas and {', '.join(FUNCTIONS)} are."
LOOKALIKES = {"\u2212": "-", "\u2013": "-", "\u00d7": "*", "\u00b7": "*", "\u00f7": "/"}
"""Signs of printed mathematics, and how formulas have them."""
_WORDS = re.compile(r"\b(if|else|and|or|not)\b")
_DANGLING = re.compile(r",\s*\)")
_PRODUCT = re.compile(r"[0-9)]\s*(?:[A-Za-z_]|\()")

Interval = tuple[float, float]
Value = TypeVar("Value")


class _Operation(NamedTuple):
    name: str
    operands: int


_Step = float | str | _Operation
"""A number, a variable, or an operation on the values before it."""


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
    _steps: tuple[_Step, ...]

    @property
    def operations(self) -> int:
        """The number of operations and calls."""
        return sum(isinstance(step, _Operation) for step in self._steps)

    def evaluate(self, values: Mapping[str, float]) -> float:
        """The value with `values` for the variables.

        Raises
        ------
        FormulaError
            It has no finite value there: division by zero, logarithm of 0, overflow.
        """
        numbers = {name: float(values[name]) for name in self.variables}
        try:
            result = float(self._computed(float, numbers, lambda name, values: _OPERATIONS[name](*values)))
        except (ArithmeticError, ValueError, TypeError) as error:
            raise FormulaError(f"{self._at(values)} has no value: {error}") from None
        if not math.isfinite(result):
            raise FormulaError(f"{self._at(values)} is {result}, not a finite number")
        return result

    def interval(self, ranges: Mapping[str, Interval | None]) -> Interval | None:
        """An interval that holds every value, given the variables' ranges; None if none is known.

        Interval arithmetic: exact where each variable occurs once, else possibly wider than the truth.
        """
        known = {name: limits for name in self.variables if (limits := ranges.get(name)) is not None}
        if len(known) < len(self.variables):
            return None
        try:
            limits = self._computed(lambda value: (value, value), known, _applied_to_ranges)
        except (ArithmeticError, ValueError):
            return None
        return limits if all(map(math.isfinite, limits)) else None

    def as_python(self) -> str:
        """The formula as a Python expression of ``parts["key"]``; it needs the module ``math``."""
        variables = {name: (f'parts["{name}"]', _ATOM) for name in self.variables}
        return self._computed(lambda value: (repr(float(value)), _ATOM), variables, _as_python)[0]

    def _computed(
        self,
        number: Callable[[float], Value],
        variables: Mapping[str, Value],
        apply: Callable[[str, list[Value]], Value],
    ) -> Value:
        """The result of the steps, on a stack: operands come before their operation."""
        stack: list[Value] = []
        for step in self._steps:
            if isinstance(step, _Operation):
                operands = stack[-step.operands :]  # the last ones, in the order they were written
                stack[-step.operands :] = [apply(step.name, operands)]
            else:
                stack.append(variables[step] if isinstance(step, str) else number(step))
        return stack.pop()

    def _at(self, values: Mapping[str, float]) -> str:
        assignments = ", ".join(f"{name} = {values[name]:g}" for name in self.variables)
        return f"{self.text!r}" + (f" with {assignments}" if assignments else "")


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
    steps = _Parser(text).steps()
    variables = dict.fromkeys(step for step in steps if isinstance(step, str))
    return Formula(text, tuple(variables), tuple(steps))


class _Parser:
    """Reads a formula from left to right (precedence climbing); operations follow their operands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [*_tokens(text), ("", len(text))]
        self._next = self._depth = 0
        self._steps: list[_Step] = []

    def steps(self) -> list[_Step]:
        """The whole formula."""
        self._expression(0)
        if self._token:
            raise self._comma() if self._token == "," else self._unreadable()
        return self._steps

    @property
    def _token(self) -> str:
        return self._tokens[self._next][0]

    def _took(self, token: str) -> bool:
        """Whether this token is next; if so, it has been read."""
        taken = self._token == token
        self._next += taken
        return taken

    def _expression(self, binding: int) -> None:
        """An operand, and the operators after it that bind tighter than `binding`."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FormulaError("is nested too deeply")
        self._operand()
        while (tightness := _BINDING.get(sign := self._token, 0)) > binding:
            self._next += 1
            # a power binds to the right: 2 ^ 3 ^ 2 is 2 ^ (3 ^ 2)
            self._expression(_SIGN_BINDING if sign == "^" else tightness)
            self._steps.append(_Operation(sign, 2))
        self._depth -= 1

    def _operand(self) -> None:
        token = self._token
        self._next += 1
        if token in ("+", "-"):
            self._expression(_SIGN_BINDING)
            if token == "-":
                self._steps.append(_Operation("negative", 1))
        elif token == "(":
            self._parenthesised()
        elif token[:1].isalpha() or token[:1] == "_":
            if self._took("("):
                self._steps.append(_Operation(token, self._arguments(token)))
            else:
                self._steps.append(token)
        elif token[:1] == "." or token[:1].isdecimal():
            self._steps.append(float(token))
        else:
            self._next -= 1
            raise self._unreadable()

    def _parenthesised(self) -> None:
        if self._took(")"):
            raise FormulaError("has parentheses with nothing in them")
        self._expression(0)
        if not self._took(")"):
            raise self._comma() if self._token == "," else self._unreadable()

    def _arguments(self, name: str) -> int:
        """The number of arguments of a call, all read."""
        count = 0
        if not self._took(")"):
            self._expression(0)
            count = 1
            while self._took(","):
                self._expression(0)
                count += 1
            if not self._took(")"):
                raise self._unreadable()
        _check_call(name, count)
        return count

    @staticmethod
    def _comma() -> FormulaError:
        return FormulaError("has a comma outside of min(...) and max(...)", "A decimal point is written '.'.")

    def _unreadable(self) -> FormulaError:
        """Where reading stopped."""
        text = self._text
        if _WORDS.search(text):
            fix = _fix_for("?")
        else:
            fix = "A product needs its sign: 2 * a." if _PRODUCT.search(text) else ""
        if not self._token:
            return FormulaError(f"ends too early, after {text.rstrip()[-12:]!r}", fix)
        at = self._tokens[self._next][1]
        return FormulaError(f"cannot be read at position {at + 1}, near {text[at : at + 12]!r}", fix)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Numbers, names and operators, each with its position."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            what = f"has {text[position]!r} at position {position + 1}, which is not part of formulas"
            raise FormulaError(what, _fix_for(text[position]))
        token = match.group()
        if token in ("**", "//"):
            fix = "Power is written ^." if token == "**" else "Write floor(a / b)."
            raise FormulaError(f"has {token!r} at position {position + 1}, which is not an operator", fix)
        if match["number"] and not math.isfinite(float(token)):
            raise FormulaError(f"has {token} at position {position + 1}, which is too large a number")
        if not token.isspace():
            yield token, position
        position = match.end()


def _fix_for(letter: str) -> str:
    """What to write instead of something that is not part of formulas."""
    if letter in "{}$":
        return "Write the key by itself, without braces."
    if letter in "<>=!&|?":
        return "There are no comparisons and no conditions; min, max, floor and ceil can often do it."
    if letter in LOOKALIKES:
        return f"Write {LOOKALIKES[letter]}."
    return ALLOWED


def _check_call(name: str, count: int) -> None:
    if name not in FUNCTIONS:
        known = ", ".join(FUNCTIONS)
        raise FormulaError(f"calls {name}(), which is not a function of formulas", f"Known: {known}.")
    if name in _VARIADIC and count < 1:
        raise FormulaError(f"calls {name}() without an argument")
    if name not in _VARIADIC and count != 1:
        raise FormulaError(f"calls {name}() with {count} arguments; it takes one")


_ATOM = 5
_IN_PYTHON = {"^": "math.pow", "abs": "abs", "min": "min", "max": "max"}


def _as_python(name: str, operands: list[tuple[str, int]]) -> tuple[str, int]:
    """The text of an operation on texts, each with how tightly its outermost operation binds."""
    if name == "negative":
        return f"-{_enclosed(operands[0], _SIGN_BINDING)}", _SIGN_BINDING
    if name in _BINDING and name != "^":
        binding, (left, right) = _BINDING[name], operands
        return f"{_enclosed(left, binding)} {name} {_enclosed(right, binding + 1)}", binding
    if name in _VARIADIC and len(operands) == 1:
        return operands[0]
    called = _IN_PYTHON.get(name, f"math.{name}")
    return f"{called}({', '.join(text for text, _ in operands)})", _ATOM


def _enclosed(operand: tuple[str, int], binding: int) -> str:
    text, own = operand
    return f"({text})" if own < binding else text


def _applied_to_ranges(name: str, operands: list[Interval]) -> Interval:
    """The range of an operation's results.

    Raises
    ------
    ArithmeticError, ValueError
        It is not bounded, or not known.
    """
    low, high = operands[0]
    match name:
        case "^":
            return _power(*operands)
        case "/" if operands[1][0] <= 0 <= operands[1][1]:
            raise ZeroDivisionError
        case "+" | "-" | "*" | "/":
            # monotone in each operand, so that the extremes are at the corners
            corners = [_OPERATIONS[name](*corner) for corner in product(*operands)]
            return min(corners), max(corners)
        case "negative":
            return -high, -low
        case "abs":
            smallest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
            return smallest, max(abs(low), abs(high))
    # the other functions grow with each argument
    lows, highs = zip(*operands, strict=True)
    return float(FUNCTIONS[name](*lows)), float(FUNCTIONS[name](*highs))


def _power(a: Interval, b: Interval) -> Interval:
    """x^y is monotone in each argument for x >= 0; for other x only whole, fixed y >= 0 are bounded."""
    fixed_whole = b[0] == b[1] and b[0] >= 0 and b[0].is_integer()
    if a[0] < 0 and not fixed_whole:
        raise ValueError("not bounded")
    corners = [math.pow(x, y) for x, y in product(a, b)]
    # an even power of an interval around 0 is lowest within it, not at a corner
    if a[0] < 0 < a[1] and fixed_whole:
        corners.append(math.pow(0.0, b[0]))
    return min(corners), max(corners)
