"""Text from outside (datasets, models, errors) made safe for where it is shown; numbers as people read them.

`code_span` is for a Markdown file, `plain` for a Streamlit label, `visible` for a block of text on a page,
`printable` for a terminal.
"""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

_INVISIBLE = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+"
)
"""Control characters (Unicode category Cc) and those that have no width or turn the writing direction."""
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys: control characters but for tab and line feed (an escape sequence clears the screen
or sets its title, a carriage return overwrites a line), and those that turn the writing direction."""
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a page hides or obeys: control characters, those that override the writing direction, half letters."""
_LEFTWARD = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
"""Letters that are written from right to left: Hebrew, Arabic and their neighbours in Unicode."""
_BACKTICKS = re.compile("`+")
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_ADDRESS = re.compile(r"(?i)\b(https?|ftp|mailto|www)(?=[:.])")
_JOINER = "\u2060"

NO_NUMBER = "–"
"""Stands where there is no number."""
ROUNDING = 5e-7
"""A smaller share is rounding; every larger one shows a digit in `percent`."""


def cut(text: str, limit: int) -> str:
    """At most `limit` characters of `text`; the last is ``…`` where something was left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def short_names(names: Iterable[str], limit: int) -> dict[str, str]:
    """Each name in `limit` characters, cut in its middle where the names' beginnings are the same.

    No two short names are alike: where both ends are the same as well, the name stays whole.
    """
    known = dict.fromkeys(names)
    tail = limit // 2
    shortened = {name: cut(name, limit) for name in known}
    for shorten in (lambda name: f"{cut(name, limit - tail)}{name[-tail:]}", str):
        count = Counter(shortened.values())
        shortened = {name: words if count[words] == 1 else shorten(name) for name, words in shortened.items()}
    return shortened


def within(sentence: str) -> str:
    """A sentence as it stands within another one: ``"Pays 1"`` -> ``"pays 1"``, but ``"GO"`` as it is."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def one_line(text: object, limit: int = 500) -> str:
    """`text` on one line, every run of white space one space, cut to `limit` characters.

    500 is what is stored of a grade's error.
    """
    return cut(" ".join(str(text).split()), limit)


def code_span(text: str, *, in_table: bool = False) -> str:
    """`text` as a Markdown code span, in which nothing is interpreted: no link, image, HTML or directive.

    Escaping would not do: GitHub's and Streamlit's Markdown turn even an escaped ``https://`` into a link.

    Parameters
    ----------
    text : str
        Control characters, line breaks and text-direction marks become one space.
    in_table : bool
        Inside a table cell, where ``|`` ends the cell even in code: it is shown as a broken bar.
    """
    line = _INVISIBLE.sub(" ", text)
    line = line.replace("|", "¦") if in_table else line
    if not line.strip():
        return "(blank)"
    longest = max((len(run) for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * (longest + 1)
    # A code span may not begin or end with its own fence's character, and one space is taken off each side.
    pad = " " if line[0] in "` " or line[-1] in "` " else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def printable(text: object) -> str:
    """`text` without control characters; what stood behind an escape stays, as letters."""
    return _OBEYED.sub("", str(text))


def visible(text: str) -> str:
    """`text` for a page: a character that nobody sees, or that turns what follows, stands as ``[U+202E]``."""
    return _UNSEEN.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)


def isolated(text: str) -> str:
    """`text` for a sentence: letters written from right to left do not turn words and numbers around them.

    The marks (first strong isolate, U+2068, and its end) take no room; `printable` takes them out again.
    """
    return f"\u2068{text}\u2069" if _LEFTWARD.search(text) else text


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


def plain(text: object, limit: int = 200) -> str:
    """`text` for a label, an option or an alert: one line, cut to `limit`, shown letter by letter.

    Streamlit reads Markdown in all of these places, and a picture in Markdown would be fetched by
    every viewer's browser. A backslash before each punctuation mark leaves nothing to format; an
    invisible word joiner keeps bare addresses from becoming links. What it says turns nothing around it.
    """
    line = visible(one_line(text, limit))
    return isolated(_PUNCTUATION.sub(r"\\\1", _ADDRESS.sub(rf"\1{_JOINER}", line)))


_INERT = re.compile(r"[^\w\s.,:;'\"()=+-]|\bwww\.|(?<![^\W_])_+|_+(?![^\W_])", re.IGNORECASE)
"""What Markdown, HTML or a reader of addresses could make something of."""


def inert(text: str) -> str:
    """`text` on one line, less every character that Markdown or HTML could interpret: for a sentence."""
    return one_line(_INERT.sub(" ", printable(text)), 120)


def writable(text: str) -> str:
    """`text` with what UTF-8 cannot hold (lone surrogates) replaced."""
    return text.encode("utf-8", "replace").decode()


def size_words(count: int) -> str:
    """A number of bytes: ``"1.2 MB"``."""
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"


def short(run_id: str) -> str:
    """The first digits of a run id: enough to tell runs apart, too few to open one."""
    return run_id[:8]


def figure(value: float, limit: float | None = None) -> str:
    """A number with two decimals, or with as many more as it takes to tell it from `limit`.

    A mean of 0.0996 stopped the run at a limit of 0.10; "0.10 is below 0.10" would explain nothing.
    """
    for digits in range(2, 10):
        text = f"{value:.{digits}f}"
        if limit is None or value == limit or text != f"{limit:.{digits}f}":
            return text
    return text


def number(value: float | None) -> str:
    """A number as `figure` writes it, or `NO_NUMBER` where there is none."""
    return NO_NUMBER if value is None else figure(value)


def percent(share: float, limit: float | None = None) -> str:
    """A share as a percentage, with a decimal only where it says something."""
    if limit is None and abs(share) < ROUNDING:
        return "0 %"
    for digits in range(5):
        text = f"{100 * share:.{digits}f} %"
        hidden = 0.0 < share < 0.01 and (digits == 0 or float(text[:-2]) == 0.0)
        same = limit is not None and share != limit and text == f"{100 * limit:.{digits}f} %"
        if not hidden and not same:
            return text
    return text


LONGEST_WORDS = 40
"""Characters of one part of a file's name."""


def file_stem(*parts: str) -> str:
    """A file's name from these parts, in letters that every disk takes; empty parts are left out."""
    plainly = (re.sub(r"[^a-z0-9]+", "-", part.lower())[:LONGEST_WORDS].strip("-") for part in parts)
    return "-".join(filter(None, plainly))


def plural(count: int, noun: str) -> str:
    """``"1 prompt"``, ``"1,200 prompts"``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def without_credentials(url: str) -> str:
    """A URL without user name, password, query and fragment; ``""`` if it cannot be read as one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def stopped(sentence: str) -> str:
    """The sentence with a full stop."""
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."
