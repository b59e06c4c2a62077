"""The report as Markdown. Whatever a user named stands in code spans, where nothing is interpreted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dryrun.analysis.verdict.words import PATTERN_TITLES, Pattern
from dryrun.core.text import NO_NUMBER, code_span, number, percent, plural, sentence_about
from dryrun.report.fields import ActionEntry, NoticeEntry, Report
from dryrun.report.lines import check_lines, evidence_lines, origin_lines, outcome_lines


def render_markdown(report: Report) -> str:
    """The whole report as GitHub-flavoured Markdown, ending in a line break."""
    sections = (
        _heading(report),
        _problem(report),
        _sentences("Recommended actions", report.diagnosis.actions),
        _sentences("Warnings", report.diagnosis.warning_details),
        _listed("Evidence", _evidence(report)),
        _listed("Grader check", [sentence_about(one, None, "") for one in check_lines(report.grader_check)]),
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
    if report.caution:
        yield f"**{sentence_about(report.caution, None, '')}**"
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
    for place, cause in enumerate(causes, 1):
        yield f"{place}. {cause.part.capitalize()}: {cause.title}. {cause.effect}. {cause.solution}."


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


def _evidence(report: Report) -> list[str]:
    if report.evidence is None:
        return []
    return [sentence_about(line, None, "") for line in evidence_lines(report.evidence)]


def _metrics(report: Report) -> Iterator[str]:
    yield "## Scores"
    yield ""
    yield "| Metric | Value | Healthy range | | Meaning |"
    yield "|---|---:|---|---|---|"
    for check in report.diagnosis.checks:
        mark = {True: "ok", False: "note" if check.note else "outside", None: NO_NUMBER}[check.ok]
        # In Markdown a bare < or > could begin HTML or a quotation.
        healthy = check.range.replace(">", "over").replace("<", "under")
        yield f"| {check.metric} | {number(check.value)} | {healthy} | {mark} | {check.meaning} |"
    parts = report.statistics.percentiles
    rest = {
        "Median": report.statistics.median,
        "p10": parts.p10,
        "p25": parts.p25,
        "p75": parts.p75,
        "p90": parts.p90,
    }
    for name, value in rest.items():
        yield f"| {name} | {number(value)} | | | |"


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
        figures = f"{number(topic.mean)} | {number(topic.std)} | {topic.count:,} | {topic.prompts:,}"
        words = topic.evidence or NO_NUMBER
        yield f"| {label} | {figures} | {topic.status or NO_NUMBER} | {words} | {topic.note} |"


def _samples(report: Report) -> Iterator[str]:
    yield "## Responses"
    yield ""
    yield from (f"- {line}" for line in outcome_lines(report))


def _origin(report: Report) -> Iterator[str]:
    yield "## About this report"
    yield ""
    yield from (f"- {line}" for line in origin_lines(report, code_span))
    for name in report.thresholds.numbers():
        yield f"- Threshold {name.replace('_', ' ')}: {getattr(report.thresholds, name):g}"
