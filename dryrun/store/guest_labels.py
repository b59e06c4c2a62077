"""Labels of people who did not start a run: they lie apart until its owner accepts them.

``runs/<run id>/labels/by-<who>/`` holds a book for each of them; ``<who>`` is the start of a hash.
"""

from __future__ import annotations

import shutil

from dryrun.core.errors import DryRunError
from dryrun.store.labels import LONGEST_NAME, Label, LabelBook, book_of
from dryrun.store.partition import unwritable
from dryrun.store.runs import Run
from dryrun.store.shared import registry

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
