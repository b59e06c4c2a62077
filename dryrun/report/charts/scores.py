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
from dataclasses import dataclass
from typing import Any

import altair as alt

from dryrun.analysis.figures.statistics import BIN_LABELS, HISTOGRAM_EDGES
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

NAMES: dict[str, Any] = {
    "labelLimit": 160,
    "labelOverlap": False,
    "labelFlush": False,
    "labelPadding": 10,
    "ticks": False,
    "domain": False,
}
"""An axis of names: each in the middle of its row, the first and the last too.

Not ``alt.Axis``: Altair would check it while this module is read, and fail where another thread is in the
middle of reading pandas.
"""

ROW = 28
"""Pixels a row takes. A number, not ``alt.Step``: of that every browser would warn beside `FIT_ROWS`."""

FIT_ROWS: dict[str, Any] = {"type": "fit-x", "contains": "padding"}
"""For charts whose height follows from their rows: only the width is fitted."""

HEIGHT = 300
"""Height of the histogram's plot, in pixels."""

HISTOGRAM_WORDS = "Orange: the limits of the mean. Grey area: its healthy range. Line: the mean."
"""What the histogram shows beside the scores."""

LABEL_ROOM = 0.36
"""Half of what the words above the plot take on a phone, of the score axis."""

MEAN_ROOM = 0.1
"""The same for the words beside the mean."""

_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_PER_BIN = (len(HISTOGRAM_EDGES) - 1) // len(BIN_LABELS)
_GAP = 0.003
_BRACKET = -24
"""Height of the bracket above the plot; the mean's own words stand below it."""
_Y_VALUE: Any = alt.YValue  # these have no annotations
_Y2_VALUE: Any = alt.Y2Value

Rows = dict[str, list[dict[str, Any]]]
"""Rows by the name of their data set."""


@dataclass(frozen=True, slots=True)
class HistogramBar:
    """One bar of the histogram.

    Attributes
    ----------
    bin : int
        0 to 19.
    count : int
    share : float
        Of all scores; 0 if there are none.
    report_bin : str
        The report's bin it lies in, with its share: ``"0.2-0.4: 30 %"``.
    """

    bin: int
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
            count=count,
            share=count / total,
            report_bin=f"{BIN_LABELS[index // _PER_BIN]}: {percent(parts[index // _PER_BIN] / total)}",
        )
        for index, count in enumerate(counts)
    )


def score_histogram(
    bars: Sequence[HistogramBar],
    mean: float | None,
    thresholds: Thresholds,
    chosen: tuple[int, ...] = (),
    *,
    clickable: bool = True,
) -> alt.LayerChart:
    """The score distribution in 20 bars, with the healthy range, the tree's limits and the mean.

    What thresholds move stands in data sets with names, never in the chart around them: a browser then moves
    the lines and leaves the chart alone.

    Parameters
    ----------
    bars : sequence of HistogramBar
        From `histogram_bars`.
    mean : float or None
    thresholds : Thresholds
    chosen : tuple of int
        Bars to stand out, by number; empty: all.
    clickable : bool
        Whether a click on a bar leads somewhere.

    Returns
    -------
    altair.LayerChart
        With the point selection `SELECTION` on bars that are clickable.
    """
    layers = [healthy_band(), _clickable(_bars()) if clickable else _bars(), *_bracket()]
    tables = histogram_rows(bars, mean, thresholds, chosen)
    if mean is not None:
        layers += _mean_mark()
    drawn = alt.LayerChart(layer=layers, datasets=tables)
    return drawn.properties(width="container", height=HEIGHT)


def histogram_rows(
    bars: Sequence[HistogramBar], mean: float | None, thresholds: Thresholds, chosen: tuple[int, ...] = ()
) -> Rows:
    """All rows of `score_histogram`, by the name of their data set; arguments as there."""
    tables = limit_rows(thresholds) | {"bars": _bar_rows(bars, chosen)}
    if mean is not None:
        tables["mean"] = [{"mean": mean, **_label_row(mean, f"mean {figure(mean)}", MEAN_ROOM)}]
    return tables


def histogram_alt(bars: Sequence[HistogramBar], mean: float | None, std: float | None) -> str:
    """The score histogram in one sentence, for screen readers.

    It holds nothing that a threshold moves: a browser draws a chart anew when its name changes.
    """
    if mean is None:
        return "Score histogram: there is no score yet."
    spread = "" if std is None else f" and std {figure(std)}"
    shares = ", ".join(dict.fromkeys(bar.report_bin for bar in bars))
    return (
        f"Score histogram of {plural(sum(bar.count for bar in bars), 'score')} with mean "
        f"{figure(mean)}{spread}; {shares}."
    )


def limit_rows(thresholds: Thresholds) -> Rows:
    """The rows that `healthy_band` and `limit_rules` draw, by the name of their data set."""
    low, high = thresholds.mean_low, thresholds.mean_high
    words = f"mean must be over {figure(low)} and under {figure(high)}"
    return {
        "healthy": [{"low": thresholds.healthy_mean_low, "high": thresholds.healthy_mean_high}],
        "limits": [{"at": low}, {"at": high}],
        "bracket": [{"low": low, "high": high, **_label_row((low + high) / 2, words, LABEL_ROOM)}],
    }


