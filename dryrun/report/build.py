"""From a run to its report: its scores, why some are missing, and what else was measured."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from dryrun.analysis.figures.agreement import Labelled
from dryrun.analysis.figures.anchors import Anchors, worthless_means
from dryrun.analysis.figures.pooling import PooledTopic
from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES, bin_counts, is_valid, valid_scores
from dryrun.analysis.observations import Observations
from dryrun.analysis.selection import Show, review_groups
from dryrun.analysis.training.record import Training, training_of
from dryrun.analysis.verdict.evidence import Evidence, diagnose_with_evidence
from dryrun.analysis.verdict.topics import TopicFigures, without_thin
from dryrun.core.records import Sample, SampleOutcome
from dryrun.core.text import one_line, writable
from dryrun.core.thresholds import Thresholds
from dryrun.probes.anchors import load_anchors
from dryrun.probes.check_run import kept_check
from dryrun.probes.result import GraderCheck
from dryrun.report.fields import DiagnosisEntry, Reason, Report, RunEntry, SampleEntry
from dryrun.report.figures import EvidenceEntry, ScoreFigures, TopicEntry
from dryrun.store.ceiling import ceiling_of, with_ceiling
from dryrun.store.labels import book_of, labelled
from dryrun.store.results import Results

SHOWN_PROMPT, SHOWN_RESPONSE = 300, 600
"""Characters of a prompt and of a response that the report shows."""
UNCHECKED = ("What the grader pays for wrong and gaming answers: check the grader, or `probe --run`.",)
"""The note of a run whose grader nobody checked."""


def report_of(
    results: Results, thresholds: Thresholds | None = None, *, evidence: bool = True, outcome: str = ""
) -> Report:
    """The report of what a run has stored so far.

    Parameters
    ----------
    results : Results
    thresholds : Thresholds, optional
    evidence : bool
        Whether evidence stands beside the document's rule. False: the tree alone, `Thresholds.strict`.
    outcome : str
        What says that a response is right, as `choose_outcome` reads it; ``""``: guessed.

    Raises
    ------
    DryRunError
        The outcome is not a part of the grades.
    """
    config, ceiling = results.config, ceiling_of(results.run)
    run = RunEntry(
        id=results.run.id,
        dataset=config.dataset.name,
        model=config.model.name,
        prompts_asked=len(results.keys),
        rollouts=config.sampling.rollouts,
        pending=results.pending,
        reward_range=config.reward_range,
        config=config.model_dump(mode="json"),
        ceiling=f"{ceiling.model}, run {ceiling.run}" if ceiling and evidence else "",
    )
    observations = results.observations()
    report = build_report(
        observations,
        thresholds,
        run,
        duplicate_rows=results.duplicate_rows,
        evidence=evidence,
        anchors=with_ceiling(load_anchors(results.run), ceiling) if evidence else None,
        labelled=labelled(results, book_of(results.run).labels()) if evidence else None,
        check=kept_check(results.run) if evidence else None,
        training=training_of(observations, outcome) if evidence else None,
    )
    reasons = missing_reasons(results)
    return report.model_copy(update={**_to_read(results, observations), "missing_reasons": reasons})


def _to_read(results: Results, observations: Observations) -> dict[str, tuple[SampleEntry, ...]]:
    """The highest and the lowest responses."""
    groups = review_groups(observations)
    chosen = {show.value: groups[show] for show in (Show.HIGHEST, Show.LOWEST)}
    places = [place for group in chosen.values() for place in group]
    shown = {
        place: SampleEntry(
            score=float(observations.score[place]),
            row=inspected.prompt.row + 1,
            topic=writable(inspected.prompt.topic),
            prompt=ending(last_user_text(inspected.prompt.messages), SHOWN_PROMPT),
            response=ending(_said(inspected.sample), SHOWN_RESPONSE),
        )
        for place, inspected in zip(places, results.inspect(places), strict=True)
    }
    return {name: tuple(shown[place] for place in group) for name, group in chosen.items()}


def _said(sample: Sample) -> str:
    """The text, or the tool calls of a response without one."""
    if sample.text or not sample.tool_calls:
        return sample.text
    return json.dumps([call.get("function", call) for call in sample.tool_calls], ensure_ascii=False)


def last_user_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """What the user asked last; its text parts where it has parts."""
    content = next((m.get("content") for m in reversed(messages) if m.get("role") == "user"), "")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else ()
    return " ".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))


def ending(text: str, most: int) -> str:
    """The last `most` characters as they can be written, with a mark where the text was cut."""
    return writable(text if len(text) <= most else "…" + text[-most:])


def build_report(
    observations: Observations,
    thresholds: Thresholds | None = None,
    run: RunEntry | None = None,
    *,
    duplicate_rows: int = 0,
    timestamp: datetime | None = None,
    evidence: bool = True,
    anchors: Anchors | None = None,
    labelled: Labelled | None = None,
    check: GraderCheck | None = None,
    training: Training | None = None,
) -> Report:
    """Judge a run and write the result down.

    Parameters
    ----------
    observations : Observations
        All ended rollouts of the run.
    thresholds : Thresholds, optional
        Default: the design document's numbers.
    run : RunEntry, optional
        What the report says of the run beside its scores.
    duplicate_rows : int
        Drawn rows that repeat an earlier one.
    timestamp : datetime, optional
        When the report was made, with a time zone. Default: now.
    evidence : bool
        Whether evidence stands beside the document's rule. False: the tree alone, `Thresholds.strict`.
    anchors : Anchors, optional
        What else was graded: reference answers, worthless ones, re-grades.
    labelled : Labelled, optional
        What people said of responses.
    check : GraderCheck, optional
        What probing the grader found. A fault makes a GO one with conditions; the verdict stays.
    training : Training, optional
        What training would be paid for.

    Returns
    -------
    Report
        The same for every order of the rollouts, but for the timestamp.
    """
    limits = thresholds or Thresholds()
    observations = _writable(observations)
    judged = diagnose_with_evidence(
        observations,
        anchors,
        limits if evidence else limits.tree_alone(),
        duplicate_rows=duplicate_rows,
        labelled=labelled,
        review=check.review if check else None,
        training=training,
    )
    made = (timestamp or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    more = {"timestamp": made, "run": run or RunEntry(), "training": training}
    return _report(judged, observations, labelled, check, **more)


def _report(
    judged: Evidence,
    observations: Observations,
    labelled: Labelled | None,
    check: GraderCheck | None,
    **more: Any,
) -> Report:
    coverage, figures = judged.document.coverage, judged.document.statistics
    return Report(
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
        off_scale=coverage.off_scale,
        grader_errors=coverage.grader_errors,
        duplicate_rows=coverage.duplicate_rows,
        outcomes={outcome.value: count for outcome, count in coverage.outcomes.items()},
        distribution_counts=figures.bins,
        histogram_counts=bin_counts(valid_scores(observations.score), HISTOGRAM_EDGES),
        not_measured=(*judged.not_measured, *(UNCHECKED if check is None else ())),
        evidence=None if judged.document_only else _evidence(judged, labelled),
        grader_check=check,
        thresholds=judged.thresholds,
        rules="document" if judged.document_only else "evidence",
        **more,
    )


def _writable(observed: Observations) -> Observations:
    """The report, with topics that can be written as UTF-8."""
    names = {topic: writable(str(topic)) for topic in set(observed.topic)}
    if all(topic == name for topic, name in names.items()):
        return observed
    return replace(observed, topic=np.array([names[topic] for topic in observed.topic], dtype=object))


def topic_entries(judged: Evidence) -> dict[str, TopicEntry]:
    """Every topic by its name, the worst first."""
    pooled = {topic.topic: topic for topic in judged.attribution.topics}
    topics = without_thin(judged.document.topics, judged.attribution.thin_topics, judged.thresholds)
    return {topic.topic: _topic(topic, pooled.get(topic.topic)) for topic in topics}


def _topic(topic: TopicFigures, pooled: PooledTopic | None) -> TopicEntry:
    """One topic: the document's figures and status, and what pooling says beside them."""
    entry = TopicEntry.model_validate(topic)
    if pooled is None:
        return entry
    more = {"evidence": pooled.evidence or None, "pooled": pooled.pooled}
    return entry.model_copy(update={**more, "interval": Interval(pooled.low, pooled.high)})


