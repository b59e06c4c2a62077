"""What the cheap first round of the probes, which every run grades, says about its grader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.anchors import (
    follows_reference,
    paid_by_row,
    unread_parts,
    worthless_floor,
    worthless_means,
)
from dryrun.analysis.figures.redraw import wilson
from dryrun.analysis.figures.statistics import TOLERANCE, above, below
from dryrun.analysis.verdict.measures import Measures
from dryrun.analysis.verdict.tree import Branch, Notice, NoticeCode
from dryrun.analysis.verdict.words import GraderQuality
from dryrun.core.arrays import Floats
from dryrun.core.probe import FAR, FORMED
from dryrun.core.text import figure, percent
from dryrun.core.thresholds import ProbeLimits, Thresholds

CONTENTLESS = ("empty", "refusal", "long filler")
"""Worthless answers that can hold no part of a right one."""
TURNED_ROUND = (NoticeCode.LOW_CEILING, NoticeCode.WORTHLESS_PAID, NoticeCode.FAILING_REFERENCES)
"""Warnings that follow where the wrong answers are paid."""


@dataclass(frozen=True, slots=True)
class GraderFault:
    """What is wrong with the grader, and what was seen."""

    quality: GraderQuality
    sentence: str
    codes: tuple[NoticeCode, ...] = ()
    """Warnings that would say the same again."""


def fault(measures: Measures, limits: Thresholds) -> GraderFault | None:
    """What right answers, worthless ones and repeated grades show to be wrong, the surest first."""
    for rule in (_turned, _inverted, _one_kind, _narrow, _hackable, _pays_length, _noisy):
        if (seen := rule(measures, limits)) is not None:
            return seen
    return None


def notices(measures: Measures, limits: Thresholds) -> Iterator[Notice]:
    """What the first round found that is worth a warning."""
    yield from _pay(measures, limits)
    yield from _noise(measures, limits)


def _turned(measures: Measures, limits: Thresholds) -> GraderFault | None:
    """Real responses that are right surely earn less than wrong ones."""
    follows = measures.follows
    if follows is None or follows.interval.high > -limits.warn_signal:
        return None
    quality, more = GraderQuality.INVERTED, ""
    if (paid := paid_by_row(measures.anchors, limits)) is not None:
        quality = GraderQuality.UNLEARNS  # the comparison is the right way round; something else is paid more
        more = (
            f" Right answers alone score {paid[0]:.2f}, those of other rows {paid[1]:.2f}: what else is paid "
            "outweighs that."
        )
    return GraderFault(
        quality,
        f"Responses that are right earn less than wrong ones: reward and being right have a correlation of "
        f"{follows.value:.2f} ({follows.interval.low:.2f} to {follows.interval.high:.2f}).{more}",
        (*TURNED_ROUND, NoticeCode.HEDGED_PAID, NoticeCode.RIGHT_UNPAID),
    )


def _inverted(measures: Measures, limits: Thresholds) -> GraderFault | None:
    """Another row's answer in the right form earns far more than the right one, as real responses confirm."""
    at, follows = measures.scale, measures.follows
    if at is None or at.stand_in or (follows is not None and follows.interval.high >= 0.0):
        return None
    others = {name: scores for name, scores in measures.anchors.junk.items() if name == FAR}
    _, wrong, _ = worthless_floor(others, limits.worthless_z)
    if wrong is None or wrong - at.ceiling < limits.least_range:
        return None
    real = (
        f" So do real responses: reward and being right have a correlation of {follows.value:.2f}."
        if follows
        else ""
    )
    return GraderFault(
        GraderQuality.INVERTED,
        f"Right answers score {at.ceiling:.2f}, the answers of other rows at least {wrong:.2f}: it pays the "
        f"wrong ones.{real}",
        TURNED_ROUND,
    )


