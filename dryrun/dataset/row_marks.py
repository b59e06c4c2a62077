"""The audit's marks for each row of a dataset of any size: memory goes by rows, not by their texts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dryrun.core.arrays import Bools, Ints
from dryrun.core.records import Item
from dryrun.dataset.audit import (
    BAND,
    MOST_IN_BUCKET,
    NEAR,
    PERMUTATIONS,
    WORDS,
    AuditCode,
    Hashes,
    asked_text,
    audit,
    common_shingles,
    holds,
    jaccard,
    normalised,
    shingles,
    signature,
)
from dryrun.dataset.dataset import Dataset
from dryrun.dataset.fields import usual_reference

SAMPLE = 20_000
"""Rows, evenly spaced, from which the words that a template repeats are learned."""
KEPT = 20_000
"""Texts kept as shingles while candidates are compared."""


@dataclass(frozen=True, slots=True)
class RowMarks:
    """How each row of a dataset relates to the other rows; arrays of shape ``(rows,)``.

    Attributes
    ----------
    alike : int64 array
        The smallest position of a row whose prompt is the same or nearly, whatever its answer.
    repeated : bool array
        An earlier row has the same prompt and the same answer.
    near : bool array
        An earlier row with the same answer nearly has the same prompt.
    contradicts : bool array
        A row with the same prompt has another answer.
    answer_in_prompt : bool array
        Its reference answer stands in its prompt, where that is no chance over the dataset.
    """

    alike: Ints
    repeated: Bools
    near: Bools
    contradicts: Bools
    answer_in_prompt: Bools


def row_marks(dataset: Dataset) -> RowMarks:
    """Look at every row.

    Memory is about 100 bytes a row; time grows with the rows.

    Raises
    ------
    DatasetError
        The file was changed or removed since it was read.
    """
    count = len(dataset)
    leaks = any(finding.code is AuditCode.ANSWERS_IN_PROMPTS for finding in audit(dataset))
    template = _template(dataset)
    asked, answer = np.zeros(count, np.uint64), np.zeros(count, np.uint64)
    held = np.zeros(count, bool)
    bands = np.zeros((count, PERMUTATIONS // BAND), np.uint32)
    for row, text, reference in _rows(dataset):
        asked[row], answer[row] = _digest(text), 0 if reference is None else _digest(reference)
        held[row] = leaks and holds(text, reference)
        bands[row] = _bands(_own(text, template))
    first, repeated, contradicts = _same(asked, answer)
    alike, near = _near(dataset, first, answer, bands, template)
    return RowMarks(alike, repeated, near & ~repeated, contradicts, held)


def _rows(dataset: Dataset) -> Iterator[tuple[int, str, str | None]]:
    for row in range(len(dataset)):
        item = dataset.item(row)
        reference = usual_reference(item)
        yield row, _text(item), None if reference is None else normalised(reference)


def _text(item: Item) -> str:
    return normalised(asked_text(item))


def _digest(text: str) -> int:
    """64 bits that are never 0."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()) or 1


def _template(dataset: Dataset) -> Hashes:
    count = len(dataset)
    rows = np.unique(np.linspace(0, max(count - 1, 0), min(count, SAMPLE)).astype(int)).tolist()
    return common_shingles([shingles(_text(dataset.item(row))) for row in rows])


def _own(text: str, template: Hashes) -> Hashes:
    """The shingles of a text that are not the template's."""
    hashes = shingles(text)
    return hashes[~np.isin(hashes, template, assume_unique=True)] if template.size else hashes


def _bands(hashes: Hashes) -> NDArray[np.uint32]:
    """One hash for each band of the signature; 0 for texts too short to compare."""
    if hashes.size < WORDS:
        return np.zeros(PERMUTATIONS // BAND, np.uint32)
    mixed = np.zeros(PERMUTATIONS // BAND, np.uint64)
    for column in signature(hashes).reshape(-1, BAND).T:
        mixed = (mixed ^ column) * np.uint64(0x9E3779B97F4A7C15)
    return ((mixed >> np.uint64(32)) | np.uint64(1)).astype(np.uint32)


def _same(asked: Hashes, answer: Hashes) -> tuple[Ints, Bools, Bools]:
    """By row: the first with its prompt; whether an earlier one has its answer; whether answers differ."""
    _, first, which = np.unique(asked, return_index=True, return_inverse=True)
    pairs = np.column_stack([asked, answer])
    _, earliest = np.unique(pairs, axis=0, return_index=True)
    repeated = np.ones(len(asked), bool)
    repeated[earliest] = False
    known = np.flatnonzero(answer[earliest] != 0)  # rows without an answer contradict nobody
    answers = np.bincount(which[earliest[known]], minlength=len(first))
    return first[which].astype(np.int64), repeated, (answers[which] > 1) & (answer != 0)


def _near(
    dataset: Dataset, first: Ints, answer: Hashes, bands: NDArray[np.uint32], template: Hashes
) -> tuple[Ints, Bools]:
    """Groups of prompts that are alike, and rows that nearly repeat an earlier one with their answer."""
    root, near = first.copy(), np.zeros(len(first), bool)
    originals = np.flatnonzero(first == np.arange(len(first)))
    seen = lru_cache(KEPT)(lambda row: _own(_text(dataset.item(row)), template))
    for band in bands.T:
        for early, late in _neighbours(originals, band[originals]):
            known = _root(root, early) == _root(root, late)
            same_answer = answer[early] == answer[late]
            if known and (near[late] or not same_answer):
                continue
            if jaccard(seen(early), seen(late)) >= NEAR:
                _join(root, early, late)
                near[late] |= same_answer
    return _flattened(root), near


def _neighbours(rows: Ints, hashes: NDArray[np.uint32]) -> Iterator[tuple[int, int]]:
    """Pairs of rows with the same hash: each with the first of its bucket, and with the one before it."""
    order = np.argsort(hashes, kind="stable")
    # Texts that are too short have hash 0, stand first, and begin no bucket.
    starts = np.flatnonzero(np.diff(hashes[order].astype(np.int64), prepend=0))
    for begin, end in pairwise([*starts.tolist(), len(order)]):
        members = rows[order[begin : min(end, begin + MOST_IN_BUCKET)]].tolist()
        for place, late in enumerate(members[1:], 1):
            yield members[0], late
            if place > 1:
                yield members[place - 1], late


def _root(root: Ints, row: int) -> int:
    while root[row] != row:
        root[row] = root[root[row]]
        row = int(root[row])
    return row


def _join(root: Ints, first: int, second: int) -> None:
    low, high = sorted((_root(root, first), _root(root, second)))
    root[high] = low


def _flattened(root: Ints) -> Ints:
    while True:
        above = root[root]
        if np.array_equal(above, root):
            return root
        root = above
