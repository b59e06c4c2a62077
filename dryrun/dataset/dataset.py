"""The dataset as the rest of the program sees it, and where the JSON text of its rows stays.

Rows are found by position and parsed when asked for, so that no pass has to hold every parsed row.
"""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from dryrun.core.arrays import Ints
from dryrun.core.errors import DatasetError, Problem
from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import Item, Prompt
from dryrun.dataset.columns import ColumnMap, shaped
from dryrun.dataset.parse import parse_row

if TYPE_CHECKING:
    from dryrun.core.config import DatasetRef


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


@dataclass(eq=False, frozen=True)
class Dataset(Sequence[Item]):
    """A dataset that was read without a fault. Rows are parsed when asked for, not held.

    Attributes
    ----------
    ref : DatasetRef
        Name, fingerprint of the rows in their order (the same for JSONL, Parquet and CSV if the rows
        are the same), row count, and the fields the user named.
    store : RowStore
        Where the rows' JSON text stays.
    spans : int64 array, shape (n_rows, 2)
        Offset and length of each row's text in `store`.
    row_digests : uint64 array, shape (n_rows, 2)
        The row fingerprints' 128 bits. Equal rows have equal digests.
    topic_codes : int64 array, shape (n_rows,)
        Index into `topic_names` for each row.
    topic_names : tuple of str
        In order of first appearance; ``""`` for rows without topic.
    topic_fields : tuple of str
        Fields that could serve as topic.
    lines : int64 array, shape (n_rows,)
        Where each row stands in its file, from 1.
    warnings : tuple of str
        What is legal but looks like a mistake, one sentence each.
    columns : ColumnMap
        Which fields the user named.
    """

    ref: DatasetRef
    store: RowStore
    spans: Ints
    row_digests: NDArray[np.uint64]
    topic_codes: Ints
    topic_names: tuple[str, ...]
    topic_fields: tuple[str, ...]
    lines: Ints
    warnings: tuple[str, ...]
    columns: ColumnMap

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[Item]:
        return (self.item(row) for row in range(len(self)))

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self.item(index) for index in range(*row.indices(len(self)))]
        return self.item(row)

    @property
    def topics(self) -> Mapping[str, int]:
        """Rows of each topic, in order of first appearance; empty if no row has a topic."""
        if self.topic_names in ((), ("",)):
            return {}
        counts = np.bincount(self.topic_codes, minlength=len(self.topic_names))
        return dict(zip(self.topic_names, counts.tolist(), strict=True))

    def key(self, row: int) -> str:
        """Fingerprint of one row, 32 hex digits."""
        high, low = self.row_digests[row].tolist()
        return f"{high:016x}{low:016x}"

    def item(self, row: int) -> Item:
        """One whole row.

        Parameters
        ----------
        row : int
            Position from 0; negative counts from the end.

        Raises
        ------
        IndexError
            There is no such row.
        DatasetError
            The file was changed or removed since it was read.
        """
        offset, length = self.spans[row].tolist()
        try:
            parsed = parse_row(self.store.read(offset, length))
        except OSError as error:
            raise self._changed(row, f"cannot be read any more ({error.strerror}).") from error
        item = parsed if isinstance(parsed, Problem) else shaped(parsed[0], self.columns)
        if isinstance(item, Problem) or fingerprint(item) != self.key(row):
            raise self._changed(row, "is not the row that was read before.")
        return cast(Item, item)

    def _changed(self, row: int, what: str) -> DatasetError:
        problem = Problem(f"line {self.lines[row]}", what, "Load the dataset again.")
        return DatasetError(f"{self.ref.name} changed while it was in use.", [problem])

    def prompt(self, row: int) -> Prompt:
        """One row as a prompt for a run. Raises as `item` does."""
        topic = self.topic_names[self.topic_codes[row]]
        return Prompt(key=self.key(row), row=row % len(self), topic=topic, item=self.item(row))

    def prompts(self, rows: Iterable[int]) -> list[Prompt]:
        """Several rows as prompts, in the order given. Raises as `item` does."""
        return [self.prompt(row) for row in rows]
