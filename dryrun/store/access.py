"""The owner of a run, and the links by which others may read it: kept in the run's folder.

Labels of people who did not start it lie apart, in ``labels/by-<hash>/``, until the owner accepts them.

::

    owner.json            the hash of who started it; none where nobody had to say
    links/<hash>.json     one for each read-only link: what it shows, and since when

A secret itself is never stored, only its SHA-256: who can read the disk can open no link and be nobody.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import orjson

from dryrun.core.errors import DryRunError
from dryrun.store.disk import unwritable
from dryrun.store.labels import LONGEST_NAME, Label, LabelBook, book_of
from dryrun.store.partition import Store, write_aside
from dryrun.store.runs import Run
from dryrun.store.shared import registry

OWNER, LINKS = "owner.json", "links"
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}\Z")
"""128 random bits in base64."""
MOST_LINKS = 50
"""Links that a run has at a time."""
NOBODY = "nobody"
"""The owner of a run whose owner cannot be read: nobody's hash."""


class LinkKind(StrEnum):
    """What a read-only link shows."""

    FIGURES = "figures"
    SAMPLES = "samples"


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A read-only link to a run.

    Attributes
    ----------
    hash : str
        Of its token, 64 hex digits.
    kind : LinkKind
    made : float
        Seconds since the epoch.
    """

    hash: str
    kind: LinkKind
    made: float


def hash_of(what: str, secret: str) -> str:
    """The SHA-256 of a secret, in hex; `what` keeps secrets of different kinds apart."""
    return hashlib.sha256(f"dryrun {what}\n{secret}".encode("utf-8", "surrogatepass")).hexdigest()


def owner_of(run: Run) -> str | None:
    """The hash of who started the run; None where that was not kept, `NOBODY` where it cannot be read."""
    try:
        return str(orjson.loads((run.folder / OWNER).read_bytes())["owner"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return NOBODY


def belongs_to(run: Run, holders: Iterable[str]) -> bool:
    """Whether one of these hashes is the owner's; they are compared in constant time."""
    owner = (owner_of(run) or NOBODY).encode()
    return any(secrets.compare_digest(owner, holder.encode()) for holder in holders)


def give_to(run: Run, owner: str) -> None:
    """Keep the hash of who started a new run.

    Raises
    ------
    StoreError
        The disk is full or read-only.
    """
    write_aside(run.folder / OWNER, orjson.dumps({"owner": owner}))


def make_link(run: Run, kind: LinkKind) -> str:
    """A new read-only link: its token, which is nowhere else.

    Raises
    ------
    DryRunError
        The run has `MOST_LINKS`.
    StoreError
        The disk is full or read-only.
    """
    if len(links_of(run)) >= MOST_LINKS:
        raise DryRunError(f"This run has {MOST_LINKS} links. Revoke one to make another.")
    token = secrets.token_urlsafe(16)
    kept = {"kind": kind.value, "made": time.time()}
    write_aside(_link_path(run, hash_of("link", token)), orjson.dumps(kept))
    return token


def links_of(run: Run) -> list[ShareLink]:
    """The links that open the run, oldest first; a file that cannot be read opens nothing."""
    links = [_read_link(path) for path in (run.folder / LINKS).glob("*.json")]
    return sorted((link for link in links if link is not None), key=lambda link: link.made)


def revoke(run: Run, link: ShareLink) -> None:
    """Let the link open nothing from now on; twice does no harm.

    Raises
    ------
    StoreError
        The disk is read-only.
    """
    path = _link_path(run, link.hash)
    try:
        path.unlink(missing_ok=True)
        registry.removed(path)
    except OSError as error:
        raise unwritable(path, error) from error


def opened_by(store: Store, token: str) -> tuple[Run, ShareLink]:
    """The run that a link's token opens, and the link.

    Raises
    ------
    DryRunError
        It opens nothing: it was never made, or it was revoked.
    """
    if TOKEN.match(token):
        registry.pull(store.runs, light=True)
        name = f"{hash_of('link', token)}.json"
        for path in store.runs.glob(f"*/{LINKS}/{name}"):
            link, folder = _read_link(path), path.parent.parent
            if link is not None and (folder / "config.json").is_file():
                return Run(store, folder.name), link
    raise DryRunError("This link opens nothing: it was revoked, or is not complete. Ask for a new one.")


def owned_runs(runs: Iterable[Run], holders: Iterable[str]) -> list[Run]:
    """Those of the runs that belong to one of these hashes, in their order."""
    known = tuple(holders)
    return [run for run in runs if belongs_to(run, known)]


def _link_path(run: Run, digest: str) -> Path:
    return run.folder / LINKS / f"{digest}.json"


def _read_link(path: Path) -> ShareLink | None:
    try:
        kept = orjson.loads(path.read_bytes())
        return ShareLink(path.stem, LinkKind(kept["kind"]), float(kept["made"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


PREFIX = "by-"
DIGITS, SHOWN = 16, 4
"""Digits of the hash that name a person's book, and a person."""
MOST_GUESTS = 200
"""People whose labels wait at a time."""


def guest_book(run: Run, visitor: str) -> LabelBook:
    """The book for labels of the visitor with this hash."""
    return LabelBook(book_of(run).folder / f"{PREFIX}{visitor[:DIGITS]}")


def guest_books(run: Run) -> list[LabelBook]:
    """The books that wait to be accepted."""
    folders = sorted(book_of(run).folder.glob(f"{PREFIX}*"))
    return [book for book in map(LabelBook, folders) if book.names()]


def room_for(run: Run, book: LabelBook) -> None:
    """Pass where this book may get a label.

    Raises
    ------
    DryRunError
        The labels of `MOST_GUESTS` other people wait already.
    """
    others = [other for other in guest_books(run) if other != book]
    if len(others) >= MOST_GUESTS:
        raise DryRunError(
            f"The labels of {MOST_GUESTS} people wait for this run's owner already; no more are kept."
        )


def accept_guests(run: Run) -> int:
    """Let the waiting labels count as the run's own; returns their number.

    Each name gets the start of the guest's hash: nobody can label under the owner's name, or another's.

    Raises
    ------
    DryRunError
        The run has as many labels as it may.
    StoreError
        The disk is full or read-only.
    """
    count = 0
    for book in guest_books(run):
        labels = book.labels()
        book_of(run).add([_signed(label, book) for label in labels])
        _remove(book)
        count += len(labels)
    return count


def discard_guests(run: Run) -> None:
    """Throw the waiting labels away.

    Raises
    ------
    StoreError
        The disk is read-only.
    """
    for book in guest_books(run):
        _remove(book)


def _signed(label: Label, book: LabelBook) -> Label:
    mark = f" (guest {book.folder.name.removeprefix(PREFIX)[:SHOWN]})"
    return label.model_copy(update={"by": f"{label.by[: LONGEST_NAME - len(mark)]}{mark}"})


def _remove(book: LabelBook) -> None:
    try:
        shutil.rmtree(book.folder)
        registry.removed(book.folder)
    except OSError as error:
        raise unwritable(book.folder, error) from error