def _counts(labelled: Labelled) -> dict[str, int]:
    return {name: getattr(labelled, name) for name in ("people", "unsure", "disputed")}


def _evidence(evidence: Evidence, labelled: Labelled | None) -> EvidenceEntry:
    """What stands beside the document's rule, less what was not measured."""
    measured, entry = evidence.measures, EvidenceEntry.model_validate(evidence)
    anchored = measured.scale is not None or measured.noise is not None or bool(measured.anchors.junk)
    shaped = measured.length is not None or measured.resolution is not None
    junk = {"junk_kinds": worthless_means(measured.anchors.junk)}
    unknown = {} if measured.learnable_shown else {"learnable": None, "learnable_interval": None}
    return entry.model_copy(
        update={
            "anchors": entry.anchors.model_copy(update=junk) if anchored and entry.anchors else None,
            "groups": entry.groups and entry.groups.model_copy(update=unknown),
            "shape": entry.shape if shaped else None,
            "not_measured": evidence.attribution.not_measured,
            "people": entry.people and labelled and entry.people.model_copy(update=_counts(labelled)),
        }
    )


SHOWN = 3
"""Reasons that are shown; the inspector has every response."""

LONGEST = 300
"""Characters of a reason that are shown."""

WITHHELD = "A content filter of the endpoint withheld the response."
_NUMBERS = re.compile(r"\b[0-9a-f]{8,}\b|\d+", re.IGNORECASE)


