"""The files of a shared store, by their names relative to it: listed, put, fetched, removed."""

from __future__ import annotations

import contextlib
import secrets
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dryrun.store.disk import TOPS
from dryrun.store.shared.address import StoreAddress

NEVER = ("lock", "damaged-", ".")
"""How names begin of files that are this machine's own, wherever they are."""


def is_shared(name: str) -> bool:
    """Whether a file with this relative name is one that machines share."""
    parts = name.split("/")
    plain = all(part and not part.startswith(NEVER) and "\\" not in part for part in parts)
    return plain and parts[0] in TOPS and len(parts) > 1


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder of the store held.

    Attributes
    ----------
    began : float
        When it was asked for, in seconds since the epoch.
    names : list of str
        Relative names, ascending.
    versions : dict of str to (int, int)
        Of each its size in bytes and when it was put, in nanoseconds since the epoch by the store's clock.
    """

    began: float
    names: list[str]
    versions: dict[str, tuple[int, int]]

    def below(self, folder: str) -> list[str]:
        """The names in a folder, at any depth."""
        first, end = f"{folder}/", f"{folder}0"  # "0" comes right after "/"
        return self.names[bisect_left(self.names, first) : bisect_left(self.names, end)]


class Objects:
    """Reads and writes the files of a shared store. All methods may be called from any thread.

    Parameters
    ----------
    address : StoreAddress
    """

    def __init__(self, address: StoreAddress) -> None:
        from pyarrow import fs

        self.address = address
        self._fs: Any = address.filesystem()
        # A put that is tried again without a look could put something old over something new.
        self._once: Any = address.filesystem(tries=1)
        self._kinds: Any = fs.FileType
        self._selector: Any = fs.FileSelector

    def check(self) -> None:
        """Pass where the bucket is there; a folder is made.

        Raises
        ------
        StoreError
            It is not there, or cannot be reached.
        """
        with self._in_words():
            if self.address.scheme == "file":
                self._fs.create_dir(self.address.base)
            elif self._fs.get_file_info(self.address.place).type == self._kinds.NotFound:
                raise FileNotFoundError(self.address.place)

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        """What the file system refuses becomes a `StoreError` that says what to do."""
        try:
            yield
        except (OSError, ValueError) as error:
            raise self.address.trouble(error) from error

    def list(self, folder: str) -> Listing:
        """The files in a folder, at any depth: one request for 1,000 of them.

        Raises
        ------
        StoreError
            It cannot be listed.
        """
        began, start = time.time(), len(self.address.base) + 1
        selector = self._selector(self._path(folder), recursive=True, allow_not_found=True)
        with self._in_words():
            infos = self._fs.get_file_info(selector)
        files = (info for info in infos if info.type == self._kinds.File)
        versions = {info.path[start:]: (int(info.size), int(info.mtime_ns)) for info in files}
        return Listing(began, sorted(versions), versions)

    def put(self, name: str, content: bytes) -> None:
        """Keep `content` under a name in one step: others see the old content, or the new one.

        Raises
        ------
        StoreError
            It cannot be put.
        """
        path = self._path(name)
        with self._in_words():
            if self.address.scheme == "file":
                self._put_aside(path, content)
                return
            with self._once.open_output_stream(path) as stream:
                stream.write(content)

    def _put_aside(self, path: str, content: bytes) -> None:
        """A disk keeps half a file where a writer dies: it is written aside and renamed."""
        folder, _, name = path.rpartition("/")
        aside = f"{folder}/.{name}.{secrets.token_hex(6)}"
        self._fs.create_dir(folder)
        with self._fs.open_output_stream(aside) as stream:
            stream.write(content)
        self._fs.move(aside, path)

    def get(self, name: str) -> bytes | None:
        """The content under a name; None where there is none.

        Raises
        ------
        StoreError
            It cannot be fetched.
        """
        with self._in_words():
            try:
                with self._fs.open_input_stream(self._path(name)) as stream:
                    content: bytes = stream.read()
                    return content
            except FileNotFoundError:
                return None

    def has(self, name: str) -> bool:
        """Whether there is a file with this name.

        Raises
        ------
        StoreError
            It cannot be told.
        """
        with self._in_words():
            return bool(self._fs.get_file_info(self._path(name)).type == self._kinds.File)

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all its files; it may be gone already.

        Raises
        ------
        StoreError
            It cannot be removed.
        """
        path = self._path(name)
        with self._in_words(), contextlib.suppress(FileNotFoundError):
            kind = self._fs.get_file_info(path).type
            if kind == self._kinds.File:
                self._fs.delete_file(path)
            elif kind == self._kinds.Directory:
                self._fs.delete_dir(path)

    def _path(self, name: str) -> str:
        return f"{self.address.base}/{name}"
