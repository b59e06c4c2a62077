"""Values of options that are checked before anything is spent, for argparse."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path

REPORT_ENDINGS = (".json", ".md", ".markdown", ".html", ".htm")
"""What a report's file may be called."""


def seconds(text: str) -> float:
    """A time above 0, for argparse."""
    value = _float(text)
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return value


def whole(most: int) -> Callable[[str], int]:
    """A whole number from 1 to `most`, for argparse."""

    def check(text: str) -> int:
        value = int(text) if text.isdecimal() else 0
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(f"{text or 'nothing'} is not a whole number from 1 to {most:,}")
        return value

    return check


def dollars(text: str) -> float:
    """A price in US dollars, 0 or more, for argparse."""
    value = _float(text)
    if not 0.0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text or 'nothing'} is no price in US dollars, like 2.50")
    return value


def dollars_to_spend(text: str) -> float:
    """An amount in US dollars above 0, for argparse."""
    value = _float(text)
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text or 'nothing'} is no amount in US dollars above 0, like 2.50")
    return value


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def new_file(endings: Sequence[str]) -> Callable[[str], Path]:
    """The path of a file to be written, for argparse: refused before anything is spent, not after.

    Parameters
    ----------
    endings : sequence of str
        What its name may end in, with the dot, in small letters.
    """

    def check(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower() not in endings:
            raise argparse.ArgumentTypeError(f"{text}: the name must end in one of {', '.join(endings)}")
        if not path.parent.is_dir():
            raise argparse.ArgumentTypeError(f"{text}: there is no folder {path.parent}")
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise argparse.ArgumentTypeError(f"{text}: cannot be written")
        return path

    return check
