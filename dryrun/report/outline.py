"""What the report says, section by section: Markdown and HTML print the same outline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dryrun.analysis.figures.groups import Groups
from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.figures.signal import RANGE, RELIABILITY, USABLE, right_pull_sentence
from dryrun.analysis.training.headroom import MOST
from dryrun.analysis.training.record import Training
from dryrun.analysis.training.words import HEADROOM_TITLE, TRAINING_TITLE, training_lines
from dryrun.analysis.verdict.sentences import NEXT_STEP
from dryrun.analysis.verdict.tree import Notice
from dryrun.analysis.verdict.warnings import fewer_topics
from dryrun.analysis.verdict.words import PATTERN_TITLES, Action, Pattern, cause_name, tells_of_model
from dryrun.core.text import NO_NUMBER, number, percent, plural, stopped
from dryrun.core.thresholds import Thresholds
from dryrun.probes.result import GraderCheck
from dryrun.report.fields import Report, SampleEntry
from dryrun.report.figures import EvidenceEntry, GroupFigures

ANCHORS_TITLE = "What the grader pays for right answers, the model's, and worthless ones"


class Named(str):
    """What a user named: it is shown as it is and never interpreted. The JSON has the full text."""

    __slots__ = ()
    longest = 80
    """Characters that a page shows."""


class Quoted(Named):
    """A text from a prompt or a model."""

    __slots__ = ()
    longest = 700


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

    def __bool__(self) -> bool:
        return bool(self.lines or self.tables)


def outline(report: Report) -> tuple[Section, ...]:
    """The sections in order, empty ones among them."""
    diagnosis, evidence = report.diagnosis, report.evidence
    return (
        Section("", tuple(_conclusion(report))),
        Section("Before training", tuple(_conditions(report)), ordered=True),
        Section("Likely causes", tuple(_causes(report)), ordered=True),
        Section("Recommended actions", tuple(map(_action, diagnosis.actions))),
        Section("Warnings", tuple(map(_about_topic, _warnings(report)))),
        Section("Why scores are missing", tuple(_missing(report))),
        Section("Scores", tables=(_metrics(report), _bins(report)), picture="scores"),
        Section(ANCHORS_TITLE, picture="anchors"),
        Section("Groups", picture="groups"),
        Section("By topic", tables=(_topics(report),) if report.by_topic else (), picture="topics"),
        Section("Highest and lowest responses", tables=_to_read(report)),
        Section("Evidence", evidence_lines(evidence) if evidence else ()),
        Section(TRAINING_TITLE, _training_words(report), picture="kinds"),
        Section(HEADROOM_TITLE, tables=_headroom(report.training), picture="pass"),
        Section("Grader check", check_lines(report.grader_check) if report.grader_check else []),
        Section("Not measured", report.not_measured),
        Section("Responses", tuple(outcome_lines(report))),
        Section("Changed thresholds", tables=(_thresholds(report),) if _changed(report) else ()),
        Section("About this report", tuple(_origin(report))),
    )


def _training_words(report: Report) -> Sequence[str]:
    if report.training is None:
        return ()
    advice = tells_of_model(report.diagnosis.dataset_quality, report.diagnosis.grader_quality)
    return training_lines(report.training, report.thresholds, advice=advice)


def _headroom(training: Training | None) -> tuple[Table, ...]:
    rows = [
        (
            Named(topic.topic) if topic.topic else "(no topic)",
            *(percent(share) for share in (topic.curve[0].value, topic.curve[-1].value, topic.never)),
            f"{topic.prompts:,}",
        )
        for topic in (training.topics if training else ())
    ]
    titles = ("Topic", "pass@1", f"pass@{MOST}", "Not solved", "Prompts")
    return (Table(titles, rows, frozenset({1, 2, 3, 4})),) if rows else ()


def _conclusion(report: Report) -> Iterator[Line]:
    diagnosis, evidence = report.diagnosis, report.evidence
    if evidence is not None:
        next_steps = {f"{NEXT_STEP}{stopped(action.sentence)}" for action in diagnosis.actions}
        # The next step stands under its own heading below, where it is one of the actions.
        yield from (line for line in evidence.sentences if stopped(line) not in next_steps)
        yield f"By mean and std alone (the decision tree): {evidence.document.verdict}."
    yield from (
        _about_topic(reason) for reason in diagnosis.reasons if reason.sentence not in diagnosis.summary
    )
    tested = plural(report.samples_evaluated, "prompt")
    yield f"Tested: {tested}, {plural(report.responses_evaluated, 'response')} with a score."
    if report.run.pending:
        yield f"The run is unfinished: {plural(report.run.pending, 'response')} still to come."
    yield f"Dataset quality: {diagnosis.dataset_word}. {diagnosis.dataset_sentence}."
    yield f"Grader quality: {diagnosis.grader_word}. {diagnosis.grader_sentence}."
    if diagnosis.pattern and diagnosis.verdict != "INVALID":
        yield f"Pattern: {PATTERN_TITLES[Pattern(diagnosis.pattern)]}."


def _conditions(report: Report) -> Iterator[str]:
    for condition in report.diagnosis.conditions:
        yield f"{condition.step[:1].upper()}{condition.step[1:]}. {condition.sentence}"


def _warnings(report: Report) -> Iterator[Notice]:
    """Warnings that are not conditions: conditions stand under their own heading."""
    named = {condition.code for condition in report.diagnosis.conditions}
    shown = fewer_topics(report.diagnosis.warning_details)
    return (notice for notice in shown if notice.code not in named)


def _causes(report: Report) -> Iterator[str]:
    actions = {action.sentence for action in report.diagnosis.actions}
    for cause in report.diagnosis.causes:
        # Where the solution is the first action, it stands there.
        solution = "" if f"{cause.solution}." in actions else f" {cause.solution}."
        yield f"{cause_name(cause.part, cause.title)}. {cause.effect}.{solution}"


def _action(action: Action) -> Line:
    """The action as a sentence; the document's own end without a full stop."""
    pieces = _about_topic(action)
    if isinstance(pieces, str):
        return stopped(pieces)
    return (*pieces[:-1], stopped(pieces[-1])) if len(pieces) > 1 else pieces


