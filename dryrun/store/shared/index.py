"""This machine's index of a shared store: the version of each file that it has, and what it has removed.

Kept in ``.index.sqlite`` in the copy. A file that is not in it was not put into the store yet: losing the
index loses nothing but the time to compare.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dryrun.core.errors import StoreError

FILE = ".index.sqlite"
_TABLES = (
    "CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, size INTEGER, put INTEGER, here_size INTEGER, "
    "here_ns INTEGER, settled INTEGER, since REAL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS removals (name TEXT PRIMARY KEY, once_there TEXT) WITHOUT ROWID",
)


@dataclass(frozen=True, slots=True)
class Known:
    """One file that is here and in the store.

    Attributes
    ----------
    size, put : int
        Its version in the store; `put` is 0 where this machine put it and has not seen it listed since.
    here : tuple of (int, int)
        Size and modification time in nanoseconds of the file here when both were the same.
    settled : bool
        Whether no later version can look like this one.
    since : float
        When this was written down, in seconds since the epoch.
    """

    size: int
    put: int
    here: tuple[int, int]
    settled: bool
    since: float


class Index:
    """The database. All methods may be called from any thread; other processes may use it too.

    Each raises `StoreError` where it cannot be read or written.

    Parameters
    ----------
    root : Path
        The folder of the copy.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._path, self._turn = root / FILE, threading.Lock()
        try:
            self._base = sqlite3.connect(
                self._path, timeout=60.0, check_same_thread=False, isolation_level=None
            )
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        with self._changes() as base:
            for table in _TABLES:
                base.execute(table)

    def below(self, folder: str) -> dict[str, Known]:
        """The files in a folder, at any depth."""
        query = "SELECT * FROM files WHERE name >= ? AND name < ?"
        with self._changes() as base:
            rows = base.execute(query, _within(folder)).fetchall()
        return {row[0]: Known(row[1], row[2], (row[3], row[4]), bool(row[5]), row[6]) for row in rows}

    def keep(
        self, files: Mapping[str, tuple[tuple[int, int], tuple[int, int]]], settled: Mapping[str, bool]
    ) -> None:
        """Note files that are here and in the store: each its version there, and its size and time here."""
        now = time.time()
        rows = [(name, *there, *here, settled[name], now) for name, (there, here) in files.items()]
        with self._changes() as base:
            base.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def forget(self, names: Iterable[str]) -> None:
        """Note that these files are no longer both here and there."""
        with self._changes() as base:
            base.executemany("DELETE FROM files WHERE name = ?", [(name,) for name in names])

    def knows(self, name: str) -> bool:
        """Whether this file is in the store, as far as is known."""
        with self._changes() as base:
            return base.execute("SELECT 1 FROM files WHERE name = ?", (name,)).fetchone() is not None

    def remove(self, name: str, once_there: str) -> None:
        """Note that a file or folder removed here has to go from the store, once `once_there` is in it."""
        with self._changes() as base:
            for table in ("files", "removals"):
                base.execute(f"DELETE FROM {table} WHERE name = ?", (name,))
                base.execute(f"DELETE FROM {table} WHERE name >= ? AND name < ?", _within(name))
            base.execute("UPDATE removals SET once_there = ? WHERE once_there = ?", (once_there, name))
            base.execute("INSERT INTO removals VALUES (?, ?)", (name, once_there))

    def removals(self) -> dict[str, str]:
        """What has to go from the store, each with the file that must be there first (or ``""``)."""
        with self._changes() as base:
            return dict(base.execute("SELECT name, once_there FROM removals").fetchall())

    def gone(self, name: str) -> None:
        """Forget a removal: the file has gone from the store, or is wanted again."""
        with self._changes() as base:
            base.execute("DELETE FROM removals WHERE name = ?", (name,))

    @contextlib.contextmanager
    def _changes(self) -> Iterator[sqlite3.Connection]:
        """One transaction: every change made within, or none."""
        try:
            with self._turn:
                self._base.execute("BEGIN IMMEDIATE")
                try:
                    yield self._base
                except BaseException:
                    self._base.execute("ROLLBACK")
                    raise
                self._base.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: sqlite3.Error) -> StoreError:
        return StoreError(
            f"{self._path} cannot be used ({error}). Free some space; if it is damaged, delete it: only the "
            "comparison with the store is made anew."
        )


def _within(folder: str) -> tuple[str, str]:
    return f"{folder}/", f"{folder}0"
