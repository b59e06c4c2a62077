"""Which rows a run asks about: seeded, nested, simple or stratified by topic."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dryrun.core.arrays import Ints
from dryrun.core.config import SamplingConfig, SamplingMethod

UInts = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


class Drawable(Protocol):
    """What sampling needs of a dataset."""

    @property
    def row_digests(self) -> UInts:
        """Row fingerprints, shape (n_rows, 2)."""

    @property
    def topic_codes(self) -> Ints:
        """Topic of each row as a number, shape (n_rows,)."""


def draw(dataset: Drawable, config: SamplingConfig) -> list[int]:
    """The rows of the sample, in sample order.

    The order of all rows is fixed by the seed and the rows themselves, and the sample is its
    beginning: the first 300 of a seed are the first 300 of 500, in both methods.

    Parameters
    ----------
    dataset : Drawable
        A `dryrun.dataset.Dataset`.
    config : SamplingConfig
        Size, seed and method. A size above the number of rows takes all of them.

    Returns
    -------
    list of int
        Row positions from 0, each at most once, ``min(size, n_rows)`` of them.

    Notes
    -----
    *Simple*: rows are sorted by a hash of the seed, the row's fingerprint, and (for exact duplicates)
    which copy it is. Integers only, so every machine and version gives the same order; rows that are
    added, removed or moved leave the order of the others as it was.

    *Stratified*: topic t with n_t of n rows has, among the first N, its exact share N n_t / n rounded
    down or up, at every N. So a topic is present as soon as its share reaches one row, and a sample
    is never tilted towards rare topics. Within a topic the order is the simple one. The schedule takes,
    at each place, the most urgent topic among those that may have one more row; that this always works
    out is the theorem behind quota apportionment.

    References
    ----------
    Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (the mixer).
    Steiner, Yeomans, "Level schedules for mixed-model, just-in-time processes", Management Science
    39(6), 1993 (earliest due date keeps every deviation below one).
    """
    order = seeded_order(dataset.row_digests, config.seed)
    size = min(config.size, len(order))
    if not size:
        return []
    if config.method is SamplingMethod.STRATIFIED:
        return _stratified(order, dataset.topic_codes, size)
    return [int(row) for row in order[:size]]


def seeded_order(row_digests: UInts, seed: int) -> Ints:
    """All rows in the seed's order.

    Parameters
    ----------
    row_digests : uint64 array, shape (n_rows, 2)
        Row fingerprints.
    seed : int
        Any integer.

    Returns
    -------
    int64 array, shape (n_rows,)
        A permutation of the row positions.
    """
    digests = np.ascontiguousarray(row_digests, dtype=np.uint64).reshape(-1, 2)
    start = np.uint64(int.from_bytes(hashlib.sha256(f"sample {seed}".encode()).digest()[:8], "big"))
    mixed = _mix(digests[:, 0] ^ start) ^ digests[:, 1]
    copies = np.zeros(len(digests), dtype=np.uint64)
    first = _mix(mixed ^ _mix(copies))
    order = np.argsort(first)
    if has_ties(first[order]):  # some rows are equal, or their hashes are
        copies = _copy_numbers(digests).astype(np.uint64)
        first = _mix(mixed ^ _mix(copies))
        order = np.argsort(first)
        if has_ties(first[order]):
            order = np.lexsort((copies, _mix(first ^ digests[:, 1]), first))
    return order.astype(np.int64)


def has_ties(ordered: UInts) -> bool:
    """Whether any two neighbours are the same. Sorting one column is far cheaper than sorting by several."""
    return bool((ordered[1:] == ordered[:-1]).any())


def _mix(values: UInts) -> UInts:
    """One step of splitmix64: 64 bits in, 64 well-mixed bits out, one to one."""
    values = values + _GOLDEN
    values = (values ^ (values >> np.uint64(30))) * _MIX_1
    values = (values ^ (values >> np.uint64(27))) * _MIX_2
    return values ^ (values >> np.uint64(31))


def _copy_numbers(digests: UInts) -> Ints:
    """For each row, how many equal rows stand before it: 0 for all but exact duplicates."""
    order = np.lexsort((digests[:, 1], digests[:, 0]))  # stable: equal rows stay in file order
    new = np.ones(len(order), dtype=bool)
    new[1:] = (digests[order[1:]] != digests[order[:-1]]).any(axis=1)
    places = np.arange(len(order))
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = places - np.maximum.accumulate(np.where(new, places, 0))
    return numbers


def _stratified(order: Ints, topic_codes: Ints, size: int) -> list[int]:
    """The first `size` rows of the level schedule; see `draw`.

    With exact integers: row j (from 0) of topic t may come once N n_t / n exceeds j, and must have come
    when N n_t / n reaches j + 1.
    """
    queues = _queues(order, topic_codes)
    total = len(order)
    # Ties go to the topic whose first row comes first in the seeded order: `queues` is in that order.
    waiting = [(1, topic) for topic in range(len(queues))]
    ready: list[tuple[int, int, int]] = []
    taken = [0] * len(queues)
    chosen: list[int] = []
    for place in range(1, size + 1):
        while waiting and waiting[0][0] <= place:
            _, topic = heapq.heappop(waiting)
            due = -(-(taken[topic] + 1) * total // len(queues[topic]))
            heapq.heappush(ready, (due, min(taken[topic], 1), topic))
        _, _, topic = heapq.heappop(ready)
        chosen.append(int(queues[topic][taken[topic]]))
        taken[topic] += 1
        if taken[topic] < len(queues[topic]):
            heapq.heappush(waiting, (taken[topic] * total // len(queues[topic]) + 1, topic))
    return chosen


def _queues(order: Ints, topic_codes: Ints) -> list[Ints]:
    """Each topic's rows in the seeded order; topics in the order of their first row."""
    topics = topic_codes[order]
    few = topics.max() <= np.iinfo(np.uint16).max  # then sorted by digits instead of comparisons
    by_topic = np.argsort(topics.astype(np.uint16) if few else topics, kind="stable")
    starts = np.flatnonzero(np.diff(topics[by_topic], prepend=-1))
    return sorted(np.split(order[by_topic], starts[1:]), key=_place_in(order))


def _place_in(order: Ints) -> Callable[[Ints], int]:
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return lambda queue: int(place[queue[0]])
