"""Lines for a terminal, less what a terminal would obey: much of what is printed was written by others."""

from __future__ import annotations

import io
import re
import sys

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but for tab and line feed (Unicode category Cc), and those that turn the writing
direction: an escape sequence clears the screen or sets its title, a carriage return overwrites a line."""


def printable(text: object) -> str:
    """`text` without control characters; what stood behind an escape stays, as letters."""
    return _OBEYED.sub("", str(text))


def say(text: object) -> None:
    """Print a result on standard output."""
    print(printable(text))


def note(text: object) -> None:
    """Print something beside the result, on standard error."""
    print(printable(text), file=sys.stderr)


def never_refuse_letters() -> None:
    """Let standard output and error write letters their encoding lacks as escapes, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