def _one_kind(measures: Measures, limits: Thresholds) -> GraderFault | None:
    """One kind of worthless answer earns much while the others do not: a hole, whatever else is wrong."""
    _, _, median = worthless_floor(measures.anchors.junk, limits.worthless_z)
    if median is None:
        return None
    name, floor, _ = worthless_floor(_holes(measures, limits), limits.worthless_z)
    paid = floor is not None and floor >= limits.hackable_alone and median < limits.worthless_strict
    return _hole(name, floor) if paid and floor is not None else None


def _holes(measures: Measures, limits: Thresholds) -> dict[str, Floats]:
    """Worthless answers by kind, less those that are likened to right ones, and less wrong ones in the right
    form that earn clearly less than right ones."""
    at, nearly = measures.scale, likened(measures, limits)
    most = None if at is None or at.stand_in else at.ceiling - limits.least_range
    return {
        kind: scores
        for kind, scores in measures.anchors.junk.items()
        if kind not in nearly
        and (kind not in FORMED or most is None or not np.isfinite(scores).any() or np.nanmean(scores) > most)
    }


def _narrow(measures: Measures, limits: Thresholds) -> GraderFault | None:
    """Too little room between right and worthless answers."""
    at = measures.scale
    if at is None or at.range is None or at.floor_median is None or at.range >= limits.least_range:
        return None
    if at.stand_in and at.floor_median < limits.worthless_lenient:
        return None  # a stronger model that fails too says nothing against the grader
    quality = GraderQuality.CANNOT_DIFFERENTIATE
    if measures.loud(limits) and measures.drowned(limits):
        pass  # where right and wrong answers land is chance
    elif at.floor_median >= limits.worthless_lenient:
        quality = GraderQuality.TOO_LENIENT
    elif at.floor_median < limits.worthless_strict and not _blind(measures, limits):
        quality = GraderQuality.TOO_STRICT
    return GraderFault(
        quality,
        f"Right answers score {at.ceiling:.2f} and worthless ones {at.floor_median:.2f}: the grader has "
        "too little room between them.",
        (*TURNED_ROUND, NoticeCode.HEDGED_PAID),
    )


def _blind(measures: Measures, limits: Thresholds) -> bool:
    """Whether some answers pass, and right ones no more often than those of other rows."""
    reference = measures.anchors.reference
    if reference is None or not np.isfinite(reference).any():
        return False
    reference = reference[np.isfinite(reference)]
    passes = bool((reference >= limits.right_from).any())
    return passes and not follows_reference(reference, measures.anchors.junk, limits)


def _hackable(measures: Measures, limits: Thresholds) -> GraderFault | None:
    name, floor, _ = worthless_floor(_holes(measures, limits), limits.worthless_z)
    paid = floor is not None and floor >= max(limits.worthless_paid, measures.mean)
    return _hole(name, floor) if paid and floor is not None else None


def _what(kind: str) -> str:
    return "Wrong" if kind == FAR else "Worthless"


def _hole(name: str, floor: float) -> GraderFault:
    words = name.replace("_", " ")
    sentence = f"{_what(name)} answers ({words}) earn at least {floor:.2f}: training will find that."
    hedged = (NoticeCode.HEDGED_PAID,) * (name == FAR)  # whatever is named is paid
    return GraderFault(GraderQuality.HACKABLE, sentence, (NoticeCode.WORTHLESS_PAID, *hedged))


def _pays_length(measures: Measures, limits: Thresholds) -> GraderFault | None:
    bias = measures.length
    if bias is None or not above(bias.correlation, limits.warn_length):
        return None
    filler = {name: scores for name, scores in measures.anchors.junk.items() if "filler" in name}
    _, floor, _ = worthless_floor(filler, limits.worthless_z)
    if floor is None or floor < limits.worthless_paid:
        return None
    return GraderFault(
        GraderQuality.HACKABLE,
        f"Longer responses to the same prompt earn more (rank correlation {bias.correlation:.2f}), and "
        f"long filler without content earns at least {floor:.2f}.",
    )


