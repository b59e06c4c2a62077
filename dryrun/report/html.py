"""The report as one HTML file: opens offline, reads in light and dark, prints. All text is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources

from dryrun.analysis.verdict.words import PATTERN_TITLES, Pattern
from dryrun.core.text import NO_NUMBER, cut, number, percent, plural
from dryrun.report.fields import EvidenceEntry, Report
from dryrun.report.lines import check_lines, evidence_lines, origin_lines, outcome_lines
from dryrun.report.svg import STYLE, histogram_svg, ruler_svg, strip_svg, topics_svg

LONGEST_NAME = 80
"""Characters of a topic's, file's or model's name; the JSON has the whole of it."""

SIGNS = {"GO": "●", "NO-GO": "■", "INVALID": "▲"}


def render_html(report: Report) -> str:
    """The whole report; no script, nothing fetched."""
    sections = (
        _verdict(report),
        _qualities(report),
        _list("Likely causes", report.cause_lines, ordered=True),
        _list("Recommended actions", report.diagnosis.recommendations),
        _list("Warnings", report.diagnosis.warnings),
        _scores(report),
        _anchors(report),
        _groups(report),
        _topics(report),
        _evidence(report),
        _list("Grader check", check_lines(report.grader_check)),
        _list("Not measured", report.not_measured),
        _list("Responses", list(outcome_lines(report))),
        _thresholds(report),
        _list("About this report", list(origin_lines(report))),
    )
    body = "\n".join("".join(section) for section in sections)
    page = (
        resources.files("dryrun.report").joinpath("templates", "report.html.txt").read_text(encoding="utf-8")
    )
    return page.format(title=escape(report.headline), style=STYLE, body=body)


def _verdict(report: Report) -> Iterator[str]:
    verdict, said = report.verdict, report.diagnosis.summary
    yield "<h1>Dry run</h1>"
    yield f'<p class="soft">{escape(" · ".join(_about(report)))}</p>'
    yield f'<div class="verdict {verdict.lower()}" role="status">'
    yield f"<strong>{SIGNS[verdict]} {escape(report.headline)}</strong>"
    yield f"<p>{escape(said)}</p>"
    if report.caution:
        yield f"<p><strong>{escape(report.caution)}</strong></p>"
    yield "</div>"
    if report.run.pending:
        yield f"<p>The run is unfinished: {plural(report.run.pending, 'response')} still to come.</p>"
    if report.evidence is not None:
        yield _items(report.evidence.sentences)
        alone = report.evidence.document.verdict
        yield f'<p class="soft">The document\'s decision tree alone: {escape(alone)}.</p>'
    tested = plural(report.samples_evaluated, "prompt")
    yield f"<p>Tested: {tested}, {plural(report.responses_evaluated, 'response')} with a score.</p>"


def _about(report: Report) -> Iterator[str]:
    """What was run and when: dataset, size, model, day."""
    run = report.run
    if run.dataset:
        yield cut(run.dataset, LONGEST_NAME)
    if run.prompts_asked is not None and run.rollouts is not None:
        asked = f"{plural(run.prompts_asked, 'prompt')} × {plural(run.rollouts, 'response')}"
        yield asked + (f" by {cut(run.model, LONGEST_NAME)}" if run.model else "")
    yield f"report of {report.timestamp:%d %b %Y}"


def _qualities(report: Report) -> Iterator[str]:
    found = report.diagnosis
    yield "<ul>"
    for name, word, sentence in (
        ("Dataset quality", found.dataset_word, found.dataset_sentence),
        ("Grader quality", found.grader_word, found.grader_sentence),
    ):
        yield f"<li>{name}: <strong>{escape(word)}</strong>. {escape(sentence)}.</li>"
    if found.pattern:
        yield f"<li>Pattern: {escape(PATTERN_TITLES[Pattern(found.pattern)])}.</li>"
    yield "</ul>"


