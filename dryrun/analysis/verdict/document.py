"""From the figures of a run to its verdict: thresholds, checks, causes, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from dryrun.analysis.figures.coverage import Coverage, cover
from dryrun.analysis.figures.statistics import Statistics, above, describe
from dryrun.analysis.observations import Observations, several_parts
from dryrun.analysis.verdict.topics import TopicFigures, by_topic, topic_actions
from dryrun.analysis.verdict.tree import Branch, Check, Notice, NoticeCode, decide, healthy_checks
from dryrun.analysis.verdict.validity import blockers
from dryrun.analysis.verdict.warnings import tree_reason, warnings
from dryrun.analysis.verdict.words import (
    FINDINGS,
    GRADER_FAILS,
    NOTHING_BROKEN,
    Action,
    ActionKind,
    Cause,
    DatasetQuality,
    GraderQuality,
    Meaning,
    Pattern,
)
from dryrun.core.config import Verdict
from dryrun.core.thresholds import Thresholds

NOT_MEASURED = (
    "Whether the grader is right: a grader that pays wrong answers can give healthy scores.",
    "Whether dataset or grader is to blame where the mean is too low or too high.",
    "How much the figures would move with other prompts of the same dataset.",
    "Whether the responses to one prompt differ in score, which group-based training needs.",
)
"""What a verdict from scores alone leaves open; said in every report."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that is concluded from one run's scores.

    Attributes
    ----------
    verdict : "GO", "NO-GO" or "INVALID"
        INVALID: too little was measured for either of the others.
    reasons : tuple of Notice
        What decided: the comparison that ended the tree, or everything that rules a verdict out.
    pattern : Pattern or None
        The document's name for the distribution, one of five; None if there is no verdict, or for a GO
        outside the healthy ranges, which none of the five describes.
    dataset_quality, grader_quality : DatasetQuality, GraderQuality
        With a mean too low or too high the two are alternatives: scores alone cannot tell which.
    statistics, coverage, topics
        What the conclusion rests on.
    checks : tuple of Check
        The document's table of key metrics.
    causes : tuple of Cause
        Likely causes, dataset first.
    actions : tuple of Action
        Recommended actions, in order.
    warnings : tuple of Notice
    """

    verdict: Verdict
    reasons: tuple[Notice, ...]
    pattern: Pattern | None
    dataset_quality: DatasetQuality
    grader_quality: GraderQuality
    statistics: Statistics
    coverage: Coverage
    topics: tuple[TopicFigures, ...]
    checks: tuple[Check, ...]
    causes: tuple[Cause, ...]
    actions: tuple[Action, ...]
    warnings: tuple[Notice, ...]


def diagnose(
    observations: Observations, thresholds: Thresholds | None = None, *, duplicate_rows: int = 0
) -> Diagnosis:
    """Judge a run by its scores.

    Parameters
    ----------
    observations : Observations
        All rollouts of the run, those without a score included. May be empty.
    thresholds : Thresholds, optional
        Default: the design document's numbers.
    duplicate_rows : int
        Drawn rows that repeat an earlier one, which the observations do not show.

    Returns
    -------
    Diagnosis
        The same for every order of the rollouts.

    Notes
    -----
    First whether there can be a verdict (enough prompts, few missing scores, scores on the scale), then
    the document's decision tree on the pooled scores. Warnings never change the verdict.
    """
    limits = thresholds or Thresholds()
    statistics = observations.once("statistics", lambda: describe(observations.score))
    coverage = observations.once(
        f"coverage with {duplicate_rows}", lambda: cover(observations, duplicate_rows)
    )
    topics = by_topic(observations, statistics, limits)
    verdict, branch, reasons = _judge(statistics, coverage, limits)
    notices = warnings(statistics, coverage, topics, branch, limits, several_parts(observations))
    pattern = _pattern(branch, statistics, limits)
    finding = _finding(branch, pattern)
    broken = GRADER_FAILS if _grader_fails(branch, coverage, limits) else NOTHING_BROKEN
    return Diagnosis(
        verdict=verdict,
        reasons=reasons,
        pattern=pattern,
        dataset_quality=finding.dataset,
        grader_quality=finding.grader,
        statistics=statistics,
        coverage=coverage,
        topics=topics,
        checks=healthy_checks(statistics, limits),
        causes=(*broken.causes, *finding.causes),
        actions=(*broken.actions, *finding.actions, *_repairs(reasons), *topic_actions(topics, limits)),
        warnings=notices,
    )


def _judge(
    statistics: Statistics, coverage: Coverage, thresholds: Thresholds
) -> tuple[Verdict, Branch | None, tuple[Notice, ...]]:
    obstacles = blockers(statistics, coverage, thresholds)
    if obstacles or statistics.mean is None or statistics.std is None:
        return "INVALID", None, obstacles
    branch = decide(statistics.mean, statistics.std, thresholds)
    verdict: Verdict = "GO" if branch is Branch.PROCEED else "NO-GO"
    return verdict, branch, (tree_reason(branch, statistics.mean, statistics.std, thresholds),)


def _grader_fails(branch: Branch | None, coverage: Coverage, thresholds: Thresholds) -> bool:
    """Whether the mean is low and the grader's own failures, which count 0, have a part in it."""
    share = coverage.share(coverage.grader_errors)
    return branch is Branch.MEAN_TOO_LOW and share > thresholds.warn_grader_errors


def _pattern(branch: Branch | None, statistics: Statistics, thresholds: Thresholds) -> Pattern | None:
    if branch is None:
        return None
    if branch is not Branch.PROCEED:
        return Pattern(branch.value)
    ratio = statistics.bimodality
    if statistics.distinct == 2 or (ratio is not None and above(ratio, thresholds.bimodal_ratio)):
        return Pattern.BIMODAL
    return Pattern.GOOD if _healthy(statistics, thresholds) else None


def _healthy(statistics: Statistics, thresholds: Thresholds) -> bool:
    checks = healthy_checks(statistics, thresholds)
    return all(check.ok for check in checks if not check.note)


def _finding(branch: Branch | None, pattern: Pattern | None) -> Meaning:
    if branch is None:
        return Meaning(DatasetQuality.UNKNOWN, GraderQuality.UNKNOWN)
    # A GO outside the healthy ranges passed the tree: its warnings say what is not ideal.
    return FINDINGS[pattern or Pattern.GOOD]


_SCORE_MORE = (
    "Score more prompts: raise the sample size, add rows with other prompts, or resume a run that was stopped"
)
_REPAIRS = {
    NoticeCode.TOO_FEW_PROMPTS: _SCORE_MORE,
    NoticeCode.NO_SPREAD: _SCORE_MORE,
    NoticeCode.TOO_MANY_MISSING: "Find out why scores are missing (failed calls, grader failures), "
    "and mend that",
    NoticeCode.FILTERED: "Relax or switch off the endpoint's content filter, or leave out the prompts that "
    "it withholds, then ask again",
    NoticeCode.GRADER_SCALE: "Declare the scale the grader really uses (reward range), or bring its "
    "scores to 0..1",
}


def _repairs(reasons: tuple[Notice, ...]) -> tuple[Action, ...]:
    filtered = any(reason.code is NoticeCode.FILTERED for reason in reasons)
    sentences = [
        _REPAIRS[reason.code]
        for reason in reasons
        if reason.code in _REPAIRS and not (filtered and reason.code is NoticeCode.TOO_FEW_PROMPTS)
    ]
    return tuple(Action(ActionKind.MEASURE_MORE, sentence) for sentence in dict.fromkeys(sentences))
