"""Charts of a run: figures in, Altair charts out.

The data in a chart is counted beforehand, so a chart weighs a few kilobytes whatever the number of
responses. Colours are chosen to read on white and on near-black, and apart for colour-blind eyes;
no meaning hangs on colour alone. Each chart has a sentence for screen readers.

Channels are written as classes, ``text=alt.Text("text:N")`` and not ``text="text:N"``: Altair reads a
bare string through its whole schema, 3 to 6 ms each, and these charts are drawn again at every moved
threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt

from dryrun.analysis.figures.statistics import (
    BIN_LABELS,
    HISTOGRAM_EDGES,
    Scores,
    Statistics,
    bin_counts,
    valid_scores,
)
from dryrun.analysis.verdict.topics import TopicFigures, TopicStatus
from dryrun.core.text import figure, percent, plural
from dryrun.core.thresholds import Thresholds

SELECTION = "bar"
"""Name of the histogram's click selection; its rows carry the field `BIN_FIELD`."""

BIN_FIELD = "bin"
"""Number of the clicked bar, 0 to 19: an integer, since bin edges come back as 0.7000000000000001."""

BLUE = "#2f7fc1"
"""Bars, and topics that are good."""
ORANGE = "#d55e00"
"""Limits of the decision tree, and topics that are a problem."""
GREY = "#7b7b7b"
"""Text inside charts and what has no status: 4.3 : 1 on white and on Streamlit's dark ground alike."""

NAMES = alt.Axis(labelLimit=160, labelOverlap=False, labelFlush=False, ticks=False, domain=False)
"""An axis of names: each in the middle of its row, the first and the last too."""

ROW = 30
"""Pixels a topic takes. A number, not ``alt.Step``: of that every browser would warn beside `FIT_ROWS`."""

FIT_ROWS = alt.AutoSizeParams(type="fit-x", contains="padding")
"""For charts whose height follows from their rows: only the width is fitted."""

LABEL_ROOM = 0.3
"""Of the score axis: what a limit's label takes on a phone."""

SHOWN_TOPICS = 30
"""Topics in the chart, the worst first; the table has all of them."""

_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_PER_BIN = (len(HISTOGRAM_EDGES) - 1) // len(BIN_LABELS)
_GAP = 0.003
_X_VALUE: Any = alt.XValue  # these two have no annotations
_Y_VALUE: Any = alt.YValue
_STATUS_WORDS = {TopicStatus.GOOD: "good", TopicStatus.PROBLEM: "problem", None: "too few"}


@dataclass(frozen=True, slots=True)
class HistogramBar:
    """One bar of the histogram.

    Attributes
    ----------
    bin : int
        0 to 19.
    low, high : float
        Its edges; ``[low, high)``, the last one closed.
    count : int
    share : float
        Of all scores; 0 if there are none.
    report_bin : str
        The report's bin it lies in, with its share: ``"0.2-0.4: 30 %"``.
    """

    bin: int
    low: float
    high: float
    count: int
    share: float
    report_bin: str


def histogram_bars(scores: Scores) -> tuple[HistogramBar, ...]:
    """Count scores into the histogram's 20 bars; invalid scores are in none.

    Parameters
    ----------
    scores : float64 array, shape (n,)
        NaN where there is no grade.
    """
    counts = bin_counts(valid_scores(scores), HISTOGRAM_EDGES)
    total = max(sum(counts), 1)
    parts = [sum(counts[start : start + _PER_BIN]) for start in range(0, len(counts), _PER_BIN)]
    return tuple(
        HistogramBar(
            bin=index,
            low=HISTOGRAM_EDGES[index],
            high=HISTOGRAM_EDGES[index + 1],
            count=count,
            share=count / total,
            report_bin=f"{BIN_LABELS[index // _PER_BIN]}: {percent(parts[index // _PER_BIN] / total)}",
        )
        for index, count in enumerate(counts)
    )


def score_histogram(
    bars: Sequence[HistogramBar], mean: float | None, thresholds: Thresholds
) -> alt.LayerChart:
    """The score distribution in 20 bars, with the healthy range, the tree's limits and the mean.

    Parameters
    ----------
    bars : sequence of HistogramBar
        From `histogram_bars`.
    mean : float or None
    thresholds : Thresholds

    Returns
    -------
    altair.LayerChart
        With the point selection `SELECTION` on the bars.
    """
    layers = [healthy_band(thresholds), _bars(bars), *_limits(thresholds)]
    if mean is not None:
        layers += _mean_mark(mean)
    return alt.LayerChart(layer=layers).properties(width="container", height=300)


