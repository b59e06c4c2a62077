"""Where two texts differ: by keys where both are JSON, else word by word. Plain text in, plain text out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher, unified_diff
from typing import NamedTuple

import orjson

MOST_WORDS = 1_500
"""Words of each text that are compared: the time grows with their product."""
MOST_LINES = 2_000
"""Lines of each text that are compared."""
MOST_KEYS = 200
DEEPEST = 12
FENCED = re.compile(r"\s*```[A-Za-z]*\n(?P<body>.*?)\n?```\s*", re.DOTALL)
ABSENT = ""


class KeyDifference(NamedTuple):
    """One key of two JSON values.

    Attributes
    ----------
    key : str
        Path with dots; positions of a list are numbers from 0. ``""`` for the whole value.
    first, second : str
        What stands there as JSON; ``""`` where the key is missing.
    same : bool
    """

    key: str
    first: str
    second: str
    same: bool


def key_differences(first: str, second: str) -> list[KeyDifference] | None:
    """Each key of either value, those that differ first; None unless both are JSON objects or lists.

    At most `MOST_KEYS` are listed. A value in a Markdown code fence is read too.
    """
    before, after = _container(first), _container(second)
    if before is None or after is None:
        return None
    left, right = dict(_leaves(before)), dict(_leaves(after))
    rows = [
        KeyDifference(key, left.get(key, ABSENT), right.get(key, ABSENT), left.get(key) == right.get(key))
        for key in dict.fromkeys([*left, *right])
    ]
    return sorted(rows, key=lambda row: row.same)[:MOST_KEYS]


def line_differences(first: str, second: str) -> str:
    """The lines that differ, each with three around it, as ``diff -u`` writes them; ``""`` for equal texts.

    Only the first `MOST_LINES` lines of each are compared.
    """
    before, after = first.splitlines()[:MOST_LINES], second.splitlines()[:MOST_LINES]
    heads = 2  # the names of the files
    return "\n".join(list(unified_diff(before, after, lineterm=""))[heads:])


def word_differences(first: str, second: str) -> str:
    """A line for each stretch of words: ``- `` only in `first`, ``+ `` only in `second`, two spaces in both.

    Only the first `MOST_WORDS` words of each are compared; line breaks count as spaces.
    """
    before, after = first.split()[:MOST_WORDS], second.split()[:MOST_WORDS]
    lines = []
    for kind, low, high, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            lines.append(f"  {' '.join(before[low:high])}")
            continue
        lines += [f"- {' '.join(before[low:high])}"] if high > low else []
        lines += [f"+ {' '.join(after[start:end])}"] if end > start else []
    return "\n".join(lines)


def too_many_words(first: str, second: str) -> bool:
    """Whether `word_differences` leaves words out."""
    return max(len(first.split()), len(second.split())) > MOST_WORDS


def _container(text: str) -> dict[str, object] | list[object] | None:
    fenced = FENCED.fullmatch(text)
    try:
        # The standard library would accept lone surrogates, which nothing can show.
        value = orjson.loads(fenced["body"] if fenced else text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict | list) else None


def _leaves(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Each value that holds no other one, by its path."""
    if depth < DEEPEST and value and isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in pairs:
            yield from _leaves(inner, f"{path}.{key}" if path else str(key), depth + 1)
    else:
        yield path, orjson.dumps(value).decode()
