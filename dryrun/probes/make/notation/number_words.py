"""Whole numbers in English words: sixty-two, one hundred and five thousand."""

from __future__ import annotations

import re

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = {word: value for value, word in enumerate(_SMALL)} | {
    word: 10 * value for value, word in enumerate(_TENS, 2)
}
_SCALES = {"thousand": 1_000, "million": 1_000_000}
_WORD = "|".join(sorted([*_VALUES, "hundred", *_SCALES], key=len, reverse=True))
_RUN = re.compile(rf"\b(?:{_WORD})(?:(?:\s+and)?[\s-]+(?:{_WORD}))*\b", re.I)


def in_digits(text: str) -> str:
    """The text with numbers in digits; a lone "one" stays, since it may be no number."""
    return _RUN.sub(lambda run: run[0] if run[0].casefold() == "one" else str(_value(run[0])), text)


def _value(run: str) -> int:
    whole = part = 0
    for word in re.findall(_WORD, run.casefold()):
        if word in _SCALES:
            whole, part = whole + max(part, 1) * _SCALES[word], 0
        elif word == "hundred":
            part = max(part, 1) * 100
        else:
            part += _VALUES[word]
    return whole + part
