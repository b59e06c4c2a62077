"""Where the JSON text of the rows stays, so that no pass has to hold every parsed row."""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from bisect import bisect_right
from pathlib import Path
from typing import IO, Protocol

SPOOL_IN_MEMORY = 32 * 1024 * 1024
MAX_SPOOL_BYTES = 8 * 1024**3
"""Most JSON text that the rows of a CSV or Parquet file may unpack to (8 GiB)."""


class RowStore(Protocol):
    """Bytes that can be read back by offset."""

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; fewer if the store is shorter."""


class BytesStore:
    """An upload, as it came."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, offset: int, length: int) -> bytes:
        """See `RowStore`."""
        return self._data[offset : offset + length]


class FileStore:
    """The user's own JSONL file, opened for each read: it may be deleted or replaced meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, offset: int, length: int) -> bytes:
        """See `RowStore`. Raises OSError if the file cannot be opened any more."""
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(length)


class Spool:
    """Rows of other formats as JSON text: in memory while small, then in an unnamed temporary file.

    Parameters
    ----------
    path : Path, optional
        A file to write them to instead, for another process to read.
    most : int
        Bytes it may come to; the pass that fills it looks after that.
    """

    def __init__(self, path: Path | None = None, most: int = MAX_SPOOL_BYTES) -> None:
        self.most = most
        self._file: IO[bytes] = (
            tempfile.SpooledTemporaryFile(max_size=SPOOL_IN_MEMORY) if path is None else path.open("w+b")  # noqa: SIM115
        )
        self._close = weakref.finalize(self, self._file.close)
        self._length = 0
        self._at_end = True
        self._lock = threading.Lock()  # seek and read belong together

    @property
    def length(self) -> int:
        """Bytes written so far."""
        return self._length

    def append(self, raw: bytes) -> int:
        """Write one row; its offset."""
        with self._lock:
            offset = self._length
            if not self._at_end:  # a seek makes the file write what it holds back
                self._file.seek(offset)
                self._at_end = True
            self._length += self._file.write(raw)
        return offset

    def read(self, offset: int, length: int) -> bytes:
        """See `RowStore`."""
        with self._lock:
            self._at_end = False
            self._file.seek(offset)
            return self._file.read(length)

    def close(self) -> None:
        """Write out what is held back, so that a reader of the file sees it."""
        self._close()


class Files:
    """Several files, one behind the other; each may be removed once it is open here."""

    def __init__(self) -> None:
        self._files: list[IO[bytes]] = []
        self._starts = [0]

    def add(self, path: Path) -> int:
        """Put a file behind those that are there; the offset at which it begins."""
        file = path.open("rb")
        weakref.finalize(self, file.close)
        self._files.append(file)
        start = self._starts[-1]
        self._starts.append(start + os.fstat(file.fileno()).st_size)
        return start

    def read(self, offset: int, length: int) -> bytes:
        """See `RowStore`. No row lies in two files."""
        number = bisect_right(self._starts, offset) - 1
        if number >= len(self._files):
            return b""
        return os.pread(self._files[number].fileno(), length, offset - self._starts[number])
