"""What to do about a folder that is here and in the store: fetch, put, or drop here.

This machine's index of the store says which version of each file it has, and what it has removed.

Three things are compared: what the store lists, what was known when both were last the same, and what is
here. Parts are never edited, so the same name is the same content. Of a small file that was changed on both
sides the newer one stays, as on one disk.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dryrun.core.errors import StoreError
from dryrun.store.shared.leases import FOLDER
from dryrun.store.shared.objects import Listing, is_shared

Version = tuple[int, int]
RUN = re.compile(r"(?:.*/)?runs/[0-9a-f]{32}(?=/)")
PART = re.compile(r"/(part-[^/]*\.parquet|label-[^/]*\.jsonl)\Z")
FIXED = re.compile(r"/(prompts\.parquet|config\.json|about\.json|profile\.json)\Z")
SAME_MOMENT = 2 * 10**9
"""Nanoseconds within which two versions may bear the same time: stores give whole seconds."""
YOUNG = 30.0
"""Seconds for which a file that is not in the store is left to the process that wrote it."""
DOUBT = 0.1
"""A file that was put within these seconds before a listing began may be missing from it."""


def never_edited(name: str) -> bool:
    """Whether the same name is always the same content."""
    return PART.search(name) is not None or FIXED.search(name) is not None


def version_here(path: Path) -> Version | None:
    """Size and modification time of a file here, in bytes and nanoseconds; None where there is none."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_size, about.st_mtime_ns


def files_below(root: Path, folder: str) -> Iterator[str]:
    """The shared files in a folder of a copy, at any depth, by their relative names."""
    for place, _, names in os.walk(root / folder):
        below = Path(place).relative_to(root).as_posix()
        yield from (name for name in (f"{below}/{file}" for file in names) if is_shared(name))


@dataclass(slots=True)
class Todo:
    """What is to be done, by relative name.

    Attributes
    ----------
    fetch : dict of str to bool
        Files to fetch, and whether no later version can look like the one that is listed.
    put : list of str
    adopt : dict of str to (Version, Version)
        Files that are the same here and there, with their versions there and here.
    drop : list of str
        Files that others have removed.
    """

    fetch: dict[str, bool] = field(default_factory=dict)
    put: list[str] = field(default_factory=list)
    adopt: dict[str, tuple[Version, Version]] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FolderState:
    """Compares one folder.

    Attributes
    ----------
    root, folder : Path, str
        The copy, and the folder relative to it.
    listing : Listing
    known : mapping of str to Known
    removals : collection of str
        Files and folders that were removed here and are still to go from the store.
    light : bool
        Whether Parquet files are left for later.
    hurry : bool
        Whether what is not in the store is put even if another process may be about to.
    opened : float
        When this process began to use the copy, in seconds since the epoch: what is older is nobody's.
    busy : callable
        Whether a process of this machine works on the run with this relative folder: its files are newer.
    """

    root: Path
    folder: str
    listing: Listing
    known: Mapping[str, Known]
    removals: Collection[str]
    light: bool
    hurry: bool
    opened: float
    busy: Callable[[str], bool]

    def todo(self) -> Todo:
        """What is to be done."""
        todo, latest = Todo(), max((put for _, put in self.listing.versions.values()), default=0)
        for name in self.listing.below(self.folder):
            if is_shared(name) and f"/{FOLDER}/" not in name and not self._removed(name):
                self._listed(name, latest, todo)
        self._unlisted(todo)
        return todo

    def _listed(self, name: str, latest: int, todo: Todo) -> None:
        there, known = self.listing.versions[name], self.known.get(name)
        here = version_here(self.root / name)
        settled = never_edited(name) or there[1] + SAME_MOMENT <= latest
        if here is None:
            if not self.light or not name.endswith(".parquet"):
                todo.fetch[name] = settled
        elif never_edited(name):
            if known is None:
                todo.adopt[name] = there, here
        elif known is not None and (known.size, known.put) == there:
            self._seen_before(name, known, here, settled, todo)
        elif (known is not None and known.here == here) or there[1] > here[1]:
            self._replace(name, settled, todo)
        else:
            self._put(name, here, todo)

    def _seen_before(self, name: str, known: Known, here: Version, settled: bool, todo: Todo) -> None:
        """The store holds, as far as its version tells, what it held last time."""
        if known.here != here:
            self._put(name, here, todo)
        elif not known.settled and (settled or time.time() - known.since > SAME_MOMENT / 1e9):
            self._replace(name, True, todo)

    def _replace(self, name: str, settled: bool, todo: Todo) -> None:
        run = RUN.match(name)
        if run is None or not self.busy(run[0]):
            todo.fetch[name] = settled

    def _put(self, name: str, here: Version, todo: Todo) -> None:
        written = here[1] / 1e9
        if self.hurry or written < self.opened or time.time() - written > YOUNG:
            todo.put.append(name)

    def _unlisted(self, todo: Todo) -> None:
        """Files here that the store does not list: never put, or removed by somebody else."""
        for name in files_below(self.root, self.folder):
            here, known = version_here(self.root / name), self.known.get(name)
            if name in self.listing.versions or here is None or self._removed(name):
                continue
            if known is None or known.here != here:
                self._put(name, here, todo)
            elif known.since < self.listing.began - DOUBT:
                todo.drop.append(name)

    def _removed(self, name: str) -> bool:
        while name:
            if name in self.removals:
                return True
            name = name.rpartition("/")[0]
        return False


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
