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
from dryrun.analysis.evidence import diagnose_with_evidence
from dryrun.analysis.observations import Observations
from dryrun.analysis.statistics import HISTOGRAM_EDGES, bin_counts, valid_scores
from dryrun.config import Thresholds, Verdict
from dryrun.errors import DryRunError
from dryrun.report_entries import diagnosis_entry, evidence_entry, score_figures, topic_entry, writable
from dryrun.report_fields import DiagnosisEntry, EvidenceEntry, Record, RunEntry, ScoreFigures, TopicEntry
from dryrun.report_html import render_html
from dryrun.report_markdown import render_markdown


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
    histogram_counts : tuple of int
        Scores in 20 bins of 0.05, four to each bin of `distribution`.
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
    histogram_counts: tuple[int, ...] = ()
    not_measured: tuple[str, ...]
    thresholds: Thresholds
    run: RunEntry
    rules: Literal["document", "evidence"] = "document"
    evidence: EvidenceEntry | None = None
    format: Literal[1] = 1

    @property
    def verdict(self) -> Verdict:
        """What counts; what the document's tree says alone is in `evidence`."""
        return self.diagnosis.verdict

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

    def to_html(self) -> str:
        """The report as one HTML file that asks for nothing from outside; all text in it is escaped."""
        return render_html(self)

    def to_markdown(self) -> str:
        """The report as GitHub-flavoured Markdown; whatever a user named stands in code spans."""
        return render_markdown(self)


def build_report(
    observations: Observations,
    thresholds: Thresholds | None = None,
    facts: ReportFacts | None = None,
    *,
    evidence: bool = True,
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
        Whether evidence stands beside the document's rule. False: the tree alone, `Thresholds.strict`.
    anchors : Anchors, optional
        What else was graded: reference answers, junk, re-grades.
    labelled : Labelled, optional
        What people said of responses.

    Returns
    -------
    Report
        The same for every order of the rollouts, but for the timestamp.
    """
    limits, known = thresholds or Thresholds(), facts or ReportFacts()
    limits = limits if evidence else limits.tree_alone()
    judged = diagnose_with_evidence(
        observations, anchors, limits, duplicate_rows=known.duplicate_rows, labelled=labelled
    )
    found = judged.document
    coverage, figures = found.coverage, found.statistics
    pooled = {topic.topic: topic for topic in judged.attribution.topics}
    return Report(
        timestamp=(known.timestamp or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0),
        samples_evaluated=coverage.prompts_scored,
        statistics=score_figures(found),
        distribution=figures.distribution,
        by_topic={
            writable(topic.topic): topic_entry(topic, pooled.get(topic.topic)) for topic in found.topics
        },
        diagnosis=diagnosis_entry(judged),
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
        not_measured=judged.not_measured,
        thresholds=limits,
        run=_run(known),
        rules="document" if judged.document_only else "evidence",
        evidence=evidence_entry(judged, labelled),
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