def score_axis(field: str) -> alt.X:
    """The axis of scores from 0 to 1."""
    scale = alt.Scale(domain=[0, 1], nice=False)
    axis = alt.Axis(values=list(_TICKS), format=".1f", grid=False)
    return alt.X(field, title="Score", scale=scale, axis=axis)


def healthy_band() -> alt.Chart:
    """The healthy range, shaded behind a score axis."""
    base = alt.Chart(alt.NamedData("healthy")).encode(x=score_axis("low:Q"), x2=alt.X2("high:Q"))
    band: alt.Chart = base.mark_rect(color=GREY, opacity=0.13, tooltip=None)
    return band


def limit_rules() -> alt.Chart:
    """The decision tree's limits of the mean, dashed."""
    rules = alt.Chart(alt.NamedData("limits")).mark_rule(
        color=ORANGE, strokeDash=[5, 4], strokeWidth=1.5, tooltip=None
    )
    drawn: alt.Chart = rules.encode(x=score_axis("at:Q"))
    return drawn


def _bar_rows(bars: Sequence[HistogramBar], chosen: tuple[int, ...]) -> list[dict[str, Any]]:
    return [
        {
            "bin": bar.bin,
            "count": bar.count,
            "about": f"{percent(bar.share)} of all; {bar.report_bin}",
            "shown": 1.0 if bar.bin in chosen or not chosen else 0.35,
        }
        for bar in bars
    ]


def _clickable(bars: alt.Chart) -> alt.Chart:
    clicked = alt.selection_point(name=SELECTION, fields=[BIN_FIELD])
    drawn: alt.Chart = bars.mark_bar(color=BLUE, cursor="pointer").add_params(clicked)
    return drawn


def _bars() -> alt.Chart:
    base = alt.Chart(alt.NamedData("bars")).encode(
        x=score_axis("left:Q"),
        x2=alt.X2("right:Q"),
        y=alt.Y("count:Q", title="Responses", axis=alt.Axis(tickMinStep=1, tickCount=4, format=",d")),
        y2=alt.Y2Datum(0),  # without it Vega-Lite draws a bar with two x as a line, not from the ground up
        opacity=alt.Opacity("shown:Q", scale=None, legend=None),
        tooltip=[
            alt.Tooltip("range:N", title="Scores"),
            alt.Tooltip("count:Q", title="Responses", format=","),
            alt.Tooltip("about:N", title="Share"),
        ],
    )
    width = 1 / (len(HISTOGRAM_EDGES) - 1)
    chart: alt.Chart = base.mark_bar(color=BLUE).transform_calculate(
        left=f"datum.bin * {width} + {_GAP}",
        right=f"(datum.bin + 1) * {width} - {_GAP}",
        range=f"format(datum.bin * {width}, '.2f') + ' to ' + format((datum.bin + 1) * {width}, '.2f')",
    )
    return chart


def _bracket() -> list[alt.Chart]:
    """Where the mean must lie, above the plot: a bracket that ends above the limits."""
    base = alt.Chart(alt.NamedData("bracket"))
    line = base.mark_rule(color=ORANGE, strokeWidth=1.5, tooltip=None)
    across = line.encode(x=score_axis("low:Q"), x2=alt.X2("high:Q"), y=_Y_VALUE(_BRACKET))
    ends = alt.Chart(alt.NamedData("limits")).mark_rule(color=ORANGE, strokeWidth=1.5, tooltip=None)
    ends = ends.encode(x=score_axis("at:Q"), y=_Y_VALUE(_BRACKET), y2=_Y2_VALUE(_BRACKET + 6))
    return [limit_rules(), across, ends, _label(base, _BRACKET - 10, ORANGE)]


def _mean_mark() -> list[alt.Chart]:
    base = alt.Chart(alt.NamedData("mean"))
    rule = base.mark_rule(color=GREY, strokeWidth=2.5, tooltip=None)
    return [rule.encode(x=score_axis("mean:Q")), _label(base, -9, GREY)]


def _label_row(at: float, text: str, room: float) -> dict[str, Any]:
    """A label in the middle of `at`; at the edge, where that is nearer than `room`."""
    if at < room:
        return {"at": 0.0, "side": "left", "text": text}
    if at > 1 - room:
        return {"at": 1.0, "side": "right", "text": text}
    return {"at": at, "side": "center", "text": text}


def _label(base: alt.Chart, height: int, color: str) -> alt.Chart:
    side: Any = alt.ExprRef("datum.side")
    chart: alt.Chart = base.mark_text(
        align=side, baseline="middle", color=color, fontSize=12, tooltip=None
    ).encode(x=score_axis("at:Q"), y=_Y_VALUE(height), text=alt.Text("text:N"))
    return chart
