"""When a run was made."""

from __future__ import annotations

import contextlib
from pathlib import Path

import orjson

_MADE: dict[Path, float] = {}
"""By folder; it never changes."""


def when_made(folder: Path) -> float:
    """Seconds since the epoch, as the run itself says: the files of a copy are as old as the copy.

    0 where nothing says it: somebody may be deleting the run.
    """
    if not _MADE.get(folder):
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            _MADE[folder] = float(orjson.loads((folder / "status.json").read_bytes())["started"])
    with contextlib.suppress(OSError):
        return _MADE.get(folder) or (folder / "config.json").stat().st_mtime
    return 0.0
