"""The report itself: the design document's fields under its names, and more; to JSON and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from pydantic import AwareDatetime, ValidationError, field_serializer

from dryrun.core.config import Thresholds, Verdict
from dryrun.core.errors import DryRunError
from dryrun.probes.result import GraderCheck
from dryrun.report.fields import DiagnosisEntry, EvidenceEntry, Record, RunEntry, ScoreFigures, TopicEntry


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
    grader_check: GraderCheck | None = None
    format: Literal[1] = 1

    @property
    def verdict(self) -> Verdict:
        """What counts; what the document's tree says alone is in `evidence`."""
        return self.diagnosis.verdict

    @property
    def headline(self) -> str:
        """The verdict's word, with BORDERLINE beside it where re-draws disagree."""
        return f"{self.verdict} (BORDERLINE)" if self.evidence and self.evidence.borderline else self.verdict

    @property
    def caution(self) -> str:
        """What stands beside the verdict where the grader check found something that blocks; else ``""``."""
        return self.grader_check.caution if self.grader_check else ""

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
