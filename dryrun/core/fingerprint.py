"""Fingerprints: short names for content, equal exactly when the content is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from dryrun.core.config import JudgeConfig


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


def grader_fingerprint(grader: Mapping[str, Any], judge: JudgeConfig | None = None) -> str:
    """What names a grader: its canonical JSON, and where its judges are asked."""
    if judge is None:
        return fingerprint({"grader": grader})
    return fingerprint({"grader": grader, "judge": {"base_url": judge.base_url, "model": judge.model}})


def grade_key(grader: str, sample_key: str, item_key: str) -> str:
    """What names a grade: the grader's fingerprint, the sample's key and the item's."""
    return fingerprint([grader, sample_key, item_key])
