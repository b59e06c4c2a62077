"""The text of a grader's JSON -> its value; what is wrong with the text is said in plain words."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from dryrun.core.errors import Problem

BOM = "\ufeff"
"""Editors on Windows put it before UTF-8; it means nothing."""

TYPOGRAPHIC = "\u201c\u201d\u201e\u201f\u2018\u2019\u00ab\u00bb"

_YAML = re.compile(r"^\s*-?\s*[A-Za-z_][\w-]*\s*:(\s|$)", re.MULTILINE)
_TRAILING = re.compile(r",\s*([}\]])")
_AFTER_STRING = r'((?<=")|(?<=" ))(?=\S)'
_NAME = r"[A-Za-z_]\w*"
_BACKSLASH = "A backslash within a string is written \\\\: a pattern like \\d becomes \\\\d."
_ONE = "Give one grader; several are combined by a multi grader."


def value_of(text: str, where: str, problems: list[Problem]) -> Any:
    """The value of a JSON text; what is wrong with it is added to `problems`.

    Parameters
    ----------
    text : str
    where : str
        Path of problems that have no line: an empty text, a key that occurs twice.
    problems : list of Problem
    """
    text = text.removeprefix(BOM)
    if not text.strip():
        problems.append(Problem(where, "there is no grader: the text is empty."))
        return None
    repeated: list[str] = []
    try:
        value = json.loads(text, object_pairs_hook=_noting_repeats(repeated), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        problems.append(explained(text, error))
        return None
    except (ValueError, RecursionError) as error:
        problems.append(Problem(where, f"this is not JSON: {error or 'nested too deeply'}."))
        return None
    problems += [
        Problem(where, f"the key {key!r} occurs twice in one object.", "Keep one of the two.")
        for key in repeated
    ]
    return value


def _noting_repeats(repeated: list[str]) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated.extend(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        return dict(pairs)

    return build


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def explained(text: str, error: json.JSONDecodeError) -> Problem:
    """What is wrong with a JSON text, with line and column: the first explanation that fits."""
    what, fix, position = _whole(text) or _trailing_comma(text, error.pos) or _at_fault(text, error)
    before = text[:position]
    line, column = before.count("\n") + 1, position - before.rfind("\n")
    return Problem(f"line {line}, column {column}", f"this is not JSON: {what}.", fix)


Said = tuple[str, str, int]
"""What is wrong, as a sentence without its full stop, the fix, and the position."""


def _whole(text: str) -> Said | None:
    """Texts that are something else altogether."""
    begin = text.lstrip()
    start = len(text) - len(begin)
    if begin.startswith("```"):
        return "it stands in a Markdown fence", "Leave out the lines that begin with ```.", start
    if begin[0] in '{["' or begin.startswith(("//", "/*", "#")) or begin[0] in TYPOGRAPHIC:
        return None
    if _YAML.match(begin):
        return "it reads like YAML", "Write the same as a JSON object: {...}.", start
    if (brace := begin.find("{")) > 0 and begin[:brace].strip()[-1:] in ("=", "(", ":"):
        return "something stands before the object", "Begin with the opening brace.", start
    fix = "Give a JSON object {...}, or Python that defines grade(sample, item)."
    return "it is neither an object nor Python with a function", fix, start


def _trailing_comma(text: str, at: int) -> Said | None:
    # Python 3.13 points at the comma itself, earlier ones at what follows it
    comma = at if text[at : at + 1] == "," else len(text[:at].rstrip()) - 1
    if comma < 0 or not (match := _TRAILING.match(text, comma)):
        return None
    return f"a comma stands before the closing {match[1]}", "Leave that comma out.", comma


_FAULTS = (
    ("", f"[{TYPOGRAPHIC}]", "{} is a typographic quotation mark", 'Write plain " instead, everywhere.'),
    ("", r"//|/\*|#", "a comment begins here, and JSON has none", "Leave the comments out."),
    ("", "'", "a text stands in single quotes", 'JSON strings stand in double quotes: "...".'),
    ("", r"True\b", "{} is Python's spelling", "JSON has true."),
    ("", r"False\b", "{} is Python's spelling", "JSON has false."),
    ("", r"None\b", "{} is Python's spelling", "JSON has null."),
    ("property name", _NAME, "the name {} has no quotes", 'Write "{}".'),
    ("Expecting value", _NAME, "the text {} has no quotes", "Texts stand in double quotes."),
    ("':' delimiter", "[;=]", "there is a {!r} where ':' belongs", "Write ':'."),
    ("',' delimiter", "[;=]", "there is a {!r} where ',' belongs", "Write ','."),
    ("',' delimiter", r'\s*["{\[]', "a comma is missing before this", "Put one after the line above."),
    ("Invalid control", "[\n\r]", "a line break stands within a string", r"There it is written \n."),
    ("Invalid control", "\t", "a tab stands within a string", r"There it is written \t."),
    ("Invalid control", "", "a control character stands within a string", r"Write it as \u and four digits."),
    ("Invalid \\", "", "a single backslash stands within a string", _BACKSLASH),
    ("Unterminated", "", 'the string that begins here has no closing "', "Close it; is the text complete?"),
    ("", r"\s*\Z", "it ends too early", "Is a closing brace missing?"),
    ("',' delimiter", _AFTER_STRING, "a string ends before this", 'A " within a string is written \\".'),
    ("Extra data", "[}\\]]", "there is one {} too many", "Leave it out."),
    ("Extra data", "", "a second value begins here", _ONE),
    ("':' delimiter", "", "a colon is missing after the name", 'Write "name": value.'),
    ("Expecting value", "(?s).{1,12}", "a value is missing before {!r}", "Write it, or leave the name out."),
)
"""Part of Python's message, what stands there, what is wrong and the fix: {} is what stands there."""


def _at_fault(text: str, error: json.JSONDecodeError) -> Said:
    """What stands where Python stopped reading; its own words where no fault is known that fits."""
    for message, pattern, what, fix in _FAULTS:
        if message in error.msg and (match := re.compile(pattern).match(text, error.pos)):
            return what.format(match[0]), fix.format(match[0]), error.pos
    return error.msg, "", error.pos
