"""Numbers with a decimal comma, as German, French, Spanish and others write them: 12,34 and 1.234,56."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WHOLE = r"(?:\d{1,3}(?:[.\u00a0\u202f]\d{3})+|\d{1,3}(?: \d{3})+(?=,\d)|\d+)"
_IN_TEXT = re.compile(rf"(?<![\d.,]){_WHOLE}(?:,\d+)?(?!\d|,\d)")
_ALONE = re.compile(rf"[-+−]?{_WHOLE}(?:,\d+)?(?:\s?[A-Za-zµ°Ω%€][\w°/²³]{{0,9}})?\Z")
_THOUSANDS = re.compile(r"[-+−]?\d{1,3}(?:,\d{3})+\Z")
_SURE = re.compile(r"\d[.\u00a0\u202f ]\d{3},\d|(?<![\d,])\d+,0\d")
"""Thousands before the comma, or a nought behind it: no list of numbers has these."""
_SHOWN = re.compile(
    r"(?<![\d.,(\[])\d+,\d{1,2}(?![\d)\]]|,\d)|(?i:\b(?:nachkommastellen?|dezimalkomma|après la virgule|"
    r"décimales?|decimales?|decimali|casas decimais|decimalen|decimal comma)\b)"
)


def shows_decimal_comma(prompt: str) -> bool:
    """Whether a prompt writes a number with a decimal comma, or asks for decimals in a language that does."""
    return bool(_SHOWN.search(prompt))


def have_decimal_comma(texts: Sequence[str], shown: float) -> bool:
    """Whether a column holds such numbers, and no lists of two.

    Parameters
    ----------
    texts : sequence of str
        Reference answers.
    shown : float
        Share of the prompts that show a decimal comma.
    """
    parted = [text for text in texts if "," in text and not _THOUSANDS.match(text)]
    sure = shown > 0.5 or any(_SURE.search(text) for text in parted)
    return bool(parted) and sure and all(_ALONE.match(text) for text in texts)


def with_points(text: str) -> str:
    """The text with a decimal point in such numbers, and nothing between thousands."""
    return _IN_TEXT.sub(lambda match: re.sub(r"[.\u00a0\u202f ]", "", match[0]).replace(",", "."), text)
