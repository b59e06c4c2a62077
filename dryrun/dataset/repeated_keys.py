"""Does an object of a row name a key twice? Only one of the two could count, and no fast parser tells.

A key that is named twice is named once in the row's canonical text, so one of its colons is gone there.
Colons within strings are in both texts, unless they were written as an escape: `\\u003a`.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

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
    given, kept = (np.frombuffer(text, dtype=np.uint8) for text in (raw, canonical))
    if np.count_nonzero(given == _COLON) != np.count_nonzero(kept == _COLON):
        return False
    escapes = np.count_nonzero((given[:-1] == _BACKSLASH) & (given[1:] == _U))
    return not escapes or _ESCAPED(raw) is None
