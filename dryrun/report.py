"""The report of a run: the design document's fields under its names, as JSON and as Markdown."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import numpy as np
import orjson
from pydantic import AwareDatetime, ValidationError, field_serializer

from dryrun import __version__
from dryrun.analysis.agreement import Labelled
from dryrun.analysis.anchors import Anchors
from dryrun.analysis.attribution import Attribution
from dryrun.analysis.diagnosis import NOT_MEASURED, Diagnosis, diagnose
from dryrun.analysis.evidence import Evidence, gather
from dryrun.analysis.notices import Notice
from dryrun.analysis.observations import Observations
from dryrun.analysis.topics import TopicFigures
from dryrun.analysis.wording import Action, Cause
from dryrun.config import Thresholds, Verdict
from dryrun.errors import DryRunError
from dryrun.report_fields import (
    ActionEntry,
    AnchorFigures,
    CauseEntry,
    CheckEntry,
    DiagnosisEntry,
    EvidenceEntry,
    GroupFigures,
    NoticeEntry,
    PercentileFigures,
    Record,
    RunEntry,
    ScoreFigures,
    StabilityFigures,
    TopicEntry,
)
from dryrun.report_markdown import render_markdown
from dryrun.report_people import people_figures


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
    timestamp: datetime | None = None


class Report(Record):
    """The report. Field names, and their order up to `diagnosis`, are the design document's.

    Attributes
    ----------
    timestamp : datetime
        UTC, to the second.
    samples_evaluated : int
        Unique prompts with a score.
    distribution : dict or None
        Share of the scores in each of the five bins; None if there is no score.
    responses_evaluated, responses : int
        Responses with a score, and all responses.
    """

    timestamp: AwareDatetime
    samples_evaluated: int
    statistics: ScoreFigures
    distribution: dict[str, float] | None
    by_topic: dict[str, TopicEntry]
    diagnosis: DiagnosisEntry
    responses_evaluated: int
    responses: int
    missing: int
    missing_share: float
    out_of_range: int
    grader_errors: int
    duplicate_rows: int
    outcomes: dict[str, int]
    distribution_counts: dict[str, int]
    not_measured: tuple[str, ...]
    thresholds: Thresholds
    run: RunEntry
    rules: Literal["document", "evidence"] = "document"
    evidence: EvidenceEntry | None = None
    format: Literal[1] = 1

    @property
    def verdict(self) -> Verdict:
        """What counts: the document's verdict, or the one with evidence where that was asked for."""
        return self.diagnosis.verdict if self.evidence is None else self.evidence.verdict

    @property
    def headline(self) -> str:
        """The verdict's word, with BORDERLINE beside it where re-draws disagree."""
        return f"{self.verdict} (BORDERLINE)" if self.evidence and self.evidence.borderline else self.verdict

    @field_serializer("timestamp")
    def _zulu(self, timestamp: datetime) -> str:
        return timestamp.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def cause_lines(self) -> tuple[str, ...]:
        """Likely causes in one line each: ``"Dataset: Prompts too difficult → Base model can't ..."``."""
        return tuple(
            f"{cause.part.capitalize()}: {cause.title} → {cause.effect}" for cause in self.diagnosis.causes
        )

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values, in the document's order."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """The report as indented JSON; equal reports give equal bytes, and NaN never occurs."""
        return orjson.dumps(self.to_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()

    def to_markdown(self) -> str:
        """The report as GitHub-flavoured Markdown; whatever a user named stands in code spans."""
        return render_markdown(self)


def build_report(
    observations: Observations,
    thresholds: Thresholds | None = None,
    facts: ReportFacts | None = None,
    *,
    evidence: bool = False,
    anchors: Anchors | None = None,
    labelled: Labelled | None = None,
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
        Whether intervals, groups and anchors stand beside the document's rule.
    anchors : Anchors, optional
    labelled : Labelled, optional
        What people said of responses.

    Returns
    -------
    Report
        The same for every order of the rollouts, but for the timestamp.
    """
    limits, known = thresholds or Thresholds(), facts or ReportFacts()
    found = diagnose(observations, limits, duplicate_rows=known.duplicate_rows)
    coverage, figures = found.coverage, found.statistics
    repeated = known.duplicate_rows / known.prompts_asked if known.prompts_asked else 0.0
    return Report(
        timestamp=(known.timestamp or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0),
        samples_evaluated=coverage.prompts_scored,
        statistics=_figures(found),
        distribution=figures.distribution,
        by_topic={_text(topic.topic): _topic(topic) for topic in found.topics},
        diagnosis=_conclusion(found),
        responses_evaluated=coverage.scored,
        responses=coverage.responses,
        missing=coverage.missing,
        missing_share=coverage.missing_share,
        out_of_range=coverage.out_of_range,
        grader_errors=coverage.grader_errors,
        duplicate_rows=coverage.duplicate_rows,
        outcomes={outcome.value: count for outcome, count in coverage.outcomes.items()},
        distribution_counts=figures.bins,
        not_measured=NOT_MEASURED,
        thresholds=limits,
        run=_run(known),
        rules="evidence" if evidence else "document",
        evidence=_evidence(gather(observations, limits, found, anchors, repeated, labelled), labelled)
        if evidence
        else None,
    )


def load_report(content: str | bytes) -> Report:
    """Read a report back from its JSON.

    Raises
    ------
    DryRunError
        The content is no JSON, or not a report of this format.
    """
    try:
        return Report.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top level"
        raise DryRunError(
            f"This is not a report that Dry Run wrote: {first['msg']} (at {where}). "
            "Open the .json file that 'run --out' or the results page gave you."
        ) from error


def _evidence(found: Evidence, labelled: Labelled | None) -> EvidenceEntry:
    held, spread, judged = found.stability, found.groups, found.attribution
    return EvidenceEntry(
        verdict=found.verdict,
        borderline=found.borderline,
        stability=None
        if held is None
        else StabilityFigures(
            mean=(held.mean.low, held.mean.high),
            std=(held.std.low, held.std.high),
            same_verdict=held.same_verdict,
            same_branch=held.same_branch,
            more_prompts=held.more_prompts,
            draws=held.draws,
        ),
        groups=None
        if spread is None
        else GroupFigures(
            prompts=spread.prompts,
            rollouts=spread.rollouts,
            within_std=spread.within,
            between_std=spread.between,
            icc=spread.icc,
            usable=spread.usable,
            group=spread.group,
            extrapolated=spread.extrapolated,
            learnable=spread.learnable,
            all_right=spread.all_right,
            all_wrong=spread.all_wrong,
        ),
        anchors=None if judged is None else _anchors(judged),
        dataset_quality=str(judged.dataset) if judged else None,
        grader_quality=str(judged.grader) if judged else None,
        blame_grader=judged.blame if judged else None,
        problem_topics=tuple(map(_text, judged.problem_topics)) if judged else (),
        sentences=tuple(map(_text, found.sentences)),
        not_measured=judged.not_measured if judged else ("reference answers and junk answers",),
        people=people_figures(found.people, labelled),
    )


def _anchors(judged: Attribution) -> AnchorFigures:
    at = judged.scale
    return AnchorFigures(
        reference=at.ceiling if at else None,
        reformatted=at.reformatted if at else None,
        junk=at.floor if at else None,
        junk_name=at.floor_name if at else "",
        junk_median=at.floor_median if at else None,
        broken_references=at.broken if at else None,
        regrade_std=judged.noise,
        reliability=judged.reliability,
    )


def _figures(found: Diagnosis) -> ScoreFigures:
    figures, parts = found.statistics, found.statistics.percentiles
    return ScoreFigures(
        mean=figures.mean,
        std=figures.std,
        min=figures.min,
        max=figures.max,
        median=figures.median,
        percentiles=PercentileFigures(
            p10=parts.p10 if parts else None,
            p25=parts.p25 if parts else None,
            p75=parts.p75 if parts else None,
            p90=parts.p90 if parts else None,
        ),
        floor_share=figures.floor_share,
        ceiling_share=figures.ceiling_share,
        distinct_scores=figures.distinct,
        bimodality_ratio=figures.bimodality,
    )


def _topic(topic: TopicFigures) -> TopicEntry:
    return TopicEntry(
        mean=topic.mean,
        std=topic.std,
        count=topic.count,
        status=topic.status.value if topic.status else None,
        prompts=topic.prompts,
        missing=topic.missing,
        problem=topic.problem.value if topic.problem else None,
        note=topic.note,
    )


def _conclusion(found: Diagnosis) -> DiagnosisEntry:
    return DiagnosisEntry(
        dataset_quality=found.dataset_quality.value,
        grader_quality=found.grader_quality.value,
        verdict=found.verdict,
        warnings=tuple(_text(notice.sentence) for notice in found.warnings),
        recommendations=tuple(_text(action.sentence) for action in found.actions),
        reasons=tuple(_notice(notice) for notice in found.reasons),
        pattern=found.pattern.value if found.pattern else None,
        dataset_sentence=found.dataset_line.sentence,
        grader_sentence=found.grader_line.sentence,
        causes=tuple(_cause(cause) for cause in found.causes),
        checks=tuple(
            CheckEntry(
                metric=check.metric,
                value=check.value,
                range=check.range,
                ok=check.ok,
                meaning=check.meaning,
                note=check.note,
            )
            for check in found.checks
        ),
        warning_details=tuple(_notice(notice) for notice in found.warnings),
        actions=tuple(_action(action) for action in found.actions),
    )


def _notice(notice: Notice) -> NoticeEntry:
    return NoticeEntry(
        code=notice.code.value,
        sentence=_text(notice.sentence),
        value=notice.value,
        limit=notice.limit,
        topic=None if notice.topic is None else _text(notice.topic),
    )


def _action(action: Action) -> ActionEntry:
    topic = None if action.topic is None else _text(action.topic)
    return ActionEntry(kind=action.kind.value, sentence=_text(action.sentence), topic=topic)


def _cause(cause: Cause) -> CauseEntry:
    return CauseEntry(part=cause.part.value, title=cause.title, effect=cause.effect, solution=cause.solution)


def _run(facts: ReportFacts) -> RunEntry:
    return RunEntry(
        id=facts.run_id,
        dataset=_text(facts.dataset),
        model=_text(facts.model),
        prompts_asked=facts.prompts_asked,
        rollouts=facts.rollouts,
        pending=facts.pending,
        reward_range=facts.reward_range,
        config=None if facts.config is None else _public(facts.config),
        versions={"dryrun": __version__, "numpy": np.__version__, "python": platform.python_version()},
    )


def _public(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without a user name or password that somebody typed into the base URL."""
    shown = dict(config)
    model = shown.get("model")
    if isinstance(model, Mapping) and isinstance(model.get("base_url"), str):
        shown["model"] = {**model, "base_url": without_credentials(model["base_url"])}
    return shown


def without_credentials(url: str) -> str:
    """A URL without user name, password, query and fragment; `""` if it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _text(text: str) -> str:
    """`text` with what UTF-8 cannot say (lone surrogates) replaced, so that it can be written."""
    return text.encode("utf-8", "replace").decode()
