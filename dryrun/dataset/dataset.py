"""The dataset as the rest of the program sees it: rows by position, topics, fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dryrun.core.errors import DatasetError, Problem
from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import Item, Prompt
from dryrun.dataset.parse import parse_row
from dryrun.dataset.text_store import RowStore

if TYPE_CHECKING:
    from dryrun.core.config import DatasetRef


class Dataset(Sequence[Item]):
    """A dataset that was read without a fault. Rows are parsed when asked for, not held.

    Attributes
    ----------
    ref : DatasetRef
        Name, fingerprint of the rows in their order (the same for JSONL, Parquet and CSV if the rows
        are the same), row count, and the topic field the user picked.
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
    """

    def __init__(
        self,
        *,
        ref: DatasetRef,
        store: RowStore,
        spans: NDArray[np.int64],
        row_digests: NDArray[np.uint64],
        topic_codes: NDArray[np.int64],
        topic_names: tuple[str, ...],
        topic_fields: tuple[str, ...],
        lines: NDArray[np.int64],
        warnings: tuple[str, ...],
    ) -> None:
        self.ref = ref
        self.row_digests = row_digests
        self.topic_codes = topic_codes
        self.topic_names = topic_names
        self.topic_fields = topic_fields
        self.lines = lines
        self.warnings = warnings
        self._store = store
        self._spans = spans

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
        offset, length = self._spans[row].tolist()
        try:
            parsed = parse_row(self._store.read(offset, length))
        except OSError as error:
            raise self._changed(row, f"cannot be read any more ({error.strerror}).") from error
        if isinstance(parsed, Problem) or fingerprint(parsed[0]) != self.key(row):
            raise self._changed(row, "is not the row that was read before.")
        item: Item = parsed[0]
        return item

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
