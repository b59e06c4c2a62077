"""Fingerprints: short names for content, equal exactly when the content is."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no spaces, UTF-8: one byte string for one value.

    Raises
    ------
    TypeError
        `value` holds something JSON cannot say.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def fingerprint(value: Any) -> str:
    """32 hex digits (128 bits of SHA-256) that name a JSON value."""
    return hashlib.sha256(canonical_json(value)).hexdigest()[:32]
