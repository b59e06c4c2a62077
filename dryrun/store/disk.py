"""The local disk under a data directory: which folders are shared, files that are locked, too little room."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
from pathlib import Path
from typing import IO

from dryrun.core.errors import StoreError

try:
    import fcntl
except ImportError:  # on Windows two processes may work on one run, which costs calls but loses nothing
    fcntl = None  # type: ignore[assignment]

TOPS = ("runs", "samples", "grades", "profiles", "labels")
"""The folders that are shared; other files of a data directory are this machine's own."""
IN_THE_WAY = {errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY}
"""A file where a folder belongs, or a folder where a file does."""
LEAST_ROOM = 1_000_000
"""Bytes that must be free before a run pays for its first call."""


def unwritable(path: Path, error: OSError) -> StoreError:
    """The error where `path` cannot be written."""
    remedy = "Free some space or set DRYRUN_DATA to a directory you can write to"
    if error.errno in IN_THE_WAY:
        remedy = "Move away what stands there, or set DRYRUN_DATA to another directory"
    return StoreError(
        f"Cannot write {path}: {error.strerror or error}. {remedy}; nothing already saved is lost."
    )


def check_room(folder: Path) -> None:
    """Refuse to begin what could not be kept.

    Raises
    ------
    StoreError
        The disk has less than `LEAST_ROOM` left.
    """
    with contextlib.suppress(OSError):  # where it cannot be told, the first write tells
        if shutil.disk_usage(folder).free < LEAST_ROOM:
            raise unwritable(folder, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def lock(file: IO[bytes], exclusive: bool) -> bool:
    """Lock a file until it is closed; False where somebody else keeps it locked."""
    if fcntl is None:
        return True
    for attempt in range(10 if exclusive else 1):  # a reader that looks may hold it for an instant
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.01 * attempt)
        else:
            return True
    return False