def distribution_chart(statistics: Statistics) -> alt.LayerChart:
    """The report's five bins, as the design document draws them, each with its share."""
    shares = statistics.distribution or dict.fromkeys(BIN_LABELS, 0.0)
    rows = [
        {"label": label, "share": share, "count": statistics.bins[label], "text": percent(share)}
        for label, share in shares.items()
    ]
    top = 1.12 * max(*shares.values(), 0.1)  # room for the text above the highest bar
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("label:N", sort=list(BIN_LABELS), title="Score", axis=alt.Axis(labelAngle=0)),
        y=alt.Y(
            "share:Q",
            title="Share of scores",
            scale=alt.Scale(domain=[0, top]),
            axis=alt.Axis(format="%", tickCount=4),
        ),
        tooltip=[
            alt.Tooltip("label:N", title="Scores"),
            alt.Tooltip("text:N", title="Share"),
            alt.Tooltip("count:Q", title="Count", format=","),
        ],
    )
    bars = base.mark_bar(color=BLUE, width={"band": 0.96})
    labels = base.mark_text(dy=-8, color=GREY, fontSize=12).encode(text=alt.Text("text:N"))
    return alt.LayerChart(layer=[bars, labels]).properties(width="container", height=220)


def topic_chart(topics: Sequence[TopicFigures], thresholds: Thresholds) -> alt.LayerChart:
    """Mean of each topic, in the order given, with one std to each side, its scores and its status.

    Parameters
    ----------
    topics : sequence of TopicFigures
        The worst first; those past `SHOWN_TOPICS` and those without a score are not drawn.
    thresholds : Thresholds
    """
    rows = [_topic_row(topic) for topic in topics if topic.mean is not None][:SHOWN_TOPICS]
    order = [row["topic"] for row in rows]
    base = alt.Chart(_data(rows)).encode(
        y=alt.Y("topic:N", sort=order, title=None, axis=NAMES),
        color=alt.Color("status:N", scale=_status_scale([BLUE, ORANGE, GREY]), legend=None),
        tooltip=[
            alt.Tooltip("topic:N", title="Topic"),
            alt.Tooltip("mean:Q", title="Mean", format=".2f"),
            alt.Tooltip("std:Q", title="Std", format=".2f"),
            alt.Tooltip("count:Q", title="Scores", format=","),
            alt.Tooltip("prompts:Q", title="Prompts", format=","),
            alt.Tooltip("status:N", title="Status"),
        ],
    )
    spread = base.mark_rule(strokeWidth=3, opacity=0.45).encode(x=_score_axis("low:Q"), x2=alt.X2("high:Q"))
    shape = alt.Shape("status:N", scale=_status_scale(["circle", "diamond", "triangle-up"]), legend=None)
    dots = base.mark_point(filled=True, size=110, opacity=1).encode(x=_score_axis("mean:Q"), shape=shape)
    text = base.mark_text(align="left", dx=10, fontSize=12).encode(
        x=_X_VALUE("width"), text=alt.Text("text:N")
    )
    layers = [healthy_band(thresholds), *limit_rules(thresholds), spread, dots, text]
    return alt.LayerChart(layer=layers).properties(
        width="container", height=ROW * max(len(order), 1), autosize=FIT_ROWS
    )


def histogram_alt(statistics: Statistics, thresholds: Thresholds) -> str:
    """The score histogram in one sentence, for screen readers."""
    if statistics.mean is None:
        return "Score histogram: there is no score yet."
    spread = "" if statistics.std is None else f" and std {figure(statistics.std)}"
    low, high = thresholds.healthy_mean_low, thresholds.healthy_mean_high
    return (
        f"Score histogram of {plural(statistics.n, 'score')} with mean {figure(statistics.mean)}{spread}, "
        f"healthy range {figure(low)} to {figure(high)}; {distribution_caption(statistics)}."
    )


def distribution_alt(statistics: Statistics) -> str:
    """The five-bin chart in one sentence, for screen readers."""
    if statistics.n == 0:
        return "Score distribution: there is no score yet."
    return f"Score distribution of {plural(statistics.n, 'score')}: {distribution_caption(statistics)}."


def topics_alt(topics: Sequence[TopicFigures]) -> str:
    """The topic chart in one sentence, for screen readers. Holds topic names as the user gave them."""
    drawn = [topic for topic in topics if topic.mean is not None]
    if not drawn:
        return "Mean score by topic: no topic has a score."
    shown = [
        f"{topic.label} {figure(topic.mean)} ({_STATUS_WORDS[topic.status]})"
        for topic in drawn[:SHOWN_TOPICS]
        if topic.mean is not None
    ]
    return f"Mean score of {plural(len(drawn), 'topic')}, the worst first: {', '.join(shown)}{_rest(drawn)}."


def topics_caption(topics: Sequence[TopicFigures]) -> str:
    """What the topic chart's marks mean, and how many topics it leaves out. Holds no topic names."""
    drawn = [topic for topic in topics if topic.mean is not None]
    meaning = "Mark: mean. Line: one std to each side. n: scores. Shaded: healthy range"
    return f"{meaning}{_rest(drawn)}."


def distribution_caption(statistics: Statistics) -> str:
    """The five bins as text: ``"0.0-0.2: 15 %, 0.2-0.4: 30 %, ..."``; ``"no score"`` if there is none."""
    shares = statistics.distribution
    if shares is None:
        return "no score"
    return ", ".join(f"{label}: {percent(share)}" for label, share in shares.items())