def _noisy(measures: Measures, limits: Thresholds) -> GraderFault | None:
    noise, signal, grouped = measures.noise, measures.reliability, measures.groups
    if noise is None or signal is None or measures.branch not in (Branch.PROCEED, Branch.LOW_VARIANCE):
        return None
    if grouped is not None and below(grouped.usable, limits.min_usable):
        return None  # where responses to a prompt hardly differ, little noise outweighs their spread
    if not measures.loud(limits) or signal >= limits.warn_reliability:
        return None
    return GraderFault(
        GraderQuality.NOISY,
        f"The same response graded again moves by {noise:.2f}; {percent(max(signal, 0.0))} "
        "of the spread between responses to one prompt is signal.",
    )


def _pay(measures: Measures, limits: Thresholds) -> Iterator[Notice]:
    at = measures.scale
    if at is None:
        yield from _worthless(measures, limits)
        return
    if not at.stand_in and below(at.ceiling, limits.warn_ceiling) and not _highest_of_all(measures):
        text = (
            f"Your own reference answers score {figure(at.ceiling)} on average: the grader may be too strict."
            if below(at.ceiling, limits.warn_ceiling * (1 - at.raised))
            else f"The grader raises an error on {percent(at.raised)} of your own reference answers."
        )
        yield Notice(NoticeCode.LOW_CEILING, text, at.ceiling, limits.warn_ceiling)
    if at.reformatted is not None and above(at.ceiling - at.reformatted, limits.warn_reformatted):
        text = (
            f"The same reference answers in another form score {figure(at.reformatted)} instead of "
            f"{figure(at.ceiling)}: the grader depends on the format."
        )
        drop = at.ceiling - at.reformatted
        yield Notice(NoticeCode.BRITTLE, text, drop, limits.warn_reformatted)
    yield from _worthless(measures, limits)
    _, hedged, _ = worthless_floor(_hedged(measures), limits.worthless_z)
    if hedged is not None and hedged >= limits.hackable_alone and at.ceiling >= limits.right_from:
        text = (
            f"Answers that name several values, the right one among them, earn at least {figure(hedged)}: "
            "training can learn to name many."
        )
        yield Notice(NoticeCode.HEDGED_PAID, text, hedged, limits.hackable_alone)
    yield from _unread(measures, limits)
    if not at.broken and measures.references_fail and above(at.failing, limits.warn_bad_references):
        text = (
            f"{percent(at.failing)} of {at.tried:,} reference answers score below 0.5 under their own grader."
        )
        yield Notice(NoticeCode.FAILING_REFERENCES, text, at.failing, limits.warn_bad_references)


def _highest_of_all(measures: Measures) -> bool:
    """Whether all right answers earn the same, and no response more: the scale is wider than the reward.

    One so low that worthless answers come near it is named for that.
    """
    reference = measures.anchors.reference
    if reference is None:
        return False
    known = reference[np.isfinite(reference)]
    if float(np.ptp(known)) > TOLERANCE:
        return False
    return float(np.nanmax(measures.score, initial=0.0)) <= float(known.max()) + TOLERANCE


def _unread(measures: Measures, limits: Thresholds) -> Iterator[Notice]:
    """Parts of the answer that the grader does not read."""
    if unread := list(unread_parts(measures.anchors.parts, limits)):
        text = (
            f"Answers that are wrong in part earn as much as right ones: {'; '.join(map(str, unread))}. "
            "Training will not learn what is not read."
        )
        yield Notice(NoticeCode.PARTS_UNREAD, text, unread[0].rows / unread[0].tried, limits.right_from)


