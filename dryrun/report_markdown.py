"""The report as Markdown. Whatever a user named stands in code spans, where nothing is interpreted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from dryrun.analysis.wording import (
    PATTERN_TITLES,
    Pattern,
    figure,
    percent,
    plural,
)
from dryrun.markdown import code_span, sentence_about
from dryrun.report_fields import ActionEntry, EvidenceEntry, NoticeEntry

if TYPE_CHECKING:
    from dryrun.report import Report

NOTHING = "–"


def render_markdown(report: Report) -> str:
    """The whole report as GitHub-flavoured Markdown, ending in a line break."""
    sections = (
        _heading(report),
        _problem(report),
        _sentences("Recommended actions", report.diagnosis.actions),
        _sentences("Warnings", report.diagnosis.warning_details),
        _listed("Evidence", [] if report.evidence is None else _evidence(report.evidence)),
        _metrics(report),
        _distribution(report),
        _topics(report),
        _samples(report),
        _listed("Not measured", report.not_measured),
        _origin(report),
    )
    return "\n\n".join(text for section in sections if (text := "\n".join(section))) + "\n"


def _heading(report: Report) -> Iterator[str]:
    found = report.diagnosis
    yield f"# Dry run: {report.headline}"
    yield ""
    yield f"**{sentence_about(found.summary, None, '')}**"
    yield ""
    if report.evidence is not None:
        yield from (f"- {sentence_about(line, None, '')}" for line in report.evidence.sentences)
        yield ""
        yield f"The document's decision tree alone: {report.evidence.document.verdict}."
    for reason in found.reasons:
        yield sentence_about(reason.sentence, reason.topic, reason.topic or "")
    yield ""
    tested = plural(report.samples_evaluated, "prompt")
    yield f"Tested: {tested}, {plural(report.responses_evaluated, 'response')} with a score."
    if report.run.pending:
        yield f"The run is unfinished: {plural(report.run.pending, 'response')} still to come."
    yield ""
    yield f"- Dataset quality: **{found.dataset_word}**. {found.dataset_sentence}."
    yield f"- Grader quality: **{found.grader_word}**. {found.grader_sentence}."
    if found.pattern:
        yield f"- Pattern: {PATTERN_TITLES[Pattern(found.pattern)]}."


def _problem(report: Report) -> Iterator[str]:
    causes = report.diagnosis.causes
    if causes:
        yield "## Likely causes"
        yield ""
    for number, cause in enumerate(causes, 1):
        yield f"{number}. {cause.part.capitalize()}: {cause.title}. {cause.effect}. {cause.solution}."


def _sentences(title: str, entries: Sequence[ActionEntry | NoticeEntry]) -> Iterable[str]:
    return _listed(title, [_sentence(entry) for entry in entries])


def _sentence(entry: ActionEntry | NoticeEntry) -> str:
    label = "(no topic)" if entry.topic == "" else entry.topic or ""
    return sentence_about(entry.sentence, entry.topic, label)


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"## {title}"
        yield ""
        yield from (f"- {line}" for line in lines)


def _evidence(evidence: EvidenceEntry) -> list[str]:
    lines = [
        *_sampling(evidence),
        *_grouped(evidence),
        *_anchored(evidence),
        f"Entered: {', '.join(evidence.pieces)}".replace("_", " ") + ".",
    ]
    if evidence.left_out:
        lines.append(f"Left out by choice: {', '.join(evidence.left_out)}".replace("_", " ") + ".")
    return [sentence_about(line, None, "") for line in lines]


def _sampling(evidence: EvidenceEntry) -> Iterator[str]:
    held = evidence.stability
    if held is not None:
        yield (
            f"Re-drawing the prompts {held.draws:,} times: mean {_span(held.mean)}, std {_span(held.std)} "
            f"(95 %), the same verdict in {held.same_verdict:.1%} of re-draws."
        )


def _grouped(evidence: EvidenceEntry) -> Iterator[str]:
    found, index = evidence.groups, evidence.signal_index
    if found is not None:
        about = ", extrapolated" if found.extrapolated else ""
        yield (
            f"{percent(found.usable)} of groups of {found.group} would carry signal "
            f"({_span(found.usable_interval, share=True)}{about}); {percent(found.all_wrong)} of prompts "
            f"always score 0, {percent(found.all_right)} always 1."
        )
        yield (
            f"Spread within prompts {found.within_std:.2f}, between prompts {found.between_std:.2f}, "
            f"ICC {found.icc:.2f}."
        )
        if found.learnable is not None and found.learnable_interval is not None:
            span = _span(found.learnable_interval, share=True)
            yield f"Learnable (mean between 0.1 and 0.9): {percent(found.learnable)} of prompts ({span})."
    if index is not None:
        yield (
            f"Signal Index {index.value:.2f} = usable {index.usable:.2f} x reliability "
            f"{index.reliability:.2f} x range {index.range:.2f}; weakest: {index.weakest}."
        )


def _anchored(evidence: EvidenceEntry) -> Iterator[str]:
    at = evidence.anchors
    if at is not None and at.reference is not None:
        junk = "" if at.junk_median is None else f", worthless ones {at.junk_median:.2f}"
        who = "A stronger model's best responses" if at.from_stronger_model else "Reference answers"
        yield f"{who} score {at.reference:.2f}{junk}."
    if at is not None and at.regrade_std is not None:
        yield f"The same response graded again moves by {at.regrade_std:.2f}."
    if evidence.blame_grader is not None and evidence.blame_interval is not None:
        span = _span(evidence.blame_interval, share=True)
        yield f"The grader's share of the blame: {evidence.blame_grader:.0%} ({span})."


def _span(pair: tuple[float, float], *, share: bool = False) -> str:
    low, high = pair
    return f"{100 * low:.0f}-{100 * high:.0f} %" if share else f"{low:.2f}-{high:.2f}"


def _metrics(report: Report) -> Iterator[str]:
    yield "## Scores"
    yield ""
    yield "| Metric | Value | Healthy range | | Meaning |"
    yield "|---|---:|---|---|---|"
    for check in report.diagnosis.checks:
        mark = {True: "ok", False: "note" if check.note else "outside", None: NOTHING}[check.ok]
        # In Markdown a bare < or > could begin HTML or a quotation.
        healthy = check.range.replace(">", "over").replace("<", "under")
        yield f"| {check.metric} | {_number(check.value)} | {healthy} | {mark} | {check.meaning} |"
    parts = report.statistics.percentiles
    rest = {
        "Median": report.statistics.median,
        "p10": parts.p10,
        "p25": parts.p25,
        "p75": parts.p75,
        "p90": parts.p90,
    }
    for name, value in rest.items():
        yield f"| {name} | {_number(value)} | | | |"


def _distribution(report: Report) -> Iterator[str]:
    if report.distribution is None:
        return
    yield "## Score distribution"
    yield ""
    yield "| Scores | Share | Count |"
    yield "|---|---:|---:|"
    for label, share in report.distribution.items():
        yield f"| {label} | {percent(share)} | {report.distribution_counts[label]:,} |"


def _topics(report: Report) -> Iterator[str]:
    if not report.by_topic:
        return
    yield "## By topic"
    yield ""
    yield "| Topic | Mean | Std | Scores | Prompts | Status | Evidence | Note |"
    yield "|---|---:|---:|---:|---:|---|---|---|"
    for name, topic in report.by_topic.items():
        label = code_span(name, in_table=True) if name else "(no topic)"
        figures = f"{_number(topic.mean)} | {_number(topic.std)} | {topic.count:,} | {topic.prompts:,}"
        words = topic.evidence or NOTHING
        yield f"| {label} | {figures} | {topic.status or NOTHING} | {words} | {topic.note} |"


def _samples(report: Report) -> Iterator[str]:
    yield "## Responses"
    yield ""
    yield f"- {plural(report.responses, 'response')} in all, {report.responses_evaluated:,} with a score"
    for outcome, count in report.outcomes.items():
        if count:
            yield f"- {outcome}: {count:,}"
    counts = (
        ("without a grade", report.missing),
        ("scores outside the grader's scale", report.out_of_range),
        ("grades with a grader error", report.grader_errors),
        ("drawn rows that repeat another", report.duplicate_rows),
    )
    yield from (f"- {name}: {count:,}" for name, count in counts if count)


def _origin(report: Report) -> Iterator[str]:
    run = report.run
    low, high = run.reward_range
    yield "## About this report"
    yield ""
    yield f"- Written {report.model_dump(mode='json')['timestamp']}"
    named = (("Run", run.id), ("Dataset", run.dataset), ("Base model", run.model))
    yield from (f"- {title}: {code_span(name)}" for title, name in named if name)
    if run.rollouts is not None and run.prompts_asked is not None:
        yield f"- Asked: {plural(run.prompts_asked, 'prompt')}, {plural(run.rollouts, 'response')} to each"
    yield f"- Grader's scale: {low:g} to {high:g}, mapped to 0 to 1"
    yield "- Std with ddof 1, percentiles by linear interpolation, bins closed below"
    yield f"- Rules: {report.rules}"
    for name in report.thresholds.numbers():
        yield f"- Threshold {name.replace('_', ' ')}: {getattr(report.thresholds, name):g}"
    yield from (f"- {name} {version}" for name, version in run.versions.items())


def _number(value: float | None) -> str:
    return NOTHING if value is None else figure(value)