def _scores(report: Report) -> Iterator[str]:
    yield "<section><h2>Scores</h2>"
    yield histogram_svg(report.histogram_counts, report.statistics.mean, report.thresholds)
    yield '<p class="soft">Shaded: healthy range. Dashed: limits of the decision tree.</p>'
    rows = [
        (check.metric, number(check.value), check.range, _mark(check.ok, check.note), check.meaning)
        for check in report.diagnosis.checks
    ]
    parts = report.statistics.percentiles
    for name, value in (
        ("Median", report.statistics.median),
        ("p10", parts.p10),
        ("p25", parts.p25),
        ("p75", parts.p75),
        ("p90", parts.p90),
    ):
        rows.append((name, number(value), "", "", ""))
    yield _table(("Metric", "Value", "Healthy range", "", "Meaning"), rows, numbers={1})
    shares = report.distribution or {}
    bins = [(name, percent(share), f"{report.distribution_counts[name]:,}") for name, share in shares.items()]
    yield _table(("Scores", "Share", "Count"), bins, numbers={1, 2}) + "</section>"


def _anchors(report: Report) -> Iterator[str]:
    evidence = report.evidence
    if evidence is None or evidence.anchors is None:
        return
    held = evidence.stability
    yield "<section><h2>What the grader pays for right answers, the model's, and junk</h2>"
    yield ruler_svg(evidence.anchors, report.statistics.mean, held.mean if held else None) + "</section>"


def _groups(report: Report) -> Iterator[str]:
    evidence = report.evidence
    if evidence is None or evidence.groups is None:
        return
    found = evidence.groups
    low, high = found.usable_interval
    yield "<section><h2>Groups</h2>" + strip_svg(evidence.strip)
    yield (
        '<p class="soft">Prompts sorted by mean, each column its scores from the lowest up; more colour: '
        f"higher. Marks below: prompts whose scores are all equal. {percent(found.usable)} of groups of "
        f"{found.group} would carry signal ({100 * low:.0f}-{100 * high:.0f}).</p></section>"
    )


def _topics(report: Report) -> Iterator[str]:
    if not report.by_topic:
        return
    yield "<section><h2>By topic</h2>" + topics_svg(report.by_topic, report.thresholds)
    yield (
        '<p class="soft">Hollow: the topic\'s own mean. Filled, with its 95 % bar: after pooling with the '
        "other topics, without cut-off and refused responses. Diamond: problem. Square: watch. n: prompts."
        "</p></section>"
    )
    rows = [
        (
            cut(name, LONGEST_NAME) or "(no topic)",
            number(topic.mean),
            number(topic.std),
            f"{topic.count:,}",
            f"{topic.prompts:,}",
            topic.status or NO_NUMBER,
            topic.evidence or NO_NUMBER,
            topic.note,
        )
        for name, topic in report.by_topic.items()
    ]
    titles = ("Topic", "Mean", "Std", "Scores", "Prompts", "Status", "Evidence", "Note")
    yield _table(titles, rows, numbers={1, 2, 3, 4})


def _evidence(report: Report) -> Iterator[str]:
    evidence: EvidenceEntry | None = report.evidence
    if evidence is not None:
        yield from _list("Evidence", evidence_lines(evidence))


def _thresholds(report: Report) -> Iterator[str]:
    limits = report.thresholds
    rows = [
        (
            name.replace("_", " "),
            f"{getattr(limits, name):g}",
            _plain(type(limits).model_fields[name].description),
        )
        for name in limits.numbers()
    ]
    yield "<section><h2>Thresholds</h2><details><summary>Every number that decides, with its source</summary>"
    yield _table(("Threshold", "Value", "What it does"), rows, numbers={1}) + "</details></section>"


def _plain(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").replace("`", "")


def _list(title: str, lines: Sequence[str], *, ordered: bool = False) -> Iterator[str]:
    if lines:
        yield f"<section><h2>{escape(title)}</h2>{_items(lines, ordered=ordered)}</section>"


def _items(lines: Sequence[str], *, ordered: bool = False) -> str:
    tag = "ol" if ordered else "ul"
    return f"<{tag}>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</{tag}>"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], numbers: set[int]) -> str:
    def cells(tag: str, texts: Sequence[str]) -> str:
        kinds = (' class="n"' if place in numbers else "" for place in range(len(texts)))
        return "".join(
            f"<{tag}{kind}>{escape(text)}</{tag}>" for text, kind in zip(texts, kinds, strict=True)
        )

    head = f"<thead><tr>{cells('th', titles)}</tr></thead>"
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f'<div class="wide"><table>{head}<tbody>{body}</tbody></table></div>'


def _mark(ok: bool | None, note: bool) -> str:
    return {True: "ok", False: "note" if note else "outside", None: NO_NUMBER}[ok]
