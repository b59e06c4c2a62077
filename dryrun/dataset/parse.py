"""One line of JSON text in, a row or a sentence about the line out."""

from __future__ import annotations

import re
from typing import Any

import orjson

from dryrun.core.errors import Problem
from dryrun.core.fingerprint import canonical_json
from dryrun.dataset.repeated_keys import KeyScreen, repeated_key

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


def too_long(size: int) -> Problem:
    """The problem of a row above `MAX_ROW_BYTES`; `size` in bytes, at least that long."""
    what = f"the row is longer than {MAX_ROW_BYTES >> 20} MiB ({size >> 20} MiB or more)."
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
    hint = "Is the line cut off?" if not rest.strip() else f"It stops making sense at {rest[:20].strip()!r}."
    return Problem(where, f"is not valid JSON ({error.msg.split(': line ')[0]}).", hint)


def _not_utf8(raw: bytes, fault: UnicodeDecodeError) -> Problem:
    byte = raw[fault.start]
    where = f"byte {fault.start + 1}"
    if byte == 0xED and raw[fault.start + 1 : fault.start + 2] >= b"\xa0":
        return Problem(where, "half of a surrogate pair is no character.", "Save the file as UTF-8.")
    likely = raw[fault.start : fault.start + 1].decode("cp1252", errors="replace")
    what = f"0x{byte:02X} is not UTF-8 (in Latin-1 or Windows-1252 it would be {likely!r})."
    return Problem(where, what, "Save the file as UTF-8.")