def _about_topic(notice: Action | Notice) -> Line:
    """The sentence, with the topic's name apart."""
    if notice.topic is None:
        return notice.sentence
    label = notice.topic or "(no topic)"
    start = f"Topic {label}"
    if not notice.sentence.startswith(start):
        return (Named(notice.sentence),)
    return "Topic ", Named(label), notice.sentence[len(start) :]


def _missing(report: Report) -> Iterator[Line]:
    return ((f"{reason.count:,} × ", Named(reason.words)) for reason in report.missing_reasons)


def _metrics(report: Report) -> Table:
    figures, parts = report.statistics, report.statistics.percentiles
    rows = []
    for check in report.diagnosis.checks:
        mark = {True: "ok", False: "note" if check.note else "outside", None: NO_NUMBER}[check.ok]
        rows.append((check.metric, number(check.value), check.range, mark, check.meaning))
    rest = {"Median": figures.median, "p10": parts.p10, "p25": parts.p25, "p75": parts.p75, "p90": parts.p90}
    rows += [(name, number(value), "", "", "") for name, value in rest.items()]
    return Table(("Metric", "Value", "Healthy range", "Reading", "Meaning"), rows, frozenset({1}))


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


def _to_read(report: Report) -> tuple[Table, ...]:
    groups = (("Are they actually good?", report.highest), ("Are they actually bad?", report.lowest))
    titles = ("Score", "Row", "Prompt")
    return tuple(
        Table((*titles, f"Response. {question}"), [_read(sample) for sample in samples], frozenset({0, 1}))
        for question, samples in groups
        if samples
    )


def _read(sample: SampleEntry) -> tuple[str, ...]:
    return number(sample.score), f"{sample.row:,}", Quoted(sample.prompt), Quoted(sample.response)


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


def evidence_lines(evidence: EvidenceEntry) -> list[str]:
    """What was measured beside the scores, and which pieces of evidence entered."""
    lines = [
        *_sampling(evidence),
        *_grouped(evidence),
        *_anchor_lines(evidence),
        f"Evidence that entered: {', '.join(evidence.pieces)}".replace("_", " ") + ".",
    ]
    if evidence.left_out:
        lines.append(f"Left out by choice: {', '.join(evidence.left_out)}".replace("_", " ") + ".")
    return lines


def check_lines(check: GraderCheck) -> list[str]:
    """What probing the grader found, the worst first."""
    lines = [f"{check.profile.capitalize()}. {check.meaning} {plural(check.graded, 'grade')}."]
    for finding in check.findings:
        where = "" if finding.row is None else f" First in row {finding.row}."
        where += f" Also: {', '.join(finding.also)}." if finding.also else ""
        lines.append(f"{finding.sentence}{where} Fix: {finding.fix}")
    lines += [Quoted(check.why)] * bool(check.why)
    return lines + [f"Not seen: {probe}." for probe in check.missing]


