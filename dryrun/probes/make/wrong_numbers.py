"""Wrong numbers: off by one, ten times it, other decimals, longer ones that contain it, a little off."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from dryrun.core.probe import CLOSE, NEARER, OTHER_UNIT, SAME_HALF, SIGN
from dryrun.probes.make.answers import NEAR, NUMERIC, Answer, Kind, alike, near, number_in
from dryrun.probes.make.demand import Demand
from dryrun.probes.make.notation.latex import without_latex
from dryrun.probes.make.notation.numerals import plain_figure

SLIPS = (0.01, 0.04, 0.08)
"""How far off, as a share, answers are that measure a grader's tolerance."""
TOLERATED = 0.03
"""Where answers are whole numbers, being further off than this is wrong; else twice as much."""
CLOSE_WORTH = 0.97
"""A near miss beyond that must cost at least a little."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong answer, without its form.

    Attributes
    ----------
    kind : str
    content : str
    most : float
        The most it is worth, as a share of the right answer.
    """

    kind: str
    content: str
    most: float = 0.0


def wrong_numbers(answer: Answer) -> Iterator[Wrong]:
    """Wrong answers to a row whose answer is a number, a fraction or a quantity."""
    if answer.kind is Kind.FRACTION:
        above, below = without_latex(answer.text).replace(" ", "").split("/")
        whole = int(above.replace("−", "-"))
        yield Wrong("turned upside down", f"{below}/{above}")
        yield Wrong("off by one above", f"{whole + max(1, int(below))}/{below}")
        if whole:
            yield Wrong("ten times it", f"{10 * whole}/{below}")
            yield Wrong("a tenth of it", f"{whole}/{10 * int(below)}")
            yield Wrong(SIGN, f"{-whole}/{below}")
        return
    value, unit = answer.value, answer.unit if answer.around is None else ""
    gap = " " if answer.unit and f" {answer.unit}" in answer.text else ""

    def written(content: float | str) -> str:
        shown = content if isinstance(content, str) else plain_figure(content)
        return f"{answer.notation(shown)}{gap}{unit}"

    changed = {
        "off by one": value + 1,
        "one less": value - 1,
        "off by nine tenths": value + 0.9,
        "half of it": value / 2,
        "ten times it": value * 10,
        "a tenth of it": value / 10,
        SIGN: -value,
        "digits swapped": _swapped(value),
        "three times it and seven": value * 3 + 7,
    }
    for kind, content in changed.items():
        if not near(content, value, NEAR):
            yield Wrong(kind, written(content))
    if answer.kind is Kind.QUANTITY and answer.around is None:
        yield Wrong(OTHER_UNIT, f"{answer.text[: len(answer.text) - len(answer.unit)]}zorkmid", 0.98)
    if value != int(value) and (other := _other_decimals(value)) is not None:
        yield Wrong("the same whole number, other decimals", written(other))
    yield from _halves(value, written)
    yield from _longer(value, written)
    yield from _slips(value, written)


def _other_decimals(value: float) -> float | None:
    """A number that is cut off, and mostly rounded, to the same whole number but surely another."""
    whole = math.trunc(value)
    places = len(f"{abs(value):.10g}".partition(".")[2])
    part = abs(value) - abs(whole)
    other = math.copysign(abs(whole) + (part + 0.4 if part < 0.5 else part - 0.4), value)
    return None if near(other, value, NEAR) else round(other, places)


def _halves(value: float, written: Any) -> Iterator[Wrong]:
    """A number in the same half of a whole number, and a nearer one beyond that half.

    Only a grader that rounds to whole numbers, or cuts the decimals off, pays the first and not the second.
    """
    size, step = abs(value), 0.01
    low, high = math.floor(2 * size) / 2, math.floor(2 * size) / 2 + 0.5
    upward = high - size > size - low
    within, beyond = (high - step, low - step) if upward else (low + step, high + step)
    if size >= 1.0 and size != int(size) and abs(beyond - size) < 0.8 * abs(within - size):
        for kind, other in ((SAME_HALF, within), (NEARER, beyond)):
            yield Wrong(kind, written(round(math.copysign(other, value), 2)), 1.0)


def _longer(value: float, written: Any) -> Iterator[Wrong]:
    """Numbers that contain it, or begin it, as text."""
    sign, digits = ("-", plain_figure(-value)) if value < 0 else ("", plain_figure(value))
    yield Wrong("inside a longer number", written(f"{sign}9{digits}7"))
    yield Wrong("more digits before it", written(f"{sign}47{digits}"))
    whole, point, decimals = digits.partition(".")
    if len(whole) > 3 and "e" not in digits:  # the same up to the first comma
        yield Wrong("three more digits before its end", written(f"{sign}{whole}730{point}{decimals}"))
    if "." not in digits:
        yield Wrong("more digits behind it", written(f"{sign}{digits}73"))
    if (
        len(digits) > 1
        and (begun := number_in(digits[:-1])) is not None
        and not near(begun, abs(value), NEAR)
    ):
        yield Wrong("its first digits only", written(f"{sign}{digits[:-1].rstrip('.')}"))


def _slips(value: float, written: Any) -> Iterator[Wrong]:
    for share in SLIPS:
        slipped = value * (1 + share)
        if value == int(value):
            slipped = float(round(slipped))
        if 0.7 * share <= abs(slipped - value) / max(abs(value), 1e-9) <= 1.4 * share:
            exact = value == int(value)
            most = CLOSE_WORTH if share > (TOLERATED if exact else 2 * TOLERATED) + 1e-9 else 1.0
            yield Wrong(f"{CLOSE}{share:.0%} off", written(slipped), most)


def _swapped(value: float) -> float:
    """The last two different neighbouring digits exchanged."""
    digits = list(plain_figure(abs(value)))
    for left in range(len(digits) - 2, -1, -1):
        pair = digits[left : left + 2]
        if pair[0] != pair[1] and all(digit.isdigit() for digit in pair):
            digits[left : left + 2] = pair[::-1]
            break
    return float("".join(digits)) * (-1 if value < 0 else 1)


def closeness(answer: Answer, demand: Demand, content: str) -> float:
    """How much a wrong answer resembles the right one, by the mildest usual measure, in 0..1.

    Lists whose prompt speaks of no order are compared as sets; on a scale of digits it is how few steps lie
    between, squared; of estimates how far below tenfold one is of the other.
    """
    any_order = answer.kind is Kind.LIST and not demand.ordered
    near_by = alike(replace(answer, kind=Kind.SET) if any_order else answer, content)
    steps, digit, number = demand.digits, content.strip(), number_in(answer.plain(content.strip()))
    if demand.estimate and answer.kind in NUMERIC and number and number * answer.value > 0:
        return max(near_by, 1 - abs(math.log10(number / answer.value)))
    if answer.text not in steps or digit not in steps:
        return near_by
    apart = abs(steps.index(answer.text) - steps.index(digit)) / (len(steps) - 1)
    return max(near_by, 1 - apart**2)
