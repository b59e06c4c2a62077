"""The text of a grader's JSON -> its value; what is wrong with the text is said in plain words."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from dryrun.core.errors import Problem

BOM = "\ufeff"
"""Editors on Windows put it before UTF-8; it means nothing."""

TYPOGRAPHIC = "\u201c\u201d\u201e\u201f\u2018\u2019\u00ab\u00bb"
PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}

_YAML = re.compile(r"^\s*-?\s*[A-Za-z_][\w-]*\s*:(\s|$)", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]\w*")

Said = tuple[str, str]
"""What is wrong, as a sentence without its full stop, and the fix."""


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
    for about in (_whole, _foreign, _comma, _string, _rest):
        for what, fix, position in about(text, error):
            before = text[:position]
            line, column = before.count("\n") + 1, position - before.rfind("\n")
            return Problem(f"line {line}, column {column}", f"this is not JSON: {what}.", fix)
    return Problem(f"line {error.lineno}, column {error.colno}", f"this is not JSON: {error.msg}.")


Found = Iterator[tuple[str, str, int]]
"""What, fix, position."""


def _whole(text: str, error: json.JSONDecodeError) -> Found:
    """Texts that are something else altogether."""
    begin = text.lstrip()
    start = len(text) - len(begin)
    if begin.startswith("```"):
        yield "it stands in a Markdown fence", "Leave out the lines that begin with ```.", start
    elif begin[0] in '{["' or begin.startswith(("//", "/*", "#")) or begin[0] in TYPOGRAPHIC:
        return
    elif _YAML.match(begin):
        yield "it reads like YAML", "Write the same as a JSON object: {...}.", start
    elif (brace := begin.find("{")) > 0 and begin[:brace].strip()[-1:] in ("=", "(", ":"):
        yield "something stands before the object", "Begin with the opening brace.", start
    else:
        fix = "Give a JSON object {...}, or Python that defines grade(sample, item)."
        yield "it is neither an object nor Python with a function", fix, start


def _foreign(text: str, error: json.JSONDecodeError) -> Found:
    """What other languages have and JSON has not."""
    at, here = error.pos, text[error.pos : error.pos + 12]
    word = found.group() if (found := _WORD.match(text, at)) else ""
    if here[:1] and here[0] in TYPOGRAPHIC:
        yield f"{here[0]} is a typographic quotation mark", 'Write plain " instead, everywhere.', at
    elif here.startswith(("//", "/*", "#")):
        yield "a comment begins here, and JSON has none", "Leave the comments out.", at
    elif here.startswith("'"):
        yield "a text stands in single quotes", 'JSON strings stand in double quotes: "...".', at
    elif word in PYTHON_WORDS:
        yield f"{word} is Python's spelling", f"JSON has {PYTHON_WORDS[word]}.", at
    elif word and "property name" in error.msg:
        yield f"the name {word} has no quotes", f'Write "{word}".', at
    elif word and "Expecting value" in error.msg:
        yield f"the text {word} has no quotes", "Texts stand in double quotes.", at


def _comma(text: str, error: json.JSONDecodeError) -> Found:
    """Commas too many, too few, or something in their place."""
    at = error.pos
    if text[at : at + 1] == ",":  # Python 3.13 points at the comma itself
        at += 1
    rest = text[at:].lstrip()
    before = text[:at].rstrip()
    if rest[:1] in ("}", "]") and before.endswith(","):
        yield f"a comma stands before the closing {rest[0]}", "Leave that comma out.", len(before) - 1
    elif "delimiter" in error.msg and text[at : at + 1] in (";", "="):
        right = ":" if "':'" in error.msg else ","
        yield f"there is a {text[at]!r} where {right!r} belongs", f"Write {right!r}.", at
    elif "',' delimiter" in error.msg and (rest[:1] == '"' or rest[:1] in ("{", "[")):
        yield "a comma is missing before this", "Put one after the line above.", at
    elif "',' delimiter" in error.msg and rest and before.endswith('"'):
        yield "a string ends before this", 'A " within a string is written \\".', at


def _string(text: str, error: json.JSONDecodeError) -> Found:
    """What cannot stand within a string."""
    letter = text[error.pos : error.pos + 1]
    if error.msg.startswith("Invalid control character"):
        kinds = {"\n": ("a line break", "\\n"), "\r": ("a line break", "\\n"), "\t": ("a tab", "\\t")}
        name, written = kinds.get(letter, ("a control character", f"\\u{ord(letter):04x}"))
        yield f"{name} stands within a string", f"There it is written {written}.", error.pos
    elif error.msg.startswith("Invalid \\"):
        fix = "A backslash within a string is written \\\\: a pattern like \\d becomes \\\\d."
        yield "a single backslash stands within a string", fix, error.pos
    elif error.msg.startswith("Unterminated string"):
        yield 'the string that begins here has no closing "', "Close it; is the text complete?", error.pos


def _rest(text: str, error: json.JSONDecodeError) -> Found:
    at = error.pos
    if at >= len(text.rstrip()):
        yield "it ends too early", "Is a closing brace missing?", at
    elif error.msg == "Extra data" and text[at] in "}]":
        yield f"there is one {text[at]} too many", "Leave it out.", at
    elif error.msg == "Extra data":
        yield "a second value begins here", "Give one grader; several are combined by a multi grader.", at
    elif "':'" in error.msg:
        yield "a colon is missing after the name", 'Write "name": value.', at
    elif "Expecting value" in error.msg:
        yield f"a value is missing before {text[at : at + 12]!r}", "Write it, or leave the name out.", at
