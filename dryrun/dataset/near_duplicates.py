"""Near-duplicates of texts: five-word shingles, MinHash to find candidates, Jaccard's index to decide.

Shingles that many texts share (instructions around every question) are left out first, or every row of a
templated dataset would resemble every other.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

WORDS = 5
NEAR = 0.8
"""Jaccard's index from which on two texts are near-duplicates; common in deduplication of corpora."""
PERMUTATIONS, BAND = 128, 8
"""16 bands of 8: a pair at 0.8 is a candidate with a probability of 0.95, one at 0.5 with 0.06."""
COMMON = 5
"""A shingle in more texts than this is the template's, not the question's."""
MOST_IN_BUCKET = 200
_BASE = np.uint64(0x9E3779B97F4A7C15)

Hashes = NDArray[np.uint64]


def near_duplicates(texts: Sequence[str], split: int | None = None) -> list[tuple[int, int]]:
    """Pairs of positions whose texts nearly agree, but not exactly; the smaller position first.

    Parameters
    ----------
    texts : sequence of str
        Normalised. Those of fewer than five words are compared by `same` alone.
    split : int, optional
        Give only pairs with one text before this position and the other at or behind it.

    Notes
    -----
    Broder, On the resemblance and containment of documents (1997). Candidates are checked with the exact
    index of their shingles, so no pair below `NEAR` is given; few above it are missed.
    """
    sets = _without_template([shingles(text) for text in texts])
    full = [at for at, hashes in enumerate(sets) if hashes.size >= WORDS]
    if len(full) < 2:
        return []
    signatures = np.array([signature(sets[at]) for at in full])
    pairs = sorted({(a, b) for a, b in _candidates(signatures, full) if split is None or a < split <= b})
    return [(a, b) for a, b in pairs if texts[a] != texts[b] and jaccard(sets[a], sets[b]) >= NEAR]


def shingles(text: str) -> Hashes:
    """Hashes of the different runs of five words."""
    words = np.array([zlib.crc32(word.encode()) for word in text.split()], dtype=np.uint64)
    if words.size < WORDS:
        return words[:0]
    runs = np.zeros(words.size - WORDS + 1, dtype=np.uint64)
    for step in range(WORDS):
        runs = (runs ^ words[step : words.size - WORDS + 1 + step]) * _BASE
    return np.unique(runs)


def common_shingles(sets: Sequence[Hashes]) -> Hashes:
    """Shingles that stand in more than `COMMON` texts: the template's."""
    every = np.concatenate(sets) if sets else np.zeros(0, dtype=np.uint64)
    hashes, counts = np.unique(every, return_counts=True)
    return hashes[counts > COMMON]


def _without_template(sets: list[Hashes]) -> list[Hashes]:
    common = common_shingles(sets)
    return [hashes[~np.isin(hashes, common, assume_unique=True)] for hashes in sets] if common.size else sets


def signature(hashes: Hashes) -> Hashes:
    """The smallest value of each of `PERMUTATIONS` hash functions over the shingles."""
    mixed = (hashes[:, None] ^ _SEEDS) * _BASE
    mixed ^= mixed >> np.uint64(29)
    least: Hashes = (mixed * _BASE).min(axis=0)
    return least


_SEEDS = np.random.default_rng(0).integers(0, 2**63, PERMUTATIONS, dtype=np.uint64)


def _candidates(signatures: Hashes, positions: list[int]) -> Iterator[tuple[int, int]]:
    for start in range(0, PERMUTATIONS, BAND):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for row, at in zip(np.ascontiguousarray(signatures[:, start : start + BAND]), positions, strict=True):
            buckets[row.tobytes()].append(at)
        for members in buckets.values():
            yield from combinations(members[:MOST_IN_BUCKET], 2)


def jaccard(first: Hashes, second: Hashes) -> float:
    """The share of shingles that both have."""
    both = np.intersect1d(first, second, assume_unique=True).size
    return both / (first.size + second.size - both)
