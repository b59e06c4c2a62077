"""Which prompts to train on, by the profile of a dataset; with a control of equal size beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.training.profile import DatasetProfile, OutcomeClass, RowFlag
from dryrun.core.arrays import Bools, Floats, Ints
from dryrun.core.errors import DryRunError

Places = Ints


class Preference(StrEnum):
    """Which prompts of the band come first where not all are taken."""

    HARDEST = "hardest"
    """The lowest pass rates: where data is scarce (arXiv 2508.14094)."""
    HALF = "half"
    """Pass rates around one half, where groups differ most: where compute is scarce (arXiv 2504.03380)."""


class Curriculum(StrEnum):
    """The order of the training rows."""

    SHUFFLED = "shuffled"
    EASY_FIRST = "easy first"
    HARD_FIRST = "hard first"


class LeftOut(StrEnum):
    """Why a row is not in the training set; the first that holds."""

    UNKNOWN = "no response with a score"
    BROKEN = "broken reference"
    NOISY = "noisy grader"
    REPEATED = "same prompt as an earlier row"
    NEAR = "near-duplicate of an earlier row"
    TOPIC = "topic without a weight"
    EASIER = "pass rate above the band"
    HARDER = "pass rate below the band"
    HELD_OUT = "on the side of validation"
    SIZE = "more rows than asked for"


@dataclass(frozen=True, slots=True)
class SetChoice:
    """How the training set is chosen.

    Attributes
    ----------
    low, high : float
        The band of pass rates after shrinkage, ends included.
    prefer : Preference
    size : int or None
        Training rows at most; None: all there are.
    topics : mapping of str to float
        Weights of the topics, e.g. ``{"algebra": 2, "geometry": 1}``; topics that are not named have
        weight 0. Empty: as the band has them.
    curriculum : Curriculum
    validation : float
        Share of the prompts that is kept for validation, below 1.
    near_duplicates, broken, noisy : bool
        Whether such rows are let in.
    seed : int
    """

    low: float = 0.1
    high: float = 0.9
    prefer: Preference = Preference.HARDEST
    size: int | None = None
    topics: Mapping[str, float] = field(default_factory=dict)
    curriculum: Curriculum = Curriculum.SHUFFLED
    validation: float = 0.1
    near_duplicates: bool = False
    broken: bool = False
    noisy: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The chosen rows, as places in the profile.

    Attributes
    ----------
    train : int64 array
        In the order of the curriculum.
    validation : int64 array
        Rows of the same kind. No prompt of theirs, and no near duplicate, is in `train` or `control`.
    side : int64 array
        All rows that are not kept for validation, in seeded order.
    control : int64 array
        As many rows as `train`, drawn without any filter from the same side of the split: what the choice
        is to beat.
    left_out : dict of LeftOut to int
        Rows that are not in `train`, by reason. `HELD_OUT` counts all rows on the side of validation, those
        that are in `validation` and those that the band or the size leaves out of it.
    """

    train: Places
    validation: Places
    side: Places
    control: Places
    left_out: dict[LeftOut, int]


def choose_rows(profile: DatasetProfile, choice: SetChoice) -> TrainingSet:
    """Choose; the same rows for the same profile, choice and seed, in whatever order the rows stand.

    Raises
    ------
    DryRunError
        The band, the share for validation, the size or a topic cannot be.
    """
    _check(profile, choice)
    order = _seeded(profile, choice.seed)
    held = _held_out(profile, order, choice.validation)
    why = _reasons(profile, choice)
    fits = why == ""
    most = None if choice.size is None else max(round(choice.size * choice.validation), 1)
    train = _taken(profile, choice, order[(fits & ~held)[order]], choice.size)
    validation = _taken(profile, choice, order[(fits & held)[order]], most if choice.validation else 0)
    side = order[~held[order]]
    control = side[: len(train)]
    ordered = _in_order(profile, train, choice.curriculum)
    return TrainingSet(ordered, validation, side, control, _counted(why, fits, held, train))


def _check(profile: DatasetProfile, choice: SetChoice) -> None:
    if not 0.0 <= choice.low <= choice.high <= 1.0:
        raise DryRunError(
            f"The band {choice.low:g} to {choice.high:g} cannot be: give two rates on 0..1, the lower first."
        )
    if not 0.0 <= choice.validation < 1.0:
        raise DryRunError(f"The share {choice.validation:g} for validation must be from 0 to below 1.")
    if choice.size is not None and choice.size < 1:
        raise DryRunError("The training set needs at least one row.")
    strange = set(choice.topics) - set(profile.counts.topics)
    if strange or any(not 0.0 <= weight < np.inf for weight in choice.topics.values()):
        raise DryRunError(
            f"The weights of topics must be numbers from 0 on, of: {', '.join(profile.counts.topics)[:300]}."
        )


def _reasons(profile: DatasetProfile, choice: SetChoice) -> NDArray[np.str_]:
    """Why each row is left out whatever the size; ``""`` for rows that fit."""
    rate = profile.rates.rate
    # Of two prompts that are the same the first stays, even where only their answers differ.
    later = profile.counts.alike != profile.counts.row
    near = later & (_has(profile, RowFlag.NEAR_DUPLICATE))
    repeated = _has(profile, RowFlag.REPEATED)
    never = np.zeros(len(profile), bool)
    rules = (
        (profile.of(OutcomeClass.UNKNOWN), LeftOut.UNKNOWN),
        (never if choice.broken else profile.of(OutcomeClass.BROKEN), LeftOut.BROKEN),
        (never if choice.noisy else profile.of(OutcomeClass.NOISY), LeftOut.NOISY),
        (never if choice.near_duplicates else repeated, LeftOut.REPEATED),
        (never if choice.near_duplicates else near, LeftOut.NEAR),
        (_without_weight(profile, choice), LeftOut.TOPIC),
        (rate > choice.high, LeftOut.EASIER),
        (rate < choice.low, LeftOut.HARDER),
    )
    return np.select([where for where, _ in rules], [name.value for _, name in rules], "")


