"""Fingerprints: short names for content, equal exactly when the content is."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from dryrun.core.config import RunConfig
from dryrun.core.paths import hosted


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


def grader_fingerprint(config: RunConfig) -> str:
    """What names a run's grader: its canonical JSON, where its judges are asked, and what it is given."""
    named: dict[str, Any] = {"grader": config.grader}
    if (judge := config.judge) is not None:
        named["judge"] = {"base_url": judge.base_url, "model": judge.model}
        if judge.account is not None:
            named["judge"]["account"] = judge.account
    if config.cut_reasoning:
        named["cut_reasoning"] = True
    return fingerprint(named)


def grade_key(grader: str, sample_key: str, item_key: str) -> str:
    """What names a grade: the grader's fingerprint, the sample's key and the item's."""
    return fingerprint([grader, sample_key, item_key])


def account_of(api_key: str) -> str | None:
    """What stands for this key where strangers share a server; None elsewhere, or without a key.

    It is slow to compute, so that it gives away no weak key.
    """
    if not (hosted() and api_key):
        return None
    return hashlib.scrypt(api_key.encode(), salt=b"dryrun account", n=2**12, r=8, p=1, dklen=16).hex()
