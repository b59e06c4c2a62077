"""Topics as rows of the interval chart, with what the picture says in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dryrun.analysis.verdict.topics import Standing, standing
from dryrun.core.text import figure, number, plural, short_names
from dryrun.report.charts.intervals import Looks, Row
from dryrun.report.charts.scores import BLUE, GREY, ORANGE
from dryrun.report.figures import TopicEntry

SHOWN_TOPICS = 30
"""Topics in the chart, the worst first; the table has all of them."""
TOPIC_LOOKS: Looks = (
    (Standing.CONFIRMED.value, ORANGE, "diamond"),
    (Standing.PROBLEM.value, ORANGE, "diamond"),
    (Standing.WATCH.value, GREY, "square"),
    (Standing.GOOD.value, BLUE, "circle"),
    (Standing.TOO_FEW.value, GREY, "triangle-up"),
)
"""In the order in which topics are drawn."""
NO_TOPIC = "(no topic)"
LABEL = 42
"""Characters of a topic's name for which a row has room."""


def topic_rows(topics: Mapping[str, TopicEntry]) -> tuple[Row, ...]:
    """The worst topics, the worst first; those without a score and those past `SHOWN_TOPICS` are left out."""
    rank = [kind for kind, _, _ in TOPIC_LOOKS]
    rows = [_topic_row(name, topic, topic.mean) for name, topic in topics.items() if topic.mean is not None]
    rows.sort(key=lambda row: (rank.index(row.kind), row.mean if row.own is None else row.own, row.name))
    shown = rows[:SHOWN_TOPICS]
    labels = short_names([row.name for row in shown], LABEL)
    return tuple(replace(row, name=labels[row.name]) for row in shown)


def _topic_row(name: str, topic: TopicEntry, mean: float) -> Row:
    word = standing(topic.status, topic.evidence)
    if topic.pooled is None or topic.interval is None:
        spread = topic.std or 0.0
        center, low, high, own = mean, mean - spread, mean + spread, None
    else:
        (low, high), center, own = topic.interval, topic.pooled, mean
    note = f"n {topic.prompts:,} · {word}"
    tips = {
        "Topic": name or NO_TOPIC,
        "Mean": figure(mean),
        "Std": number(topic.std),
        "After pooling": number(topic.pooled),
        "95 %": "–" if own is None else f"{max(low, 0.0):.2f} to {min(high, 1.0):.2f}",
        "Scores": f"{topic.count:,}",
        "Prompts": f"{topic.prompts:,}",
        "Status": word.value,
    }
    return Row(
        name=name or NO_TOPIC,
        kind=word.value,
        mean=min(max(center, 0.0), 1.0),
        low=max(low, 0.0),
        high=min(high, 1.0),
        own=own,
        note=f"{figure(mean)} · {note}" if own is None else note,
        tips=tuple(tips.items()),
    )


def topics_alt(topics: Mapping[str, TopicEntry]) -> str:
    """The topics' chart in one sentence, for screen readers. Holds topic names as the user gave them."""
    rows = [dict(row.tips) for row in topic_rows(topics)]
    if not rows:
        return "Mean score by topic: no topic has a score."
    words = (f"{tip['Topic']} {tip['Mean']} ({tip['Status']}, prompts: {tip['Prompts']})" for tip in rows)
    return f"Mean score by topic, the worst first: {', '.join(words)}."


def topics_caption(topics: Mapping[str, TopicEntry]) -> str:
    """What the marks mean, and how many topics are left out. Holds no topic names."""
    scored = [topic for topic in topics.values() if topic.mean is not None]
    hidden = len(scored) - SHOWN_TOPICS
    rest = f"; {plural(hidden, 'more topic')} in the table" if hidden > 0 else ""
    marks = "Mark: mean. Line: one std to each side."
    if any(topic.pooled is not None for topic in scored):
        marks = (
            "Hollow: the topic's own mean. Filled, with its 95 % bar: after pooling with the other topics, "
            "without cut-off and refused responses."
        )
    return (
        f"{marks} Diamond: problem (confirmed where pooling says so too); square: watch; triangle: too few. "
        f"n: prompts. Shaded: healthy range. Orange lines: limits of the mean{rest}."
    )
