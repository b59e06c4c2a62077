"""What the report says, section by section: Markdown and HTML print the same outline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dryrun.analysis.verdict.notices import Notice
from dryrun.analysis.verdict.words import PATTERN_TITLES, Action, Pattern
from dryrun.core.text import NO_NUMBER, number, percent, plural
from dryrun.core.thresholds import Thresholds
from dryrun.report.fields import Report
from dryrun.report.lines import ANCHORS_TITLE, check_lines, evidence_lines, outcome_lines


class Named(str):
    """What a user named: it is shown as it is and never interpreted."""

    __slots__ = ()


Line = str | tuple[str, ...]
"""A sentence, in pieces where a part is `Named`."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under titles; columns in `numbers` stand at the right."""

    titles: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands below it. `picture` names one of `pictures.pictures`."""

    title: str
    lines: Sequence[Line] = ()
    tables: Sequence[Table] = ()
    picture: str = ""
    ordered: bool = False
    folded: str = ""

    def __bool__(self) -> bool:
        return bool(self.lines or self.tables)


def outline(report: Report) -> tuple[Section, ...]:
    """The sections in order, empty ones among them."""
    found, evidence = report.diagnosis, report.evidence
    return (
        Section("", tuple(_conclusion(report))),
        Section("Before training", tuple(_conditions(report)), ordered=True),
        Section("Likely causes", tuple(_causes(report)), ordered=True),
        Section("Recommended actions", tuple(map(_about_topic, found.actions))),
        Section("Warnings", tuple(map(_about_topic, _warnings(report)))),
        Section("Scores", tables=(_metrics(report), _bins(report)), picture="scores"),
        Section(ANCHORS_TITLE, picture="anchors"),
        Section("Groups", picture="groups"),
        Section("By topic", tables=(_topics(report),) if report.by_topic else (), picture="topics"),
        Section("Evidence", evidence_lines(evidence) if evidence else ()),
        Section("Grader check", check_lines(report.grader_check)),
        Section("Not measured", report.not_measured),
        Section("Responses", tuple(outcome_lines(report))),
        Section("Changed thresholds", tables=(_thresholds(report),) if _changed(report) else ()),
        Section("About this report", tuple(_origin(report))),
    )


def _conclusion(report: Report) -> Iterator[Line]:
    found, evidence = report.diagnosis, report.evidence
    if evidence is not None:
        yield from evidence.sentences
        yield f"The document's decision tree alone: {evidence.document.verdict}."
    yield from (_about_topic(one) for one in found.reasons if one.sentence not in found.summary)
    tested = plural(report.samples_evaluated, "prompt")
    yield f"Tested: {tested}, {plural(report.responses_evaluated, 'response')} with a score."
    if report.run.pending:
        yield f"The run is unfinished: {plural(report.run.pending, 'response')} still to come."
    yield f"Dataset quality: {found.dataset_word}. {found.dataset_sentence}."
    yield f"Grader quality: {found.grader_word}. {found.grader_sentence}."
    if found.pattern and found.verdict != "INVALID":
        yield f"Pattern: {PATTERN_TITLES[Pattern(found.pattern)]}."


def _conditions(report: Report) -> Iterator[str]:
    for condition in report.diagnosis.conditions:
        yield f"{condition.step[:1].upper()}{condition.step[1:]}. {condition.sentence}"


def _warnings(report: Report) -> Iterator[Notice]:
    """Those that are no condition: these stand under their own heading."""
    named = {condition.code for condition in report.diagnosis.conditions}
    return (notice for notice in report.diagnosis.warning_details if notice.code not in named)


def _causes(report: Report) -> Iterator[str]:
    for cause in report.diagnosis.causes:
        yield f"{cause.part.capitalize()}: {cause.title}. {cause.effect}. {cause.solution}."


def _about_topic(said: Action | Notice) -> Line:
    """The sentence, with the topic's name apart."""
    if said.topic is None:
        return said.sentence
    label = said.topic or "(no topic)"
    start = f"Topic {label}"
    if not said.sentence.startswith(start):
        return (Named(said.sentence),)
    return "Topic ", Named(label), said.sentence[len(start) :]


def _metrics(report: Report) -> Table:
    figures, parts = report.statistics, report.statistics.percentiles
    rows = []
    for check in report.diagnosis.checks:
        mark = {True: "ok", False: "note" if check.note else "outside", None: NO_NUMBER}[check.ok]
        rows.append((check.metric, number(check.value), check.range, mark, check.meaning))
    rest = {"Median": figures.median, "p10": parts.p10, "p25": parts.p25, "p75": parts.p75, "p90": parts.p90}
    rows += [(name, number(value), "", "", "") for name, value in rest.items()]
    return Table(("Metric", "Value", "Healthy range", "", "Meaning"), rows, frozenset({1}))


def _bins(report: Report) -> Table:
    counts = report.distribution_counts
    shares = (report.distribution or {}).items()
    rows = [(label, percent(share), f"{counts[label]:,}") for label, share in shares]
    return Table(("Scores", "Share", "Count"), rows, frozenset({1, 2}))


def _topics(report: Report) -> Table:
    rows = [
        (
            Named(name) if name else "(no topic)",
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
    return Table(titles, rows, frozenset({1, 2, 3, 4}))


def _changed(report: Report) -> list[str]:
    """Names of the numbers that are not the defaults; `docs/verdict.md` lists those."""
    return [
        name for name in report.thresholds.numbers() if getattr(report.thresholds, name) != _default(name)
    ]


def _default(name: str) -> float:
    default: float = Thresholds.model_fields[name].default
    return default


def _thresholds(report: Report) -> Table:
    limits, about = report.thresholds, Thresholds.model_fields
    rows = [
        (
            name.replace("_", " "),
            f"{getattr(limits, name):g}",
            f"{_default(name):g}",
            _plain(about[name].description or ""),
        )
        for name in _changed(report)
    ]
    return Table(("Threshold", "Value", "Default", "What it does"), rows, frozenset({1, 2}))


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("`", "")


def _origin(report: Report) -> Iterator[Line]:
    run = report.run
    low, high = run.reward_range
    yield f"Written {report.timestamp:%Y-%m-%dT%H:%M:%SZ}"
    named = {"Run": run.id, "Dataset": run.dataset, "Base model": run.model, "Ceiling": run.ceiling}
    yield from ((f"{title}: ", Named(text)) for title, text in named.items() if text)
    if run.rollouts is not None and run.prompts_asked is not None:
        yield f"Asked: {plural(run.prompts_asked, 'prompt')}, {plural(run.rollouts, 'response')} to each"
    yield f"Grader's scale: {low:g} to {high:g}, mapped to 0 to 1"
    yield "Std with ddof 1, percentiles by linear interpolation, bins closed below"
    yield f"Rules: {report.rules}"
    yield from (f"{part} {version}" for part, version in run.versions.items())
