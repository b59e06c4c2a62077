"""Warnings of the evidence: each has a code, its number and one plain sentence. They change no verdict."""

from __future__ import annotations

from collections.abc import Iterator

from dryrun.analysis.figures.statistics import above, below
from dryrun.analysis.verdict.attribution import Attribution
from dryrun.analysis.verdict.measures import Measures
from dryrun.analysis.verdict.warnings import Notice, NoticeCode
from dryrun.analysis.verdict.words import figure, percent
from dryrun.core.config import Thresholds


def cautions(judged: Attribution, limits: Thresholds) -> tuple[Notice, ...]:
    """What a person should know beside a verdict; nothing where there is none."""
    if judged.verdict == "INVALID":
        return ()
    found = judged.measures
    return (
        *_groups(found, limits),
        *_anchors(found, limits),
        *_noise(found, limits),
        *_shape_warnings(found, limits),
    )


def _groups(found: Measures, limits: Thresholds) -> Iterator[Notice]:
    grouped, index = found.groups, found.signal
    if grouped and limits.min_usable <= grouped.usable and below(grouped.usable, limits.warn_usable):
        text = (
            f"Only {percent(grouped.usable)} of groups of {grouped.group} would carry signal: training has "
            f"to draw {1 / grouped.usable:.1f} groups for one that teaches. Drop prompts that "
            "are always right or always wrong."
        )
        yield Notice(NoticeCode.FEW_USABLE, text, grouped.usable, limits.warn_usable)
    if index and limits.min_signal <= index.value and below(index.value, limits.warn_signal):
        text = (
            f"Signal Index {figure(index.value)} is below {figure(limits.warn_signal)}: expect little gain. "
            f"Its weakest factor: {index.weakest}."
        )
        yield Notice(NoticeCode.WEAK_SIGNAL, text, index.value, limits.warn_signal)


def _anchors(found: Measures, limits: Thresholds) -> Iterator[Notice]:
    at = found.scale
    if at is None:
        return
    if not at.stand_in and below(at.ceiling, limits.warn_ceiling):
        text = (
            f"Your own reference answers score {figure(at.ceiling)} on average: the grader may be too strict."
        )
        yield Notice(NoticeCode.LOW_CEILING, text, at.ceiling, limits.warn_ceiling)
    if at.reformatted is not None and above(at.ceiling - at.reformatted, limits.warn_reformatted):
        text = (
            f"The same reference answers in another form score {figure(at.reformatted)} instead of "
            f"{figure(at.ceiling)}: the grader depends on the format."
        )
        drop = at.ceiling - at.reformatted
        yield Notice(NoticeCode.BRITTLE, text, drop, limits.warn_reformatted)
    if at.floor is not None and above(at.floor, limits.warn_junk):
        words = at.floor_name.replace("_", " ")
        text = f"Worthless answers ({words}) earn at least {figure(at.floor)}."
        yield Notice(NoticeCode.JUNK_PAID, text, at.floor, limits.warn_junk)
    if not at.broken and above(at.failing, limits.warn_bad_references):
        text = f"{percent(at.failing)} of the reference answers score below 0.5 under their own grader."
        yield Notice(NoticeCode.FAILING_REFERENCES, text, at.failing, limits.warn_bad_references)


def _noise(found: Measures, limits: Thresholds) -> Iterator[Notice]:
    noise, signal = found.noise, found.reliability
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


def _shape_warnings(found: Measures, limits: Thresholds) -> Iterator[Notice]:
    bias, levels = found.length, found.resolution
    if bias is not None and above(abs(bias.correlation), limits.warn_length):
        which = "Longer" if bias.correlation > 0 else "Shorter"
        text = (
            f"{which} responses to the same {bias.within} earn more (rank correlation "
            f"{bias.correlation:+.2f} over {bias.responses:,} responses): read whether they deserve it."
        )
        yield Notice(NoticeCode.LENGTH_BIAS, text, bias.correlation, limits.warn_length)
    if levels is None or levels.distinct <= 2:
        return
    if levels.distinct <= limits.few_levels:
        text = (
            f"Only {levels.distinct} different scores occur ({levels.effective_levels:.1f} effective levels)."
        )
        yield Notice(NoticeCode.FEW_LEVELS, text, levels.distinct, limits.few_levels)
    if above(levels.modal_share, limits.modal_share):
        text = f"{percent(levels.modal_share)} of the scores are the same one, {figure(levels.modal)}."
        yield Notice(NoticeCode.MODAL, text, levels.modal_share, limits.modal_share)
