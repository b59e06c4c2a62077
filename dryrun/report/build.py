"""From scores and what else was measured to the report."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from dryrun.analysis.figures.agreement import Agreement, Figure, Labelled, Rate
from dryrun.analysis.figures.anchors import Anchors, junk_means
from dryrun.analysis.figures.pooling import PooledTopic
from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES, bin_counts, valid_scores
from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.evidence import Evidence, diagnose_with_evidence
from dryrun.analysis.verdict.topics import TopicFigures
from dryrun.core.text import without_credentials, writable
from dryrun.core.thresholds import Thresholds
from dryrun.core.version import __version__
from dryrun.probes.result import GraderCheck
from dryrun.report.fields import (
    DiagnosisEntry,
    EvidenceEntry,
    PeopleFigures,
    Report,
    RunEntry,
    ScoreFigures,
    TopicEntry,
)

UNCHECKED = ("What the grader pays for wrong and gaming answers: Check the grader, or `probe --run`",)
"""Said of a run whose grader nobody checked."""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What the report says of the run beside its scores.

    Attributes
    ----------
    run_id, dataset, model : str
        ``""`` if unknown.
    prompts_asked : int or None
        Drawn rows; None if unknown.
    rollouts : int or None
        Responses asked for per prompt.
    pending : int
        Rollouts that have not ended: the run is unfinished, and they are in no figure.
    duplicate_rows : int
        Drawn rows that repeat an earlier one.
    reward_range : tuple of float
        The grader's scale, which scores are mapped from.
    config : mapping or None
        The run's configuration as JSON. A user name or password in its base URL is left out.
    ceiling : str
        The stronger model whose scores are the ceiling; `""` if there is none.
    timestamp : datetime or None
        When the report was made, with a time zone; None: now.
    """

    run_id: str = ""
    dataset: str = ""
    model: str = ""
    prompts_asked: int | None = None
    rollouts: int | None = None
    pending: int = 0
    duplicate_rows: int = 0
    reward_range: tuple[float, float] = (0.0, 1.0)
    config: Mapping[str, Any] | None = field(default=None)
    ceiling: str = ""
    timestamp: datetime | None = None


def build_report(
    observations: Observations,
    thresholds: Thresholds | None = None,
    facts: ReportFacts | None = None,
    *,
    evidence: bool = True,
    anchors: Anchors | None = None,
    labelled: Labelled | None = None,
    check: GraderCheck | None = None,
) -> Report:
    """Judge a run and write the result down.

    Parameters
    ----------
    observations : Observations
        All ended rollouts of the run.
    thresholds : Thresholds, optional
        Default: the design document's numbers.
    facts : ReportFacts, optional
    evidence : bool
        Whether evidence stands beside the document's rule. False: the tree alone, `Thresholds.strict`.
    anchors : Anchors, optional
        What else was graded: reference answers, junk, re-grades.
    labelled : Labelled, optional
        What people said of responses.
    check : GraderCheck, optional
        What probing the grader found. A fault makes a GO one with conditions; the verdict stays.

    Returns
    -------
    Report
        The same for every order of the rollouts, but for the timestamp.
    """
    limits, known = thresholds or Thresholds(), facts or ReportFacts()
    limits = limits if evidence else limits.tree_alone()
    observations = _writable(observations)
    judged = diagnose_with_evidence(
        observations,
        anchors,
        limits,
        duplicate_rows=known.duplicate_rows,
        labelled=labelled,
        review=check.review if check else None,
    )
    found = judged.document
    coverage, figures = found.coverage, found.statistics
    return Report(
        timestamp=(known.timestamp or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0),
        samples_evaluated=coverage.prompts_scored,
        statistics=ScoreFigures.model_validate(figures),
        distribution=figures.distribution,
        by_topic=topic_entries(judged),
        diagnosis=DiagnosisEntry.model_validate(judged),
        responses_evaluated=coverage.scored,
        responses=coverage.responses,
        missing=coverage.missing,
        missing_share=coverage.missing_share,
        out_of_range=coverage.out_of_range,
        grader_errors=coverage.grader_errors,
        duplicate_rows=coverage.duplicate_rows,
        outcomes={outcome.value: count for outcome, count in coverage.outcomes.items()},
        distribution_counts=figures.bins,
        histogram_counts=bin_counts(valid_scores(observations.score), HISTOGRAM_EDGES),
        not_measured=(*judged.not_measured, *(UNCHECKED if check is None else ())),
        thresholds=limits,
        run=_run(known),
        rules="document" if judged.document_only else "evidence",
        evidence=None if judged.document_only else _evidence(judged, labelled),
        grader_check=check,
    )


