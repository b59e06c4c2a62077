"""Which folders of this machine are copies of a shared store, and what has to be said to those copies.

Every function does nothing for a path that is in no such copy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dryrun.core.text import plural

if TYPE_CHECKING:  # a data directory on the local disk loads none of it
    from dryrun.store.shared.local_copy import LocalCopy


_COPIES: dict[Path, LocalCopy] = {}


def register(root: Path, copy: LocalCopy) -> None:
    """From now on the files below `root` are this copy's."""
    _COPIES[root] = copy


def copy_of(path: Path) -> LocalCopy | None:
    """The copy that a path belongs to; None for a path on the local disk alone."""
    if not _COPIES:
        return None
    return next((copy for root, copy in _COPIES.items() if path.is_relative_to(root)), None)


def copies() -> Sequence[LocalCopy]:
    """All copies that this process has opened."""
    return list(_COPIES.values())


def wrote(path: Path) -> None:
    """A file was written, whole, under its own name."""
    if (copy := copy_of(path)) is not None:
        copy.wrote(path)


def removed(path: Path, once_there: Path | None = None) -> None:
    """A file or folder was removed; elsewhere it goes once the file `once_there` is in the store."""
    if (copy := copy_of(path)) is not None:
        copy.removed(path, once_there)


def damaged(path: Path) -> None:
    """A file cannot be read and was set aside: it is fetched again where the store has it."""
    if (copy := copy_of(path)) is not None:
        copy.damaged(path)


def pull(folder: Path, *, light: bool = False, fresh: bool = False) -> None:
    """Have what others have put below a folder.

    Parameters
    ----------
    folder : Path
    light : bool
        All but Parquet files, which may be large.
    fresh : bool
        Look now, even if it was looked a moment ago.
    """
    if (copy := copy_of(folder)) is not None:
        copy.pull(folder, light=light, fresh=fresh)


def check_complete(run: Path, *folders: Path) -> None:
    """Pass where these folders are as new here as the status of the run with this folder.

    Raises
    ------
    StoreError
        The store was lost in between: what is here is a part of what the status counts.
    """
    if (copy := copy_of(run)) is not None:
        copy.complete(run, folders)


def keep_up(folder: Path) -> None:
    """Have, soon, what others put below a folder; never waits."""
    if (copy := copy_of(folder)) is not None:
        copy.keep_up(folder)


@contextlib.contextmanager
def hold_everywhere(folder: Path) -> Iterator[None]:
    """Let no other machine work on the run with this folder.

    Raises
    ------
    DryRunError
        Another machine does.
    """
    copy = copy_of(folder)
    with contextlib.nullcontext() if copy is None else copy.hold(folder):
        yield


def held_elsewhere(folder: Path) -> bool:
    """Whether another machine works on the run with this folder, as far as was seen last."""
    copy = copy_of(folder)
    return copy is not None and copy.held_elsewhere(folder)


def lost(folder: Path) -> bool:
    """Whether another machine has taken over the run that this one works on."""
    copy = copy_of(folder)
    return copy is not None and copy.lost(folder)


def unshared_words(patience: float | None = None) -> list[str]:
    """Sentences about what could not be put into a shared store, and what could not be fetched from it.

    Parameters
    ----------
    patience : float, optional
        How many seconds without success to wait for what is under way. Default: nothing is waited for, and
        only what has failed is named.
    """
    sentences = []
    for copy in copies():
        unsent = copy.unsent() if patience is None else copy.drain(patience)
        if unsent.count and (unsent.why or patience is not None):
            reason = unsent.why.removeprefix(f"{copy.address}: ")
            why = f" ({reason})" if reason else ""
            are = "is" if unsent.count == 1 else "are"
            sentences.append(
                f"{plural(unsent.count, 'file')} {are} not in {copy.address} yet{why}. Nothing is lost, this "
                "machine keeps a copy. `python -m dryrun cache --push` tries again."
            )
        elif copy.trouble:
            sentences.append(f"What others wrote since could not be fetched. {copy.trouble}")
    return sentences