def missing_reasons(results: Results) -> tuple[Reason, ...]:
    """The commonest reasons first, at most `SHOWN`; none where only figures may be seen.

    Messages that differ in numbers and ids only (a request's id, seconds to wait) are one reason.
    """
    if not results.texts:  # an endpoint's or a grader's words may repeat the prompt
        return ()
    reasons = Reasons()
    for words in (*_failed(results), *_ungraded(results)):
        reasons.add(words)
    return reasons.commonest()


class Reasons:
    """Sentences counted; those that differ in numbers and ids only are one reason."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._example: dict[str, str] = {}

    def add(self, words: str, count: int = 1) -> None:
        """Count a sentence; with a negative `count` it is taken back."""
        alike = _NUMBERS.sub("#", words)
        self._counts[alike] += count
        self._example.setdefault(alike, words)

    def commonest(self) -> tuple[Reason, ...]:
        """The commonest first, at most `SHOWN`."""
        most = self._counts.most_common(SHOWN)
        return tuple(Reason(count=count, words=self._example[alike]) for alike, count in most if count > 0)


def failed_words(error: str | None) -> str:
    """Why a call failed, from its stored error."""
    return one_line(error or "The call failed.", LONGEST)


def no_grade_words(errors: str | None) -> str:
    """What the grader said instead of a grade, from the stored JSON of its errors."""
    messages = orjson.loads(errors or "{}")
    return one_line("; ".join(f"{name}: {words}" for name, words in messages.items()) or "No grade.", LONGEST)


def _failed(results: Results) -> Iterator[str]:
    """The error of each call that failed for good."""
    rows = results.rollouts.filter(pc.equal(results.rollouts["outcome"], SampleOutcome.FAILED.value))
    planned = results.run.plan()
    if planned is None or not rows.num_rows:
        return
    keys = rows["sample_key"].combine_chunks()
    table = planned[1].read(["key", "error"], keys)
    errors = dict(zip(table["key"].to_pylist(), table["error"].to_pylist(), strict=True))
    for key in keys.to_pylist():
        yield failed_words(errors.get(key))


def _ungraded(results: Results) -> Iterator[str]:
    """The grader's words on each response without a score on the scale."""
    answered = pc.not_equal(results.rollouts["outcome"], SampleOutcome.FAILED.value).to_numpy()
    low, high = results.config.reward_range
    invalid = ~is_valid(results.observations().score) & answered
    withheld, cut = results.withheld()[invalid], results.cut()[invalid]
    table = results.rollouts.select(["reward", "errors", "prompt_tokens"]).filter(pa.array(invalid))
    for number, row in enumerate(table.to_pylist()):
        reward, errors = row["reward"], row["errors"]
        if withheld[number]:
            yield WITHHELD
        elif cut[number]:
            yield (
                f"The server cut the prompt to about {row['prompt_tokens']:,} tokens without a word: "
                "raise its context length, or ask shorter prompts."
            )
        elif reward is not None:
            yield f"The reward {reward:g} is off the scale {low:g} to {high:g}."
        else:
            yield no_grade_words(errors)
