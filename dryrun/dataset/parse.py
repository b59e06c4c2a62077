"""One line of JSON text in, a row or a sentence about the line out.

Also finds keys that an object has twice: only one of the two values could count, and no fast parser
reports it. The row's canonical text has such a key once, so it has one colon less than the line. Colons
within strings are in both texts, unless they were written as an escape: `\u003a`.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import orjson

from dryrun.core.errors import Problem
from dryrun.core.fingerprint import canonical_json

MAX_ROW_BYTES = 32 * 1024 * 1024
"""Longest row accepted, as JSON text (32 MiB): far above any prompt, below what exhausts memory."""

MAX_DEPTH = 250
"""Deepest nesting accepted. Beyond some 254 levels rows can be read but no longer fingerprinted."""

_NON_NUMBER = re.compile(r"[-+]?(?:NaN|Infinity|inf)\b", re.IGNORECASE)


def parse_row(raw: bytes, screen: KeyScreen | None = None) -> tuple[Any, bytes] | Problem:
    """The value of one line, with its canonical JSON, or what is wrong with the line.

    Parameters
    ----------
    raw : bytes
        UTF-8 JSON text without a byte order mark; white space around it is ignored.

    screen : KeyScreen, optional
        Looks for keys that are named twice, later and in bulk. Default: they are looked for here.

    Returns
    -------
    (value, canonical) or Problem
        `canonical` is `dryrun.core.fingerprint.canonical_json` of the value. `Problem.where` is the column
        (``"column 12"``, from 1) or ``""``.
    """
    if len(raw) > MAX_ROW_BYTES:
        return too_long(len(raw))
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return _explain(raw, error)
    try:
        canonical = canonical_json(value)
    except TypeError:
        return _too_deep()
    if screen is not None:
        screen.add(raw, canonical)
    elif (repeated := repeated_key(raw, canonical)) is not None:
        fix = "Only one of the two can count: remove the other."
        return Problem("", f"the key {repeated[:60]!r} appears twice in one object.", fix)
    return value, canonical


def too_long(size: int, most: int = MAX_ROW_BYTES) -> Problem:
    """The problem of a row above `most` bytes; `size` in bytes, at least that long."""
    what = f"the row is longer than {most / 2**20:,.0f} MiB ({size / 2**20:,.0f} MiB or more)."
    return Problem("", what, "Is a line break missing? Large files belong behind a URL.")


def _too_deep() -> Problem:
    return Problem("", f"lists and objects are nested more than {MAX_DEPTH} levels deep.", "Flatten the row.")


def _explain(raw: bytes, error: orjson.JSONDecodeError) -> Problem:
    try:
        text = raw.decode()
    except UnicodeDecodeError as fault:
        return _not_utf8(raw, fault)
    where = f"column {error.colno}"
    rest = text[error.pos :] if error.pos < len(text) else ""
    if "depth" in error.msg:
        return _too_deep()
    if "surrogate" in error.msg:
        fix = "Write the character itself, or both halves of the pair."
        return Problem(where, "half of a surrogate pair (\\ud800 to \\udfff) is no character.", fix)
    if match := _NON_NUMBER.match(rest.lstrip()):
        return Problem(where, f"{match[0]} is not JSON.", "Use null, a number, or leave the key out.")
    if "infinity" in error.msg:
        return Problem(where, "the number is too large for a 64-bit float.", "Write it as a string.")
    if text.startswith("\0"):
        return Problem(
            where, "zero bytes stand where text must be.", "Was it written to its end? Write it again."
        )
    if rest.strip() == ",":
        return Problem(where, "a comma stands behind the object.", "Leave it out.")
    if "after document" in error.msg and rest.lstrip().startswith("{"):
        return Problem(where, "a second object begins there.", "Write each object on a line of its own.")
    hint = "Is the line cut off?" if not rest.strip() else f"It stops making sense at {rest[:20].strip()!r}."
    return Problem(where, f"is not valid JSON ({error.msg.split(': line ')[0]}).", hint)


def _not_utf8(raw: bytes, fault: UnicodeDecodeError) -> Problem:
    byte = raw[fault.start]
    where = f"byte {fault.start + 1}"
    if byte == 0xED and raw[fault.start + 1 : fault.start + 2] >= b"\xa0":
        return Problem(where, "half of a surrogate pair is no character.", "Save the file as UTF-8.")
    likely = raw[fault.start : fault.start + 1].decode("cp1252", errors="replace")
    fix = f"In Latin-1 or Windows-1252 it would be {likely!r}: save the file as UTF-8."
    return Problem(where, "is not UTF-8.", fix)  # the same words for each letter: rows are counted by them


_ESCAPED = re.compile(rb"\\u003[aA]").search
_COLON, _BACKSLASH, _U = b":\\u"
SCREENED_BYTES = 1 << 16  # twice as much, and every look would ask the system for memory


def repeated_key(raw: bytes, canonical: bytes) -> str | None:
    """A key that some object of a row names twice, or None.

    Parameters
    ----------
    raw, canonical : bytes
        The row's JSON text, and its `dryrun.core.fingerprint.canonical_json`.
    """
    escaped = b"\\" in raw and _ESCAPED(raw) is not None
    if not escaped and raw.count(b":") == canonical.count(b":"):
        return None
    return _look_at_every_key(raw)


def _look_at_every_key(raw: bytes) -> str | None:
    repeated: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in members:
            if key in seen:
                repeated.append(key)
            seen[key] = value
        return seen

    json.loads(raw, object_pairs_hook=pairs)
    return repeated[0] if repeated else None


class KeyScreen:
    """The same question, asked of many rows at a time: the answer is nearly always no.

    No row has more colons in its canonical text than in its own, as long as none is escaped. So where both
    texts of all rows together have as many, no row lacks one.
    """

    def __init__(self) -> None:
        self._raw: list[bytes] = []
        self._canonical: list[bytes] = []
        self._held = 0
        self._clean = True

    def add(self, raw: bytes, canonical: bytes) -> None:
        """Take in a row's two texts, as `repeated_key` does."""
        self._raw.append(raw)
        self._canonical.append(canonical)
        self._held += len(raw)
        if self._held >= SCREENED_BYTES:
            self._look()

    def clean(self) -> bool:
        """Whether no row so far names a key twice."""
        self._look()
        return self._clean

    def _look(self) -> None:
        if not _alike(b"".join(self._raw), b"".join(self._canonical)):
            pairs = zip(self._raw, self._canonical, strict=True)
            self._clean = self._clean and all(repeated_key(*pair) is None for pair in pairs)
        self._raw.clear()
        self._canonical.clear()
        self._held = 0


def _alike(raw: bytes, canonical: bytes) -> bool:
    """Whether as many colons stand in both, and none is escaped."""
    source, kept = (np.frombuffer(text, dtype=np.uint8) for text in (raw, canonical))
    if np.count_nonzero(source == _COLON) != np.count_nonzero(kept == _COLON):
        return False
    escapes = np.count_nonzero((source[:-1] == _BACKSLASH) & (source[1:] == _U))
    return not escapes or _ESCAPED(raw) is None
