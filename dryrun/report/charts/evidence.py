"""Charts of the evidence: groups as a strip of cells, topics with their intervals. Figures in, Altair out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import altair as alt

from dryrun.analysis.figures.groups import Groups, StripColumn
from dryrun.analysis.figures.pooling import PooledTopic
from dryrun.analysis.verdict.topics import Standing, TopicFigures, standing
from dryrun.core.text import percent, plural
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.scores import (
    BLUE,
    FIT_ROWS,
    GREY,
    NAMES,
    ORANGE,
    ROW,
    SHOWN_TOPICS,
    healthy_band,
    limit_rules,
)

COLOURS = {
    Standing.CONFIRMED: ORANGE,
    Standing.PROBLEM: ORANGE,
    Standing.WATCH: GREY,
    Standing.TOO_FEW: GREY,
    Standing.GOOD: BLUE,
}
"""Of a topic's marks, the worst standing first."""
SHAPES = {
    Standing.CONFIRMED: "diamond",
    Standing.PROBLEM: "diamond",
    Standing.WATCH: "square",
    Standing.TOO_FEW: "triangle-up",
    Standing.GOOD: "circle",
}
_X_VALUE: Any = alt.XValue  # has no annotations
NO_TOPIC = "(no topic)"

Stood = tuple[PooledTopic, Standing]
"""A topic after pooling, and the one word for it."""


def stood(pooled: Sequence[PooledTopic], topics: Sequence[TopicFigures]) -> tuple[Stood, ...]:
    """Each pooled topic with its standing, which heeds the tree's status too.

    Its own mean and number of prompts are those of the table and the report. Pooling leaves out cut-off and
    refused responses, so it may rest on fewer.
    """
    shown = {topic.topic: topic for topic in topics}
    return tuple(_stood(one, shown.get(one.topic)) for one in pooled)


def _stood(one: PooledTopic, shown: TopicFigures | None) -> Stood:
    if shown is None or shown.mean is None:
        return one, standing(None, one.evidence)
    return replace(one, mean=shown.mean, prompts=shown.prompts), standing(shown.status, one.evidence)


def strip_chart(columns: Sequence[StripColumn]) -> alt.LayerChart:
    """Prompts from the lowest mean to the highest; a prompt's scores from the lowest up.

    Parameters
    ----------
    columns : sequence of StripColumn
        A few hundred cells, whatever the size of the run.
    """
    rows: list[dict[str, Any]] = [
        {
            "left": number,
            "right": number + 1,
            "low": level,
            "high": level + 1,
            "score": cell,
            "prompts": column.prompts,
            "mean": column.mean,
            "dead": column.dead,
        }
        for number, column in enumerate(columns)
        for level, cell in enumerate(column.cells)
    ]
    across = alt.Axis(labels=False, ticks=False, grid=False, domain=False)
    scale = alt.Scale(domain=[0, len(columns)], nice=False)
    x = alt.X("left:Q", title="Prompts, from the lowest mean to the highest", scale=scale, axis=across)
    levels = max(len(column.cells) for column in columns)
    y = alt.Y("low:Q", title="Responses", scale=alt.Scale(domain=[-1, levels], nice=False), axis=across)
    tips = [
        alt.Tooltip("prompts:Q", title="Prompts", format=","),
        alt.Tooltip("mean:Q", title="Mean", format=".2f"),
        alt.Tooltip("score:Q", title="Score here", format=".2f"),
        alt.Tooltip("dead:Q", title="With equal scores", format=".0%"),
    ]
    colour = alt.Color(
        "score:Q",
        title="Score",
        scale=alt.Scale(domain=[0, 1], range=["#d6dde5", BLUE, "#0b2f55"]),
        legend=alt.Legend(orient="bottom", gradientLength=120),
    )
    cells = alt.Chart(alt.InlineData(values=rows)).mark_rect(stroke=GREY, strokeWidth=0.3)
    cells = cells.encode(x=x, x2=alt.X2("right:Q"), y=y, y2=alt.Y2("high:Q"), color=colour, tooltip=tips)
    dead = [
        {
            "left": number,
            "right": number + 1,
            "low": -0.15,
            "high": -0.15 - 0.8 * column.dead,
            "dead": column.dead,
        }
        for number, column in enumerate(columns)
        if column.dead > 0
    ]
    marks = alt.Chart(alt.InlineData(values=dead)).mark_rect(color=ORANGE)
    marks = marks.encode(x=x, x2=alt.X2("right:Q"), y=y, y2=alt.Y2("high:Q"), tooltip=tips[-1:])
    return alt.LayerChart(layer=[cells, marks]).properties(
        width="container", height=min(26 * (levels + 1), 200), autosize=FIT_ROWS
    )


