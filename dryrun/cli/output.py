"""Files that an option names: refused before anything is spent, and written whole."""

from __future__ import annotations

import argparse
import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from dryrun.core.errors import DryRunError, StoreError
from dryrun.store.partition import write_aside

NOT_BESIDE = (errno.EACCES, errno.EPERM, errno.EBUSY, errno.EROFS)
"""Errors where a file can be written, but none beside it: a container's mount of one file, say."""


def new_file(endings: Sequence[str]) -> Callable[[str], Path]:
    """The path of a file to be written, for argparse: refused before anything is spent, not after.

    Parameters
    ----------
    endings : sequence of str
        What its name may end in, with the dot, in small letters.
    """

    def check(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower() not in endings:
            raise argparse.ArgumentTypeError(f"{text}: the name must end in one of {', '.join(endings)}")
        if not path.parent.is_dir():
            raise argparse.ArgumentTypeError(f"{text}: there is no folder {path.parent}")
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise argparse.ArgumentTypeError(f"{text}: cannot be written")
        return path

    return check


def write_out(out: Path, content: bytes, option: str = "--out") -> None:
    """Write the file that the option names; what stood there stays until all of the new one is written.

    Raises
    ------
    DryRunError
        It cannot be written.
    """
    try:
        try:
            write_aside(out.resolve(), content)
        except StoreError as error:
            if not isinstance(cause := error.__cause__, OSError) or cause.errno not in NOT_BESIDE:
                raise cause or error from None
            out.write_bytes(content)
    except OSError as error:
        raise DryRunError(
            f"{option} {out}: cannot be written ({error.strerror}). Choose another path."
        ) from error
