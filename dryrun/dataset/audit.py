"""What looks wrong between the rows of a dataset: repeats, contradictions, leaks, overlap with validation."""

from __future__ import annotations

import math
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dryrun.core.records import Item
from dryrun.core.text import percent, plural
from dryrun.dataset.dataset import Dataset
from dryrun.dataset.fields import usual_reference

MOST_ROWS = 20_000
"""Rows looked at; a larger dataset is judged by this number of rows, evenly spaced."""
SHOWN = 5
LEAST_ANSWER = 2
"""Characters below which an answer found in a prompt says nothing."""
LEAK_SHARE, LEAK_Z = 0.05, 3.0
"""Answers stand in their own prompt this much more often than other rows' answers do, in share and in
standard errors: that is no chance."""
DECOYS = 5


class AuditCode(StrEnum):
    """What a finding is about."""

    REPEATED_PROMPTS = "repeated_prompts"
    NEAR_DUPLICATES = "near_duplicates"
    CONTRADICTIONS = "contradictions"
    ANSWERS_IN_PROMPTS = "answers_in_prompts"
    OVERLAP = "overlap"


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One suspicion.

    Attributes
    ----------
    code : AuditCode
    sentence : str
        With its number, where, and what to do. Holds nothing of the dataset's text.
    rows : tuple of int
        Positions in the dataset, from 0; all that were found.
    """

    code: AuditCode
    sentence: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is compared between rows: positions, normalised prompts and answers."""

    positions: list[int]
    prompts: list[str]
    answers: list[str | None]


def audit(
    dataset: Dataset, validation: Dataset | None = None, most_rows: int = MOST_ROWS
) -> list[AuditFinding]:
    """Look at the rows side by side.

    Parameters
    ----------
    dataset : Dataset
    validation : Dataset, optional
        Rows kept for validation, which should not be among those trained on.
    most_rows : int
        The number of rows looked at in each file, at most.

    Raises
    ------
    DatasetError
        A file was changed or removed since it was read.
    """
    rows = _look(dataset, most_rows)
    findings = [*_repeats(rows, dataset), *_near(rows, dataset), *_leaks(rows, dataset)]
    if validation is not None:
        findings += _overlap(rows, _look(validation, most_rows), dataset)
    return findings


