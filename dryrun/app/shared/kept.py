"""What the app keeps on one's own machine: prices of models, and where datasets were."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from dryrun.core.errors import StoreError
from dryrun.core.paths import data_dir, hosted
from dryrun.store.partition import write_aside

FILE = "app.json"
MOST = 200
"""Entries of a kind; the oldest go first."""


def recall(kind: str, name: str) -> Any:
    """What was kept under this name; None where nothing was, or where strangers share the server."""
    return recall_all(kind).get(name)


def recall_all(kind: str) -> dict[str, Any]:
    """All that was kept of this kind, by name; nothing where strangers share the server."""
    return {} if hosted() else _all().get(kind, {})


def remember(kind: str, name: str, value: Any) -> None:
    """Keep a JSON value in the data directory, unless strangers share the server or it cannot be written."""
    if hosted() or recall(kind, name) == value:
        return
    entries = _all()
    named = {key: entry for key, entry in entries.get(kind, {}).items() if key != name}
    entries[kind] = dict([*named.items(), (name, value)][-MOST:])
    with contextlib.suppress(StoreError):  # the frame says that the directory cannot be written
        write_aside(data_dir() / FILE, json.dumps(entries, indent=1, ensure_ascii=False).encode())


def _all() -> dict[str, dict[str, Any]]:
    try:
        entries = json.loads((data_dir() / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    kinds = entries.items() if isinstance(entries, dict) else ()
    return {kind: named for kind, named in kinds if isinstance(named, dict)}
