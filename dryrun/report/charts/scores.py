"""Charts of a run: figures in, Altair charts out.

The data in a chart is counted beforehand, so a chart weighs a few kilobytes whatever the number of
responses. Colours are chosen to read on white and on near-black, and apart for colour-blind eyes;
no meaning hangs on colour alone. Each chart has a sentence for screen readers.

Channels are written as classes, ``text=alt.Text("text:N")`` and not ``text="text:N"``: Altair reads a
bare string through its whole schema, 3 to 6 ms each, and these charts are drawn again at every moved
threshold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt

from dryrun.analysis.figures.statistics import BIN_LABELS, HISTOGRAM_EDGES
from dryrun.analysis.verdict.topics import Standing
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

NAMES = alt.Axis(
    labelLimit=160, labelOverlap=False, labelFlush=False, labelPadding=10, ticks=False, domain=False
)
"""An axis of names: each in the middle of its row, the first and the last too."""

ROW = 28
"""Pixels a row takes. A number, not ``alt.Step``: of that every browser would warn beside `FIT_ROWS`."""

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

Looks = tuple[tuple[str, str, str], ...]
"""Kind, colour and shape: no kind is told by its colour alone."""
Lines = tuple[tuple[str, float], ...]
Strokes = Mapping[Any, tuple[str, Sequence[int]]]
"""Of each kind of line its colour and its dashes."""

TOPIC_LOOKS: Looks = (
    (Standing.CONFIRMED.value, ORANGE, "diamond"),
    (Standing.PROBLEM.value, ORANGE, "diamond"),
    (Standing.WATCH.value, GREY, "square"),
    (Standing.GOOD.value, BLUE, "circle"),
    (Standing.TOO_FEW.value, GREY, "triangle-up"),
)
"""In the order in which topics are drawn."""
NO_TOPIC = "(no topic)"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of an interval chart.

    Attributes
    ----------
    name, kind : str
        The kind is one of the chart's looks.
    mean, low, high : float
        The filled mark, and the ends of its bar; on 0..1.
    own : float or None
        A hollow mark.
    note : str
        Text at the right.
    tips : tuple of (str, str)
        Title and text of each line of the tooltip; every row of a chart has the same titles.
    """

    name: str
    kind: str
    mean: float
    low: float
    high: float
    own: float | None = None
    note: str = ""
    tips: tuple[tuple[str, str], ...] = ()


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


def histogram_bars(counts: Sequence[int]) -> tuple[HistogramBar, ...]:
    """The bars of counted scores.

    Parameters
    ----------
    counts : sequence of int
        Valid scores in each of the 20 bins of `HISTOGRAM_EDGES`.
    """
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


def interval_chart(
    rows: Sequence[Row], looks: Looks, thresholds: Thresholds | None = None, lines: Lines = ()
) -> alt.LayerChart:
    """A mark and a bar for each row, from the top down; a row's own mean hollow, its note at the right.

    Parameters
    ----------
    rows : sequence of Row
    looks : tuple of (str, str, str)
        Of each kind of row: its name, colour and shape.
    thresholds : Thresholds, optional
        Draws the healthy range and the tree's limits behind the rows, and leaves out the legend.
    lines : tuple of (str, float)
        Values to compare with, as dashed lines with their names.
    """
    kinds, hues, shapes = zip(*looks, strict=True)
    names = list(dict.fromkeys(row.name for row in rows))
    legend = None if thresholds else alt.Legend(orient="bottom", title=None, columns=2)
    hue = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=hues), legend=legend)
    sign = alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=shapes), legend=legend)
    base = alt.Chart(_data([_row_data(row) for row in rows])).encode(
        y=alt.Y("name:N", sort=names, title=None, axis=NAMES),
        tooltip=[alt.Tooltip(f"{title}:N") for title in (dict(rows[0].tips) if rows else ())],
    )
    bars = base.mark_rule(strokeWidth=3).encode(x=_score_axis("low:Q"), x2=alt.X2("high:Q"), color=hue)
    marks = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=_score_axis("mean:Q"), color=hue, shape=sign
    )
    own = base.mark_point(filled=False, size=150, opacity=1, color=GREY).encode(x=_score_axis("own:Q"))
    notes = base.mark_text(align="left", dx=10, fontSize=12, color=GREY)
    notes = notes.encode(x=_X_VALUE("width"), text=alt.Text("note:N"))
    layers = [
        *((healthy_band(thresholds), *limit_rules(thresholds)) if thresholds else ()),
        bars,
        *([own] if any(row.own is not None for row in rows) else ()),
        marks,
        *([notes] if any(row.note for row in rows) else ()),
        *(_named_line(at, words) for words, at in lines),
    ]
    return alt.LayerChart(layer=layers).properties(
        width="container", height=ROW * max(len(names), 1), autosize=FIT_ROWS
    )


def line_chart(
    lines: alt.Chart, x: alt.X, y: alt.Y, kind: str, looks: Strokes, title: str | None = None
) -> alt.Chart:
    """A line for each kind of row, told apart by colour and dashes; its tooltip is for the caller to add."""
    domain = list(looks)
    hues, dashes = zip(*looks.values(), strict=True)
    legend = alt.Legend(orient="bottom", title=title)
    drawn: alt.Chart = lines.encode(
        x=x,
        y=y,
        color=alt.Color(kind, scale=alt.Scale(domain=domain, range=hues), legend=legend),
        strokeDash=alt.StrokeDash(kind, scale=alt.Scale(domain=domain, range=dashes), legend=legend),
    )
    return drawn


def interval_alt(about: str, rows: Sequence[Row]) -> str:
    """The chart in one sentence, for screen readers. Holds names as the user gave them."""
    return f"{about}: {', '.join(f'{row.name} {row.mean:.2f}' for row in rows)}."


def histogram_alt(
    bars: Sequence[HistogramBar], mean: float | None, std: float | None, thresholds: Thresholds
) -> str:
    """The score histogram in one sentence, for screen readers."""
    if mean is None:
        return "Score histogram: there is no score yet."
    spread = "" if std is None else f" and std {figure(std)}"
    low, high = thresholds.healthy_mean_low, thresholds.healthy_mean_high
    shares = ", ".join(dict.fromkeys(bar.report_bin for bar in bars))
    return (
        f"Score histogram of {plural(sum(bar.count for bar in bars), 'score')} with mean "
        f"{figure(mean)}{spread}, healthy range {figure(low)} to {figure(high)}; {shares}."
    )


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


def _row_data(row: Row) -> dict[str, Any]:
    shown = {"name": row.name, "kind": row.kind, "mean": row.mean, "low": row.low, "high": row.high}
    # A column of nothing but None has no type on its way to the browser.
    own = row.mean if row.own is None else row.own
    return {**shown, "own": own, "note": row.note, **dict(row.tips)}


def _named_line(at: float, words: str) -> alt.Chart:
    rule = alt.Chart(_data([{"at": at, "words": words}]))
    chart: alt.Chart = rule.mark_rule(color=GREY, strokeDash=[4, 4], strokeWidth=1.5).encode(
        x=_score_axis("at:Q"), tooltip=[alt.Tooltip("words:N"), alt.Tooltip("at:Q", format=".2f")]
    )
    return chart