def normalised(text: str) -> str:
    """NFKC, case folded, white space collapsed; digits and signs kept."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _look(dataset: Dataset, most: int) -> _Rows:
    count = len(dataset)
    positions = np.unique(np.linspace(0, max(count - 1, 0), min(count, most)).astype(int)).tolist()
    prompts, answers = [], []
    for position in positions:
        item = dataset.item(position)
        prompts.append(normalised(asked_text(item)))
        answer = usual_reference(item)
        answers.append(None if answer is None else normalised(answer))
    return _Rows(positions, prompts, answers)


def asked_text(item: Item) -> str:
    """What the user says: instructions of the system, alike in every row, would hide the difference."""
    asked = [message for message in item["messages"] if message["role"] not in ("system", "developer")]
    contents = [message.get("content") for message in asked or item["messages"]]
    return "\n".join(content if isinstance(content, str) else repr(content) for content in contents)


def _repeats(rows: _Rows, dataset: Dataset) -> Iterator[AuditFinding]:
    where = defaultdict(list)
    for number, prompt in enumerate(rows.prompts):
        where[prompt].append(number)
    several = [numbers for numbers in where.values() if len(numbers) > 1]
    repeated = [rows.positions[number] for numbers in several for number in numbers[1:]]
    if repeated:
        yield AuditFinding(
            AuditCode.REPEATED_PROMPTS,
            f"{plural(len(repeated), 'row')} {'has' if len(repeated) == 1 else 'have'} the prompt of an "
            f"earlier row ({_places(repeated, dataset)}). "
            "They count as one prompt in every interval; drop them if that is not meant.",
            tuple(repeated),
        )
    torn = [numbers for numbers in several if len({rows.answers[n] for n in numbers} - {None}) > 1]
    if torn:
        at = [rows.positions[number] for numbers in torn for number in numbers]
        yield AuditFinding(
            AuditCode.CONTRADICTIONS,
            f"{len(torn):,} prompt{'s' if len(torn) > 1 else ''} with different reference answers in "
            f"different rows ({_places(at, dataset)}): at most one of them can be right. Mend them.",
            tuple(at),
        )


def _near(rows: _Rows, dataset: Dataset) -> Iterator[AuditFinding]:
    pairs = near_duplicates(rows.prompts)
    # Another answer: another question, asked in the same words.
    later = sorted({second for first, second in pairs if rows.answers[first] == rows.answers[second]})
    if later:
        at = [rows.positions[number] for number in later]
        yield AuditFinding(
            AuditCode.NEAR_DUPLICATES,
            f"{plural(len(at), 'row')} nearly {'repeats' if len(at) == 1 else 'repeat'} an earlier prompt "
            f"({_places(at, dataset)}): "
            "there are fewer different prompts than rows.",
            tuple(at),
        )


def _leaks(rows: _Rows, dataset: Dataset) -> Iterator[AuditFinding]:
    """Answers in their own prompts, beside how often other rows' answers stand there by chance."""
    known = [number for number, answer in enumerate(rows.answers) if answer and len(answer) >= LEAST_ANSWER]
    if len({rows.answers[number] for number in known}) < 2:
        return
    own = [number for number in known if holds(rows.prompts[number], rows.answers[number])]
    decoys = [share for share in _decoy_shares(rows, known) if not math.isnan(share)]
    if not own or not decoys:
        return
    share, chance = len(own) / len(known), float(np.mean(decoys))
    error = math.sqrt(max(chance * (1 - chance), 1 / len(known)) / len(known))
    if share - chance < max(LEAK_SHARE, LEAK_Z * error):
        return
    at = [rows.positions[number] for number in own]
    yield AuditFinding(
        AuditCode.ANSWERS_IN_PROMPTS,
        f"In {percent(share)} of rows the prompt holds the reference answer ({_places(at, dataset)}), in "
        f"{percent(chance)} that of another row. That is right for multiple choice and extraction; elsewhere "
        "it gives the answer away.",
        tuple(at),
    )


def _decoy_shares(rows: _Rows, known: Sequence[int]) -> Iterator[float]:
    for shift in range(1, min(DECOYS, len(known) - 1) + 1):
        pairs = [
            (rows.prompts[number], rows.answers[known[(place + shift) % len(known)]], rows.answers[number])
            for place, number in enumerate(known)
        ]
        other = [holds(prompt, answer) for prompt, answer, own in pairs if answer != own]
        yield sum(other) / len(other) if other else math.nan


def holds(prompt: str, answer: str | None) -> bool:
    """Whether the answer stands in the prompt, not as part of a longer word or number."""
    if not answer:
        return False
    at = prompt.find(answer)
    while at >= 0:
        before, after = prompt[at - 1 : at], prompt[at + len(answer) : at + len(answer) + 1]
        if not (before.isalnum() and answer[0].isalnum()) and not (after.isalnum() and answer[-1].isalnum()):
            return True
        at = prompt.find(answer, at + 1)
    return False


def _overlap(rows: _Rows, kept: _Rows, dataset: Dataset) -> Iterator[AuditFinding]:
    held = set(kept.prompts)
    same = [number for number, prompt in enumerate(rows.prompts) if prompt in held]
    size = len(rows.prompts)
    near = {first for first, _ in near_duplicates(rows.prompts + kept.prompts, split=size)} - set(same)
    both = sorted(set(same) | near)
    if both:
        at = [rows.positions[number] for number in both]
        nearly = f", {len(near):,} of them nearly" if near else ""
        yield AuditFinding(
            AuditCode.OVERLAP,
            f"{plural(len(at), 'row')} whose prompt is also in the validation file ({_places(at, dataset)}"
            f"{nearly}): validation would measure what was learned by heart. Drop them from one side.",
            tuple(at),
        )


def _places(positions: Sequence[int], dataset: Dataset) -> str:
    lines = [str(int(dataset.lines[position])) for position in sorted(set(positions))]
    unit = "line" if len(lines) == 1 else "lines"
    return f"{unit} {', '.join(lines[:SHOWN])}{', ...' if len(lines) > SHOWN else ''}"


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