def _worthless(measures: Measures, limits: Thresholds) -> Iterator[Notice]:
    """What worthless answers earn; wrong ones in the right form apart, where right ones earn far more."""
    holes, nearly = _holes(measures, limits), likened(measures, limits)
    formed = {kind: scores for kind, scores in measures.anchors.junk.items() if kind not in {*holes, *nearly}}
    _, most, _ = worthless_floor(formed, limits.worthless_z)
    for junk, code, what in (
        (holes, NoticeCode.WORTHLESS_PAID, "Worthless answers"),
        (formed, NoticeCode.FORM_PAID, "Wrong answers in the right form"),
    ):
        name, floor, _ = worthless_floor(junk, limits.worthless_z)
        if floor is not None and above(floor, limits.warn_worthless):
            what = what if junk is formed else f"{_what(name)} answers"
            text = f"{what} ({name.replace('_', ' ')}) earn at least {figure(floor)}."
            if junk is formed and floor >= max(limits.worthless_paid, measures.mean):
                code, text = NoticeCode.FORM_PAYS_MOST, f"{text} The responses earn no more on average."
            elif junk is holes and floor < min(limits.hackable_alone, most or 0.0):
                code, text = NoticeCode.ANYTHING_PAID, f"{text[:-1]}: less than wrong ones in the right form."
            yield Notice(code, text, floor, limits.warn_worthless)
            if code is NoticeCode.WORTHLESS_PAID:
                return
    yield from _paid_in_some_rows(holes)


def _paid_in_some_rows(junk: Mapping[str, Floats]) -> Iterator[Notice]:
    """Text without content that is paid in some rows, surely more than by chance: the limits of the check."""
    limits = ProbeLimits()
    for kind in (kind for kind in CONTENTLESS if kind in junk):
        scores = junk[kind][np.isfinite(junk[kind])]
        hits = int((scores >= limits.right_from).sum())
        if hits < limits.few_hits or hits < limits.many * scores.size:
            continue
        if wilson(hits / scores.size, scores.size)[0] > limits.chance:
            text = f"Worthless answers ({kind}) earn half or more in {hits} of {scores.size} rows."
            yield Notice(NoticeCode.WORTHLESS_PAID, text, hits / scores.size, limits.many)
            return


def likened(measures: Measures, limits: Thresholds) -> set[str]:
    """Kinds of answers that a measure of likeness pays no more than they resemble the right ones."""
    far, slack = measures.anchors.junk.get(FAR, np.empty(0)), ProbeLimits().slack
    levels = np.unique(far[np.isfinite(far) & (far > 0.0) & (far < 1.0)]).size
    nearness = measures.anchors.alike.get(FAR, np.empty(0))
    # A scale of few steps has few levels: half as many do where each answer earns what its nearness is worth.
    near = far.size == nearness.size and (far <= nearness + slack).all()
    enough = limits.few_levels / 2 if near else limits.few_levels
    if levels <= enough:
        return set()
    earned = worthless_means(measures.anchors.junk)
    return {
        kind
        for kind, resembling in measures.anchors.alike.items()
        if kind in earned and earned[kind] <= resembling.mean() + slack
    }


def _hedged(measures: Measures) -> dict[str, Floats]:
    hedged = measures.anchors.hedged
    return {} if hedged is None else {"hedged": hedged}


def _noise(measures: Measures, limits: Thresholds) -> Iterator[Notice]:
    noise, signal = measures.noise, measures.reliability
    if noise is None or signal is None or noise < limits.least_noise or signal >= limits.warn_reliability:
        return
    text = (
        f"The grader is noisy: {percent(max(signal, 0.0))} of the spread between responses to one prompt is "
        f"signal.{_averaging(signal)}"
    )
    yield Notice(NoticeCode.NOISY_GRADER, text, signal, limits.warn_reliability)


def _averaging(signal: float) -> str:
    """How many grades to average for a reliability of 0.70 (Spearman 1910, Brown 1910)."""
    if signal <= 0.0:
        return ""
    calls = 0.7 * (1 - signal) / (0.3 * signal)
    return f" The average of {int(-(-calls // 1))} grades would bring that to 70 %." if calls <= 50 else ""