def _writable(observed: Observations) -> Observations:
    """The same, with topics that can be written as UTF-8."""
    names = {topic: writable(str(topic)) for topic in set(observed.topic)}
    if all(topic == name for topic, name in names.items()):
        return observed
    return replace(observed, topic=np.array([names[topic] for topic in observed.topic], dtype=object))


def topic_entries(judged: Evidence) -> dict[str, TopicEntry]:
    """Every topic by its name, the worst first."""
    pooled = {topic.topic: topic for topic in judged.attribution.topics}
    return {topic.topic: _topic(topic, pooled.get(topic.topic)) for topic in judged.document.topics}


def _topic(topic: TopicFigures, pooled: PooledTopic | None) -> TopicEntry:
    """One topic: the document's figures and status, and what pooling says beside them."""
    entry = TopicEntry.model_validate(topic)
    if pooled is None:
        return entry
    more = {"evidence": pooled.evidence or None, "pooled": pooled.pooled}
    return entry.model_copy(update={**more, "interval": Interval(pooled.low, pooled.high)})


def _evidence(found: Evidence, labelled: Labelled | None) -> EvidenceEntry:
    """What stands beside the document's rule, less what was not measured."""
    measured, entry = found.measures, EvidenceEntry.model_validate(found)
    anchored = measured.scale is not None or measured.noise is not None or bool(measured.anchors.junk)
    shaped = measured.length is not None or measured.resolution is not None
    junk = {"junk_kinds": junk_means(measured.anchors.junk)}
    unknown = {} if measured.learnable_shown else {"learnable": None, "learnable_interval": None}
    return entry.model_copy(
        update={
            "anchors": entry.anchors.model_copy(update=junk) if anchored and entry.anchors else None,
            "groups": entry.groups and entry.groups.model_copy(update=unknown),
            "shape": entry.shape if shaped else None,
            "not_measured": found.attribution.not_measured,
            "people": _people(found.people, labelled),
        }
    )


def _people(found: Agreement | None, labelled: Labelled | None) -> PeopleFigures | None:
    if found is None or labelled is None:
        return None
    return PeopleFigures(
        labels=found.labels,
        good=found.good,
        people=labelled.people,
        unsure=labelled.unsure,
        disputed=labelled.disputed,
        share_good=found.share_good,
        kappa=found.kappa.value if found.kappa else None,
        kappa_interval=_interval(found.kappa),
        auc=found.auc.value if found.auc else None,
        auc_interval=_interval(found.auc),
        false_reject=_rate(found.false_reject),
        false_accept=_rate(found.false_accept),
    )


def _interval(figure: Figure | None) -> tuple[float, float] | None:
    if figure is None or figure.low is None or figure.high is None:
        return None
    return figure.low, figure.high


def _rate(rate: Rate | None) -> tuple[float, float, float] | None:
    return None if rate is None else (rate.share, rate.low, rate.high)


def _run(facts: ReportFacts) -> RunEntry:
    return RunEntry(
        id=facts.run_id,
        dataset=writable(facts.dataset),
        model=writable(facts.model),
        prompts_asked=facts.prompts_asked,
        rollouts=facts.rollouts,
        pending=facts.pending,
        reward_range=facts.reward_range,
        config=None if facts.config is None else _public(facts.config),
        ceiling=writable(facts.ceiling),
        versions={"dryrun": __version__, "numpy": np.__version__, "python": platform.python_version()},
    )


def _public(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without a user name or password that somebody typed into a base URL."""
    shown = dict(config)
    for part in ("model", "judge"):
        asked = shown.get(part)
        if isinstance(asked, Mapping) and isinstance(asked.get("base_url"), str):
            shown[part] = {**asked, "base_url": without_credentials(asked["base_url"])}
    return shown