def strip_caption(found: Groups) -> str:
    """What the strip says of training: ``"62 % of groups of 8 would carry signal (54-70 %)."``."""
    low, high = found.usable_interval.low, found.usable_interval.high
    words = (
        f"{percent(found.usable)} of groups of {found.group} would carry signal "
        f"({100 * low:.0f}-{100 * high:.0f} %{', extrapolated' if found.extrapolated else ''})"
    )
    dead = f"{percent(found.all_wrong)} of prompts always score 0, {percent(found.all_right)} always 1"
    return f"{words}; {dead}. Orange below: prompts whose scores are all equal."


def strip_alt(columns: Sequence[StripColumn], found: Groups) -> str:
    """The strip for screen readers."""
    prompts = sum(column.prompts for column in columns)
    return f"{plural(prompts, 'prompt')} sorted by mean, each with its scores. {strip_caption(found)}"


def topic_intervals(topics: Sequence[Stood], thresholds: Thresholds) -> alt.LayerChart:
    """Own mean hollow, pooled mean filled with its 95 % bar, prompts at the right; the lowest first.

    Parameters
    ----------
    topics : sequence of (PooledTopic, Standing)
        Those past `SHOWN_TOPICS` are not drawn: problems come first, confirmed ones before the others.
    thresholds : Thresholds
    """
    rows = [_topic_row(topic, word) for topic, word in drawn_topics(topics)]
    order = [row["topic"] for row in rows]
    kinds = [word.value for word in COLOURS]
    hue = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=list(COLOURS.values())), legend=None)
    sign = alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=list(SHAPES.values())), legend=None)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("topic:N", sort=order, title=None, axis=NAMES),
        tooltip=[
            alt.Tooltip("topic:N", title="Topic"),
            alt.Tooltip("own:Q", title="Own mean", format=".2f"),
            alt.Tooltip("pooled:Q", title="Pooled mean", format=".2f"),
            alt.Tooltip("span:N", title="95 %"),
            alt.Tooltip("prompts:Q", title="Prompts", format=","),
            alt.Tooltip("kind:N", title="Status"),
        ],
    )
    x = alt.X("low:Q", title="Score", scale=alt.Scale(domain=[0, 1], nice=False), axis=alt.Axis(grid=False))
    bars = base.mark_rule(strokeWidth=3).encode(x=x, x2=alt.X2("high:Q"), color=hue)
    pooled = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=alt.X("pooled:Q"), color=hue, shape=sign
    )
    own = base.mark_point(filled=False, size=150, opacity=1, color=GREY).encode(x=alt.X("own:Q"))
    text = base.mark_text(align="left", dx=10, fontSize=12, color=GREY)
    text = text.encode(x=_X_VALUE("width"), text=alt.Text("text:N"))
    layers = [healthy_band(thresholds), *limit_rules(thresholds), bars, own, pooled, text]
    return alt.LayerChart(layer=layers).properties(
        width="container", height=ROW * max(len(order), 1), autosize=FIT_ROWS
    )


def drawn_topics(topics: Sequence[Stood]) -> list[Stood]:
    """The topics of the chart: confirmed problems first, topics with too few prompts last; then by mean."""
    rank = [Standing.CONFIRMED, Standing.PROBLEM, Standing.WATCH, Standing.GOOD, Standing.TOO_FEW]
    return sorted(topics, key=lambda one: (rank.index(one[1]), one[0].mean, one[0].topic))[:SHOWN_TOPICS]


def intervals_caption(topics: Sequence[Stood]) -> str:
    """What the marks mean, and how many topics are left out. Holds no topic names."""
    hidden = len(topics) - SHOWN_TOPICS
    rest = f"; {plural(hidden, 'more topic')} in the table" if hidden > 0 else ""
    return (
        "Hollow: the topic's own mean. Filled, with its 95 % bar: after pooling with the other topics, "
        "without cut-off and refused responses. "
        "Diamond: problem (confirmed where pooling says so too); square: watch; triangle: too few. "
        f"n: prompts. Shaded: healthy range{rest}."
    )


def intervals_alt(topics: Sequence[Stood]) -> str:
    """The chart for screen readers. Holds topic names as the user gave them."""
    told = [
        f"{topic.topic or NO_TOPIC} {topic.mean:.2f} ({word}, {plural(topic.prompts, 'prompt')})"
        for topic, word in drawn_topics(topics)
    ]
    return f"Mean score by topic: {', '.join(told)}."


def _topic_row(topic: PooledTopic, word: Standing) -> dict[str, Any]:
    low, high = max(topic.low, 0.0), min(topic.high, 1.0)
    return {
        "topic": topic.topic or NO_TOPIC,
        "own": topic.mean,
        "pooled": min(max(topic.pooled, 0.0), 1.0),
        "low": low,
        "high": high,
        "span": f"{low:.2f} to {high:.2f}",
        "prompts": topic.prompts,
        "kind": word.value,
        "text": f"n {topic.prompts:,} · {word}",
    }
