"""Limits for a stranger's dataset on a shared server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO

from dryrun.core.errors import DatasetError, Problem
from dryrun.core.paths import hosted


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is read of one file.

    Attributes
    ----------
    columns : int
        Of a table, or keys of one row.
    cells : int
        Rows times columns.
    unpacked : int
        Bytes that the file unpacks to.
    batch : int
        Bytes of a table unpacked at one time.
    row : int
        Bytes of one row, as JSON text. Read, it takes ten times as many.
    listed : int
        Bytes of a JSON document, which is read whole.
    bad_rows : int
        Rows with a problem, after which a file is not read further.
    """

    columns: int = 500
    cells: int = 2_000_000
    unpacked: int = 256 * 2**20
    batch: int = 32 * 2**20
    row: int = 4 * 2**20
    listed: int = 16 * 2**20
    bad_rows: int = 10_000

    def check(
        self, name: str, where: str, *, columns: int = 0, cells: int = 0, unpacked: int = 0, row: int = 0
    ) -> None:
        """Refuse what is larger.

        Parameters
        ----------
        name : str
            The file's name.
        where : str
            What is too large: ``"line 1"``.
        columns, cells, unpacked, row : int
            As the attributes.

        Raises
        ------
        DatasetError
            One of them is above its limit.
        """
        megabytes = unpacked / 2**20
        for count, most, words in (
            (columns, self.columns, f"{columns:,} columns, more than {self.columns:,}."),
            (cells, self.cells, f"{cells:,} cells, more than {self.cells:,}."),
            (unpacked, self.unpacked, f"{megabytes:,.0f} MiB unpacked, more than {self.unpacked >> 20} MiB."),
            (row, self.row, f"the row is longer than {self.row / 2**20:,.0f} MiB."),
        ):
            if count > most:
                fix = "Leave out what the grader does not need, or run Dry Run on your own machine."
                raise DatasetError(f"{name} is too large for a shared server.", [Problem(where, words, fix)])


def limits() -> Limits | None:
    """The limits of this server; None where the file is the user's own."""
    return Limits() if hosted() else None


LEAST_PAGE = 1024
"""Bytes that a page counts at least, so that a file of nothing but page headers is not walked for long."""
SHORT_HEADER, LONG_HEADER = 2**12, 2**20
MAX_DEPTH = 8


def unpacked_sizes(file: BinaryIO, metadata: Any, most: int) -> list[int]:
    """Bytes that each row group of a Parquet file unpacks to by the headers of its pages.

    The footer may say less than is true. A page's own header may not: no more is unpacked than it says.

    Parameters
    ----------
    file : binary file
    metadata : pyarrow.parquet.FileMetaData
    most : int
        Nothing more is counted once the sum is above this.

    Raises
    ------
    DatasetError
        A page's header cannot be read.
    """
    sizes: list[int] = []
    for number in range(metadata.num_row_groups):
        group, size = metadata.row_group(number), 0
        for column in range(group.num_columns):
            size += _chunk_size(file, group.column(column), most)
            if sum(sizes) + size > most:
                return [*sizes, size]
        sizes.append(size)
    return sizes


def _chunk_size(file: BinaryIO, chunk: Any, most: int) -> int:
    """The sum over the pages of one column of a row group. `chunk` is its metadata."""
    first = chunk.dictionary_page_offset
    at = min(chunk.data_page_offset, first) if first else chunk.data_page_offset
    end, size = at + chunk.total_compressed_size, 0
    while at < end and size <= most:
        header, unpacked, packed = _page_header(file, at)
        size += max(unpacked, LEAST_PAGE)
        at += header + packed
    return size


def _page_header(file: BinaryIO, at: int) -> tuple[int, int, int]:
    """Bytes of the header at this place, and those of its page: unpacked, packed."""
    for window in (SHORT_HEADER, LONG_HEADER):
        file.seek(at)
        reader = _Thrift(file.read(window))
        try:
            fields = reader.struct()
            unpacked, packed = fields[2], fields[3]
        except (IndexError, KeyError):
            continue
        if unpacked >= 0 and packed >= 0:
            return reader.at, unpacked, packed
    fix = "Write the file again, or use JSONL."
    raise DatasetError(
        "The Parquet file is damaged.", [Problem(f"byte {at:,}", "there is no page where one must be.", fix)]
    )


class _Thrift:
    """Reads a struct of Thrift's compact protocol (its specification, "compact protocol encoding").

    Raises `IndexError` where the bytes end too early or are no such struct.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def struct(self, depth: int = 0) -> dict[int, int]:
        """The integer fields by number; all others are passed over."""
        fields: dict[int, int] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            value = self._value(head & 15, depth)
            if value is not None:
                fields[number] = value
        return fields

    def _value(self, kind: int, depth: int, listed: bool = False) -> int | None:
        if depth > MAX_DEPTH or kind not in range(1, 13) or self.at > len(self._data):
            raise IndexError
        if kind in (1, 2, 3):  # outside of a list the kind itself says true or false
            self.at += 1 if listed or kind == 3 else 0
        elif kind in (4, 5, 6):
            return self._integer()
        elif kind == 7:
            self.at += 8
        elif kind == 8:
            length = self._varint()
            self.at += length
        elif kind == 12:
            self.struct(depth + 1)
        else:
            self._collection(kind, depth)
        return None

    def _collection(self, kind: int, depth: int) -> None:
        if kind == 11:
            count = self._varint()
            kinds = [*divmod(self._byte(), 16)] if count else []
        else:
            head = self._byte()
            count, kinds = (head >> 4 if head >> 4 < 15 else self._varint()), [head & 15]
        for _ in range(count):
            for inner in kinds:
                self._value(inner, depth + 1, listed=True)

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) > 127:
            value |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise IndexError
        return value | byte << shift

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