def _sampling(evidence: EvidenceEntry) -> Iterator[str]:
    held = evidence.stability
    if held is not None:
        same = round(held.same_verdict * held.draws)
        yield (
            f"{held.draws:,} bootstrap samples of the prompts: mean {_span(held.mean)}, "
            f"std {_span(held.std)} (95 %), the same verdict in {same:,} of them."
        )


def group_words(groups: Groups | GroupFigures) -> str:
    """What the groups say about training: ``"62 % of groups of 8 would carry signal (54-70 %); ..."``."""
    low, high = (percent(end) for end in groups.usable_interval)
    about = [] if low == high else [groups.usable_interval.in_percent]
    about += ["estimated from fewer responses to each prompt"] if groups.extrapolated else []
    inserted = f" ({', '.join(about)})" if about else ""
    return (
        f"{percent(groups.usable)} of groups of {groups.group} would carry signal"
        f"{inserted}; {percent(groups.all_wrong)} of prompts "
        f"scored 0 every time, {percent(groups.all_right)} scored 1 every time."
    )


def _grouped(evidence: EvidenceEntry) -> Iterator[str]:
    groups, index = evidence.groups, evidence.signal_index
    if groups is not None:
        yield group_words(groups)
        yield (
            f"Spread (std) within prompts {groups.within_std:.2f}, between prompts {groups.between_std:.2f}; "
            f"share of the variance between prompts (ICC) {groups.icc:.2f}."
        )
        if groups.learnable is not None and groups.learnable_interval is not None:
            span = groups.learnable_interval.in_percent
            yield f"Learnable prompts (mean between 0.1 and 0.9): {percent(groups.learnable)} ({span})."
    if index is not None:
        # Reports stored before readings entered the index name no factors.
        old = {USABLE: index.usable, RELIABILITY: index.reliability, RANGE: index.range}
        known = {name: value for name, value in (index.factors or old).items() if value is not None}
        factors = " x ".join(f"{name} {value:.2f}" for name, value in known.items())
        ends = f"{min(known.values()):.2f}", f"{max(known.values()):.2f}"
        weakest = "" if ends[0] == ends[1] else f"; weakest: {index.weakest}"
        yield f"Signal Index {index.value:.2f} = {factors}{weakest}."
        if groups is not None and f"{index.usable:.2f}" != f"{groups.usable:.2f}":
            yield "There, usable groups are those that differ in the outcome, not in the reward alone."
        if index.pull is not None:
            yield right_pull_sentence(index.pull)


def _anchor_lines(evidence: EvidenceEntry) -> Iterator[str]:
    at = evidence.anchors
    if at is not None and at.reference is not None:
        worthless = "" if at.junk_median is None else f", worthless ones {at.junk_median:.2f} (median)"
        who = "A stronger model's best responses" if at.from_stronger_model else "Reference answers"
        yield f"{who} score {at.reference:.2f}{worthless}."
    if at is not None and at.regrade_std is not None:
        yield f"The same response graded again moves by {at.regrade_std:.2f} (std)."
    if evidence.blame_grader is not None and evidence.blame_interval is not None:
        span = evidence.blame_interval.in_percent
        yield f"The grader's share of the blame: {percent(evidence.blame_grader)} ({span})."


def _span(interval: Interval) -> str:
    return f"{interval.low:.2f}-{interval.high:.2f}"


def _values(counted: Sequence[tuple[float, int]]) -> str:
    """Rewards and how often each came, in brackets."""
    return f" ({', '.join(f'{reward:g}: {count:,}' for reward, count in counted)})" if counted else ""


def outcome_lines(report: Report) -> Iterator[str]:
    """The number of responses, and how each ended."""
    yield f"{plural(report.responses, 'response')} in all, {report.responses_evaluated:,} with a score."
    for outcome, count in report.outcomes.items():
        if count:
            yield f"{outcome}: {count:,}"
    counts = (
        ("without a grade", report.missing),
        (f"scores outside the grader's scale{_values(report.off_scale)}", report.out_of_range),
        ("grades with a grader error", report.grader_errors),
        ("drawn rows that repeat another", report.duplicate_rows),
    )
    yield from (f"{what}: {count:,}" for what, count in counts if count)
