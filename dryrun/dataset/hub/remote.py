"""Datasets of the Hugging Face Hub by name: finds a split and reads no more rows than a sample needs.

The optional package huggingface_hub does the talking; ``HF_ENDPOINT`` and ``HF_TOKEN`` count as it has them.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Any, BinaryIO

from dryrun.core.errors import DatasetError, Problem
from dryrun.core.paths import namesake
from dryrun.core.records import Item
from dryrun.core.text import cut, plural
from dryrun.dataset.columns import BY_NAME, ColumnMap
from dryrun.dataset.dataset import Dataset, Spool
from dryrun.dataset.formats import BadRow, Format, JsonlRows, RawRow, checked_format
from dryrun.dataset.hub.splits import (
    HOW,
    HubAddress,
    address_of,
    chosen_split,
    fits,
    refused,
    splits_by_card,
    splits_by_folders,
    splits_by_names,
)
from dryrun.dataset.one_pass import Pass
from dryrun.dataset.read import FIRST_ROWS, readable, rows_in
from dryrun.dataset.tabular import parquet_rows

INSTALL = "Install it: pip install -r requirements-hub.txt, or pip install 'dryrun[hub]'."
CONVERTED = "refs/convert/parquet"
"""The branch on which the Hub keeps a Parquet copy of nearly every dataset."""

LEAST_POOL, ROWS_PER_PROMPT = 2000, 4
"""The fewest rows that a sample is drawn from, and the rows for each prompt; the larger number counts."""
WHOLE_BYTES = 16 * 1024**2
"""A JSONL file up to this size is read whole (16 MiB)."""
RANGES = 16
FILES = 8
"""A larger file is read at `RANGES` places; of a split, `FILES` files are opened at first."""
BLOCK_BYTES = 1 << 20


def pool_size(prompts: int) -> int:
    """The number of rows a sample is drawn from: `LEAST_POOL`, doubled until each prompt has four rows.

    So 300 prompts and 500 are drawn from the same rows, and the first 300 of the 500 are the 300.
    """
    doubled = max(0, math.ceil(math.log2(ROWS_PER_PROMPT * prompts / LEAST_POOL)))
    return LEAST_POOL << doubled


def read_hub(text: str, columns: ColumnMap = BY_NAME, prompts: int = 300) -> Dataset:
    """A dataset of the Hub: as many rows as the sample of a run is drawn from.

    Parameters
    ----------
    text : str
        ``hf://datasets/OWNER/NAME[@REVISION][:SPLIT]``.
    columns : ColumnMap
    prompts : int
        The number of prompts in the sample.

    Raises
    ------
    DatasetError
        huggingface_hub is not installed; there is no such dataset, revision or split; it cannot be
        reached; or its rows cannot be used, as in `dryrun.dataset.read_dataset`.
    """
    with _explained(text):
        place = _Place.of(address_of(text), text)
        source = _Rows(place, pool_size(prompts), columns)
        dataset = Pass(place.name, columns, "row", Spool()).read(source.feed())
    return replace(dataset, warnings=(*source.notes(), *dataset.warnings))


def first_of_hub(text: str) -> list[Item]:
    """The first rows as they are, for a form that asks which field is what. Raises as `read_hub` does."""
    with _explained(text):
        place = _Place.of(address_of(text), text)
        return list(readable(_Rows(place, FIRST_ROWS, None).feed()))


@contextlib.contextmanager
def _explained(text: str) -> Iterator[None]:
    """Turn what huggingface_hub raises into one sentence.

    Raises
    ------
    DatasetError
        Whatever it was.
    """
    import httpx2

    try:
        from huggingface_hub import errors
    except ImportError:
        other = namesake("huggingface_hub")
        what = (
            "this package is not installed." if other is None else f"Python takes {other} for this package."
        )
        fix = INSTALL if other is None else f"Rename it, or start in another folder. {INSTALL}"
        raise refused(text, "huggingface_hub", what, fix) from None
    try:
        yield
    except errors.GatedRepoError as error:
        fix = "Accept them on its page, and set HF_TOKEN to a token of your account."
        raise refused(text, "dataset", "it is shown only to those who accept its conditions.", fix) from error
    except errors.RevisionNotFoundError as error:
        raise refused(text, "revision", "the dataset has no such revision.", HOW) from error
    except errors.RepositoryNotFoundError as error:
        fix = "Check the name; for a private one set HF_TOKEN."
        raise refused(text, "dataset", "there is none of this name, or it is private.", fix) from error
    except (errors.HfHubHTTPError, errors.HFValidationError, httpx2.HTTPError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        fix = "Check the network and HF_ENDPOINT, then try again."
        raise refused(text, "hub", f"it did not answer as expected ({cut(reason, 200)}).", fix) from error


@dataclass(frozen=True, slots=True)
class _Place:
    """A split that was found.

    Attributes
    ----------
    name : str
        ``OWNER/NAME@COMMIT:SPLIT``, the commit's first 8 digits.
    folder : str
        Where its files are, for the file system: ``datasets/OWNER/NAME@COMMIT``.
    files : sequence of str
    system : HfFileSystem
    """

    name: str
    folder: str
    files: Sequence[str]
    system: Any

    @staticmethod
    def of(address: HubAddress, text: str) -> _Place:
        from huggingface_hub import HfApi, HfFileSystem

        endpoint = os.environ.get("HF_ENDPOINT") or None
        api = HfApi(endpoint=endpoint)
        info = api.dataset_info(address.repo, revision=address.revision)
        files = [entry.rfilename for entry in info.siblings or ()]
        configs = info.card_data.get("configs") if info.card_data else None
        splits = splits_by_card(configs, files)
        if not fits(splits, address.split):
            splits = {**splits_by_names(files), **splits}
        if not fits(splits, address.split) and address.revision is None:
            converted = _converted(api, address.repo)
            if converted is not None:
                others = splits_by_folders([entry.rfilename for entry in converted.siblings or ()])
                if fits(others, address.split):
                    info, splits = converted, others
        split = chosen_split(splits, address.split, text)
        folder = f"datasets/{address.repo}@{info.sha}"
        system = HfFileSystem(endpoint=endpoint, skip_instance_cache=True)
        return _Place(f"{address.repo}@{str(info.sha)[:8]}:{split}", folder, splits[split], system)

    def open(self, path: str) -> BinaryIO:
        """A file of the split, read in blocks."""
        raw = self.system.open(f"{self.folder}/{path}", "rb", cache_type="none")
        return io.BufferedReader(raw, BLOCK_BYTES)


def _converted(api: Any, repo: str) -> Any:
    from huggingface_hub import errors

    try:
        return api.dataset_info(repo, revision=CONVERTED)
    except errors.HfHubHTTPError:
        return None


class _Rows:
    """The rows of a split, as many as the pool takes, from places spread over its files."""

    def __init__(self, place: _Place, pool: int, columns: ColumnMap | None) -> None:
        self._place, self._pool, self._columns = place, pool, columns
        self._seen: list[str] = []

    def feed(self) -> Iterator[RawRow | BadRow]:
        """Rows numbered from 1 in the order in which they are read."""
        rows = islice(self._rows(), self._pool)
        for number, entry in enumerate(rows, 1):
            if isinstance(entry, BadRow):
                yield BadRow(number, entry.problems)
            else:
                yield RawRow(number, entry.raw)

    def notes(self) -> Iterator[str]:
        """Notes on what was read, where it was only a part."""
        if self._seen:
            read = ", ".join(self._seen)
            yield f"{self._place.name} was read in part, enough for a sample of this size: {read}."

    def _rows(self) -> Iterator[RawRow | BadRow]:
        files = list(self._place.files)
        if all(file.lower().endswith((".parquet", ".pq")) for file in files):
            yield from self._parquet(files)
            return
        chosen = spread(len(files), FILES)
        if len(chosen) < len(files):
            self._seen.append(f"{len(chosen)} of {len(files):,} files")
        share = math.ceil(self._pool / len(chosen))
        for index in chosen:
            yield from islice(self._lines(files[index], share), share)

    def _parquet(self, files: list[str]) -> Iterator[RawRow | BadRow]:
        """Row groups spread over the files, of which no more are opened than it takes."""
        with contextlib.ExitStack() as stack:
            opened: dict[int, BinaryIO] = {}
            groups: list[tuple[int, int, int]] = []
            count = FILES
            while True:
                for index in set(spread(len(files), count)) - opened.keys():
                    opened[index] = stack.enter_context(self._place.open(files[index]))
                    groups += [(index, *group) for group in _groups(opened[index], files[index])]
                if sum(rows for _, _, rows in groups) >= self._pool or len(opened) == len(files):
                    break
                count *= 2
            groups.sort()
            chosen = self._enough(groups)
            if len(chosen) < len(groups) or len(opened) < len(files):
                held = len({index for index, _, _ in chosen})
                self._seen.append(f"{plural(len(chosen), 'row group')} in {held:,} of {len(files):,} files")
            for index, group, _ in chosen:
                yield from parquet_rows(opened[index], files[index], self._columns, [group])

    def _enough(self, groups: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        """The fewest row groups, evenly spread, that fill the pool."""
        for count in range(1, len(groups)):
            chosen = [groups[index] for index in spread(len(groups), count)]
            if sum(rows for _, _, rows in chosen) >= self._pool:
                return chosen
        return groups

    def _lines(self, path: str, share: int) -> Iterator[RawRow | BadRow]:
        """Rows of a file that is not Parquet."""
        with self._place.open(path) as file:
            form = checked_format(file, path)
            if form is Format.JSONL:
                yield from self._ranges(file, path, share)
            else:
                yield from rows_in(file, path, form, self._columns)

    def _ranges(self, file: BinaryIO, path: str, share: int) -> Iterator[RawRow | BadRow]:
        """Lines of JSONL: all of a small file, else those behind some places in it."""
        size = file.seek(0, os.SEEK_END)
        if size <= WHOLE_BYTES:
            yield from JsonlRows(file)
            return
        self._seen.append(f"{RANGES} places in {path}")
        bounds = [size * number // RANGES for number in range(RANGES + 1)]
        for start, end in pairwise(bounds):
            yield from islice(JsonlRows(file, start, end), math.ceil(share / RANGES))


def _groups(file: BinaryIO, path: str) -> list[tuple[int, int]]:
    """Number and rows of each row group, from the file's end alone."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(file)
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        problem = Problem(path, f"it is not a Parquet file ({cut(reason, 200)}).", "Tell its owner.")
        raise DatasetError(f"{path} cannot be read as Parquet.", [problem]) from error
    return [(number, metadata.row_group(number).num_rows) for number in range(metadata.num_row_groups)]


def spread(count: int, wanted: int) -> list[int]:
    """At most `wanted` of the numbers below `count`, evenly spread.

    >>> spread(10, 3)
    [0, 3, 6]
    """
    some = min(count, wanted)
    return [count * index // some for index in range(some)]