def _without_weight(profile: DatasetProfile, choice: SetChoice) -> Bools:
    """Rows of topics that the mix leaves out."""
    kept = [not choice.topics or choice.topics.get(name, 0.0) > 0 for name in profile.counts.topics]
    left: Bools = ~np.array(kept, bool)[profile.counts.topic] if kept else np.zeros(len(profile), bool)
    return left


def _has(profile: DatasetProfile, flag: RowFlag) -> Bools:
    set_: Bools = (profile.counts.flags & flag.value) != 0
    return set_


def _seeded(profile: DatasetProfile, seed: int) -> Places:
    """All rows in an order that hangs on the seed and their keys, not on where they stand."""
    by_key = np.lexsort((profile.counts.row, profile.counts.key))
    return by_key[np.random.default_rng(seed).permutation(len(by_key))].astype(np.int64)


def _held_out(profile: DatasetProfile, order: Places, share: float) -> Bools:
    """Rows kept for validation: whole groups of alike prompts, in seeded order, until the share is met."""
    groups, which, sizes = np.unique(profile.counts.alike, return_inverse=True, return_counts=True)
    if not share or len(groups) < 2:
        return np.zeros(len(profile), bool)
    _, first = np.unique(which[order], return_index=True)
    ranked = np.argsort(first, kind="stable")
    most = max(share * len(profile), 1)
    small = sizes[ranked] <= most  # a group that is larger than the share stays in training whole
    filled = small & (np.cumsum(np.where(small, sizes[ranked], 0)) <= most)
    filled[-1] = False
    held = np.zeros(len(groups), bool)
    held[ranked[filled]] = True
    return held[which]


def _taken(profile: DatasetProfile, choice: SetChoice, fits: Places, size: int | None) -> Places:
    """The best of these by preference, each topic its share; `fits` is in seeded order, which breaks ties."""
    rate = profile.rates.rate[fits]
    worth = rate if choice.prefer is Preference.HARDEST else -profile.rates.learnability[fits]
    ranked = fits[np.argsort(worth, kind="stable")]
    topic = profile.counts.topic[ranked]
    sizes = np.bincount(topic, minlength=len(profile.counts.topics))
    if not choice.topics:
        weights = sizes.astype(np.float64)
    else:
        weights = np.array([choice.topics.get(name, 0.0) for name in profile.counts.topics])
    quotas = topic_quotas(sizes, weights, size)
    place = np.empty(len(ranked), np.int64)
    for code in np.flatnonzero(sizes):
        of_topic = topic == code
        place[of_topic] = np.arange(int(of_topic.sum()))
    return ranked[place < quotas[topic]]


def topic_quotas(sizes: Ints, weights: Floats, size: int | None) -> Ints:
    """Rows of each topic, in proportion to its weight as far as it has rows.

    Parameters
    ----------
    sizes : int64 array of shape (topics,)
        Rows there are.
    weights : float64 array of shape (topics,)
    size : int or None
        Rows in all; None: as many as keep to the weights. What a topic lacks, the others give.

    Returns
    -------
    int64 array of shape (topics,)
    """
    open_ = (weights > 0) & (sizes > 0)
    quotas = np.zeros(len(sizes), np.int64)
    if not open_.any():
        return quotas
    if size is None:
        relative = weights[open_] / weights[open_].max()  # a weight of 1e-313 alone would overflow
        with np.errstate(over="ignore", divide="ignore"):
            scale = (sizes[open_] / relative).min()
        quotas[open_] = np.minimum(np.floor(relative * scale + 1e-9), sizes[open_])
        return quotas
    left = min(size, int(sizes[open_].sum()))
    while left:
        room = open_ & (quotas < sizes)
        relative = np.where(room, weights, 0.0)
        relative /= relative.max()
        share = left * relative / relative.sum()
        more = np.minimum(np.floor(share).astype(np.int64), sizes - quotas)
        if not more.any():  # less than one row each: the largest remainders, one each
            more = np.zeros(len(sizes), np.int64)
            best = np.flatnonzero(room)[np.argsort(-share[room], kind="stable")]
            more[best[:left]] = 1
        quotas += more
        left -= int(more.sum())
    return quotas


def _in_order(profile: DatasetProfile, train: Places, curriculum: Curriculum) -> Places:
    """`train` as it is to be read by the trainer."""
    shuffled = train[np.argsort(profile.counts.key[train], kind="stable")]
    shuffled = shuffled[np.random.default_rng(len(train)).permutation(len(train))]
    if curriculum is Curriculum.SHUFFLED:
        return shuffled
    rate = profile.rates.rate[shuffled]
    return shuffled[np.argsort(rate if curriculum is Curriculum.HARD_FIRST else -rate, kind="stable")]


def _counted(why: NDArray[np.str_], fits: Bools, held: Bools, train: Places) -> dict[LeftOut, int]:
    counts = {name: int((why[~held] == name.value).sum()) for name in LeftOut}
    counts[LeftOut.HELD_OUT] = int(held.sum())
    counts[LeftOut.SIZE] = int((fits & ~held).sum()) - len(train)
    return {name: count for name, count in counts.items() if count}
