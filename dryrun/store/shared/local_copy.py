"""This machine's copy of a shared store: what is written goes there, what others wrote comes here."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from dryrun.core.errors import StoreError
from dryrun.store.disk import TOPS, lock, unwritable
from dryrun.store.shared.compare import (
    PART,
    FolderState,
    Index,
    Todo,
    Version,
    files_below,
    never_edited,
    version_here,
)
from dryrun.store.shared.leases import Heartbeat, Leases, machine_of
from dryrun.store.shared.objects import Listing, Objects, is_shared
from dryrun.store.shared.outbox import SPEAKS, Errand, Outbox, Unsent

FRESH_SECONDS = 5.0
"""Seconds for which a listing counts as what there is."""
WATCH_SECONDS = 15.0
"""The same seconds for a partition that somebody works with."""
QUIET_SECONDS = 30.0
"""Seconds for which a store that could not be reached is left alone; the copy here is read."""
PATIENCE = 20.0
"""Seconds without any success after which the end of a run, or of a command, waits no longer."""
FETCHES, LOOKS = 16, 3
"""Files fetched at a time; listings made where files change meanwhile."""
Overwritten = Literal["overwritten"]
OVERWRITTEN: Overwritten = "overwritten"
UNSEEN: Version = (-1, 0)
"""No version that a store lists."""
SECOND = 10**9
"""Nanoseconds. Stores give the time of a put in whole seconds."""


class LocalCopy:
    """What is written below its folder is put into the store, what others put there is fetched.

    Parameters
    ----------
    objects : Objects
    root : Path
        The folder of the copy.
    """

    def __init__(self, objects: Objects, root: Path) -> None:
        try:
            self._index, self._leases = Index(root), Leases(objects, machine_of(root))
        except OSError as error:
            raise unwritable(root, error) from error
        self.root, self._objects = root, objects
        self._outbox = Outbox(self._run)
        self._listings: dict[str, tuple[float, Listing]] = {}
        self._pulled: dict[tuple[str, bool], Listing] = {}
        self._guard = threading.Lock()
        self._settled: dict[str, float] = {}
        self._heard: dict[str, float] = {}
        self._turns: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._opened, self._quiet_until, self._trouble = time.time(), 0.0, ""
        self._working: set[str] = set()
        self._lost: set[str] = set()
        self._watched: dict[str, float] = {}
        for name, after in self._index.removals().items():
            self._outbox.add(name, removal=True, after=after)
        self._put_left_behind()

    @property
    def address(self) -> str:
        """Of the store, as it was given."""
        return self._objects.address.text

    @property
    def trouble(self) -> str:
        """Why news could not be fetched when that was tried last; ``""`` where they could."""
        return self._trouble

    def wrote(self, path: Path) -> None:
        """A file was written: put it."""
        name = self._name(path)
        if is_shared(name):
            self._index.gone(name)
            self._outbox.add(name, content=path.read_bytes() if path.name == SPEAKS else None)

    def removed(self, path: Path, once_there: Path | None = None) -> None:
        """A file or folder was removed: remove it from the store, once `once_there` is in it."""
        name, after = self._name(path), "" if once_there is None else self._name(once_there)
        if is_shared(f"{name}/any"):
            self._index.remove(name, after)
            self._outbox.add(name, removal=True, after=after)

    def damaged(self, path: Path) -> None:
        """A part cannot be read here: fetch it again, for as long as the store has it."""
        self._index.forget([self._name(path)])
        with contextlib.suppress(StoreError):
            self.pull(path.parent, fresh=True)

    def pull(self, folder: Path, *, light: bool = False, fresh: bool = False) -> None:
        """Fetch what others have put below a folder, put what is here alone, drop what others removed.

        Raises
        ------
        StoreError
            With `fresh`: the store cannot be reached. Else what is here is read, and `trouble` says why.
        """
        name = self._name(folder)
        if fresh or not (time.monotonic() < self._quiet_until or self._is_mine(name)):
            self._pull(name, light, fresh, self._busy)

    def _pull(self, name: str, light: bool, fresh: bool, busy: Callable[[str], bool]) -> None:
        with self._turns[name]:
            try:
                for look in range(LOOKS):
                    listing = self._listing(name, fresh or look > 0)
                    done = self._has_pulled(name, light, listing)
                    if done or self._settle(name, listing, light, fresh, busy):
                        break
                self._trouble = ""
            except StoreError as error:
                self._trouble = str(error)
                self._quiet_until = time.monotonic() + QUIET_SECONDS
                if fresh:
                    raise

    def complete(self, run: Path, folders: Sequence[Path]) -> None:
        """Pass where these folders are as new here as the status of the run with this folder.

        Raises
        ------
        StoreError
            The status was fetched, and then the store was lost.
        """
        heard = self._heard.get(self._name(run), 0.0)
        for folder in folders:
            if heard > max(self._settled.get(above, 0.0) for above in self._above(self._name(folder))):
                raise StoreError(f"Only a part of run {run.name} is on this machine. {self._trouble}".strip())

    def keep_up(self, folder: Path) -> None:
        """Pull a folder now and then, on another thread, for as long as this is called."""
        name, now = self._name(folder), time.monotonic()
        if now - self._watched.setdefault(name, now) > WATCH_SECONDS:
            self._watched[name] = now
            threading.Thread(target=self.pull, args=(folder,), name="dryrun-watch", daemon=True).start()

    @contextlib.contextmanager
    def hold(self, folder: Path) -> Iterator[None]:
        """Let no other machine work on a run; at the end wait for what was written to be in the store.

        Raises
        ------
        DryRunError
            Another machine works on it.
        StoreError
            The store cannot be reached.
        """
        run = self._name(folder)
        lease = self._leases.take(run)
        self._lost.discard(run)
        beat = Heartbeat(
            self._leases, self._objects, lease, lambda: self._lost.add(run), lambda: _touch(folder / "stop")
        )
        try:
            self._pull(run, False, True, lambda _: False)
            self._working.add(run)
            yield
        finally:
            self._working.discard(run)
            try:
                self.drain(PATIENCE)
            finally:  # also where Ctrl-C ends the waiting
                beat.end()
                self._leases.give_back(lease)

    def held_elsewhere(self, folder: Path) -> bool:
        """Whether another machine works on the run, as far as was seen last."""
        return self._leases.holder(self._name(folder)) is not None

    def lost(self, folder: Path) -> bool:
        """Whether another machine has taken over the run that this one works on."""
        return self._name(folder) in self._lost

    def drain(self, patience: float) -> Unsent:
        """Wait until everything is in the store, or nothing got there for `patience` seconds."""
        return self._outbox.drain(patience)

    def unsent(self) -> Unsent:
        """What is not in the store yet."""
        return self._outbox.unsent()

    def _put_left_behind(self) -> None:
        """Put the parts that a process which is gone had written and not put."""
        for top in TOPS:
            known = self._index.below(top)
            for name in files_below(self.root, top):
                if PART.search(name) and name not in known:
                    self._outbox.add(name)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _is_mine(self, name: str) -> bool:
        """Whether this process works on the run that the folder belongs to: nobody has newer files."""
        return any(f"{name}/".startswith(f"{run}/") for run in self._working)

    def _above(self, name: str) -> Iterator[str]:
        while name:
            yield name
            name = name.rpartition("/")[0]

    def _listing(self, name: str, fresh: bool) -> Listing:
        """What the store holds in the folder, or in one that it lies in: listed now, or a moment ago."""
        since = time.monotonic() - FRESH_SECONDS
        for above in () if fresh else self._above(name):
            at, listing = self._listings.get(above, (0.0, None))
            if listing is not None and at > since:
                return listing
        listing = self._objects.list(name)
        with self._guard:
            self._listings = {folder: held for folder, held in self._listings.items() if held[0] > since}
            self._listings[name] = time.monotonic(), listing
            live = [held for _, held in self._listings.values()]
            self._pulled = {
                key: held for key, held in self._pulled.items() if any(held is kept for kept in live)
            }
        return listing

    def _has_pulled(self, name: str, light: bool, listing: Listing) -> bool:
        return any(
            self._pulled.get((above, kind)) is listing
            for above in self._above(name)
            for kind in ((False, True) if light else (False,))
        )

    def _settle(
        self, name: str, listing: Listing, light: bool, fresh: bool, busy: Callable[[str], bool]
    ) -> bool:
        """Do what is to be done; whether it was, or files were overwritten since they were listed."""
        self._leases.note(name, listing)
        removals, known = self._index.removals(), self._index.below(name)
        compared = FolderState(self.root, name, listing, known, removals, light, fresh, self._opened, busy)
        todo = compared.todo()
        for own in todo.put:
            if not self._outbox.waits(own):
                self._outbox.add(own)
        self._keep(todo.adopt)
        self._drop(todo.drop)
        self._hear(todo, listing)
        if not self._fetch(todo, listing):
            return False
        with self._guard:
            self._pulled[name, light] = listing
            if not light:
                self._settled[name] = listing.began
        return True

    def _hear(self, todo: Todo, listing: Listing) -> None:
        """Forget listings older than a status: what it counts may have been put after them."""
        runs = [name.rpartition("/")[0] for name in todo.fetch if name.endswith(f"/{SPEAKS}")]
        if not runs:
            return
        with self._guard:
            self._heard |= dict.fromkeys(runs, listing.began)
            kept = self._listings.items()
            self._listings = {name: held for name, held in kept if held[1].began >= listing.began}

    def _busy(self, run: str) -> bool:
        """Whether a process of this machine works on the run."""
        try:
            with (self.root / run / "lock").open("rb") as file:
                return not lock(file, exclusive=False)
        except OSError:
            return False

    def _keep(self, files: dict[str, tuple[Version, Version]], settled: bool = True) -> None:
        if files:
            self._index.keep(files, dict.fromkeys(files, settled))

    def _drop(self, names: list[str]) -> None:
        for name in names:
            path = self.root / name
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # there is something else in it
                path.parent.rmdir()
        self._index.forget(names)

    def _fetch(self, todo: Todo, listing: Listing) -> bool:
        """Fetch files, several at a time, and write down what came: a fault of one leaves the others.

        False where one of them had been overwritten since it was listed.
        """
        if not todo.fetch:
            return True
        before = {name: version_here(self.root / name) for name in todo.fetch}
        came: dict[str, tuple[Version, Version]] = {}

        def fetch(name: str) -> bool:
            here = self._fetched(name, listing.versions[name], before[name])
            if isinstance(here, tuple):
                came[name] = listing.versions[name], here
            return here is not OVERWRITTEN

        try:
            with ThreadPoolExecutor(min(FETCHES, len(todo.fetch)), "dryrun-fetch") as pool:
                return all(list(pool.map(fetch, todo.fetch)))
        finally:
            if came:
                self._index.keep(came, {name: todo.fetch[name] for name in came})

    def _fetched(self, name: str, there: Version, before: Version | None) -> Version | Overwritten | None:
        """Fetch one file into its place; its version here, None where it is gone or was written meanwhile."""
        content, path = self._objects.get(name), self.root / name
        if content is not None and len(content) != there[0]:
            return OVERWRITTEN  # a newer status may count what was put since
        if content is None or version_here(path) != before:
            return None
        aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(content)
            os.utime(aside, ns=(there[1], there[1]))  # runs are listed by the age of their files
            here = version_here(aside)
            aside.replace(path)
        except OSError as error:
            raise unwritable(path, error) from error
        return here

    def _run(self, errand: Errand) -> None:
        """Put or remove one file."""
        if errand.removal:
            if errand.after and not self._index.knows(errand.after):
                raise StoreError(f"{errand.after} has to be in {self.address} first.")
            self._objects.remove(errand.name)
            self._index.gone(errand.name)
            return
        path = self.root / errand.name
        here = version_here(path)
        try:
            content = path.read_bytes() if errand.content is None else errand.content
        except FileNotFoundError:
            return  # merged, or removed, meanwhile
        except OSError as error:
            raise StoreError(f"{path} cannot be read ({error.strerror}).") from error
        if errand.failures and not never_edited(errand.name) and self._newer_there(errand.name, here):
            self._keep({errand.name: (UNSEEN, here or UNSEEN)}, settled=False)  # the next pull fetches it
            return
        self._objects.put(errand.name, content)
        if here is not None and here[0] == len(content):
            self._keep({errand.name: ((len(content), 0), here)}, settled=never_edited(errand.name))

    def _newer_there(self, name: str, here: Version | None) -> bool:
        """Whether somebody has put another version while this one could not be put."""
        folder = name.rpartition("/")[0]
        there, known = self._objects.list(folder).versions.get(name), self._index.below(folder).get(name)
        if there is None or here is None or (known is not None and (known.size, known.put) == there):
            return False
        return there[1] + SECOND > here[1]


def _touch(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.touch(exist_ok=True)