def _rest(drawn: Sequence[TopicFigures]) -> str:
    hidden = len(drawn) - SHOWN_TOPICS
    return f"; {plural(hidden, 'better topic')} not drawn" if hidden > 0 else ""


def _data(rows: Sequence[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=list(rows))


def _score_axis(field: str) -> alt.X:
    scale = alt.Scale(domain=[0, 1], nice=False)
    axis = alt.Axis(values=list(_TICKS), format=".1f", grid=False)
    return alt.X(field, title="Score", scale=scale, axis=axis)


def healthy_band(thresholds: Thresholds) -> alt.Chart:
    """The healthy range, shaded behind a score axis."""
    band = {"low": thresholds.healthy_mean_low, "high": thresholds.healthy_mean_high}
    base = alt.Chart(_data([band])).encode(x=_score_axis("low:Q"), x2=alt.X2("high:Q"))
    band_chart: alt.Chart = base.mark_rect(color=GREY, opacity=0.13, tooltip=None)
    return band_chart


def _bars(bars: Sequence[HistogramBar]) -> alt.Chart:
    rows = [
        {
            **asdict(bar),
            "left": bar.low + _GAP,
            "right": bar.high - _GAP,
            "range": f"{bar.low:.2f} to {bar.high:.2f}",
            "percent": percent(bar.share),
        }
        for bar in bars
    ]
    clicked = alt.selection_point(name=SELECTION, fields=[BIN_FIELD])
    base = alt.Chart(_data(rows)).encode(
        x=_score_axis("left:Q"),
        x2=alt.X2("right:Q"),
        y=alt.Y("count:Q", title="Responses", axis=alt.Axis(tickMinStep=1, tickCount=4, format=",d")),
        y2=alt.Y2Datum(0),  # without it Vega-Lite draws a bar with two x as a line, not from the ground up
        opacity=alt.when(clicked).then(alt.value(1.0)).otherwise(alt.value(0.35)),
        tooltip=[
            alt.Tooltip("range:N", title="Scores"),
            alt.Tooltip("count:Q", title="Responses", format=","),
            alt.Tooltip("percent:N", title="Share"),
            alt.Tooltip("report_bin:N", title="In report bin"),
        ],
    )
    chart: alt.Chart = base.mark_bar(color=BLUE, cursor="pointer").add_params(clicked)
    return chart


def limit_rules(thresholds: Thresholds) -> list[alt.Chart]:
    """The decision tree's limits of the mean, dashed."""
    rows = [{"at": thresholds.mean_low}, {"at": thresholds.mean_high}]
    rules = alt.Chart(_data(rows)).mark_rule(color=ORANGE, strokeDash=[5, 4], strokeWidth=1.5, tooltip=None)
    return [rules.encode(x=_score_axis("at:Q"))]


def _limits(thresholds: Thresholds) -> list[alt.Chart]:
    low, high = thresholds.mean_low, thresholds.mean_high
    below, above = f"NO-GO < {figure(low)}", f"> {figure(high)} NO-GO"
    # Outside the limits, so that two close ones do not meet; inside where there is no room.
    left = ("right", -4) if low >= LABEL_ROOM else ("left", 4)
    right = ("left", 4) if high <= 1 - LABEL_ROOM else ("right", -4)
    room = {("left", "left"): 1, ("right", "right"): 1, ("left", "right"): 2}.get((left[0], right[0]), 0)
    meet = high - low < room * LABEL_ROOM
    return [
        *limit_rules(thresholds),
        _label(low, below, *left, -8, ORANGE),
        _label(high, above, *right, -40 if meet else -8, ORANGE),  # above the mean's own
    ]


def _mean_mark(mean: float) -> list[alt.Chart]:
    rule = alt.Chart(_data([{"at": mean}])).mark_rule(color=GREY, strokeWidth=2.5, tooltip=None)
    side = "left" if mean < 0.15 else "right" if mean > 0.85 else "center"
    return [
        rule.encode(x=_score_axis("at:Q")),
        _label(mean, f"mean {figure(mean)}", side, 0, -24, GREY),
    ]


def _label(at: float, text: str, align: Any, dx: int, dy: int, color: str) -> alt.Chart:
    base = alt.Chart(_data([{"at": at, "text": text}])).encode(
        x=_score_axis("at:Q"), y=_Y_VALUE(0), text=alt.Text("text:N")
    )
    chart: alt.Chart = base.mark_text(
        align=align, baseline="middle", dx=dx, dy=dy, color=color, fontSize=12, tooltip=None
    )
    return chart


def _status_scale(values: list[str]) -> alt.Scale:
    return alt.Scale(domain=list(_STATUS_WORDS.values()), range=values)


def _topic_row(topic: TopicFigures) -> dict[str, Any]:
    mean, std = topic.mean or 0.0, topic.std or 0.0
    status = _STATUS_WORDS[topic.status]
    return {
        "topic": topic.label,
        "mean": mean,
        "std": topic.std,
        "low": max(mean - std, 0.0),
        "high": min(mean + std, 1.0),
        "count": topic.count,
        "prompts": topic.prompts,
        "status": status,
        "text": f"{figure(mean)} · n {topic.count:,} · {status}",
    }
