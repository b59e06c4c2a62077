"""How well the mean is known: while a run is measured, and by the size of the sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt

from dryrun.analysis.sample_size import GRID_ROLLOUTS, Foresight, Spread, mean_half_width
from dryrun.core.text import figure
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.scores import BLUE, GREY, HEIGHT, ORANGE, Rows

_X_VALUE: Any = alt.XValue  # has no annotations


@dataclass(frozen=True, slots=True)
class RunningMean:
    """The mean at one moment.

    Attributes
    ----------
    scores : int
        Responses with a score by then.
    mean, low, high : float
        With its 95 % interval, on 0..1.
    """

    scores: int
    mean: float
    low: float
    high: float


def running_chart(total: int) -> alt.LayerChart:
    """The running mean of a run of `total` responses; its rows are the data sets of `running_rows`."""
    x = alt.X(
        "scores:Q",
        title="Responses with a score",
        scale=alt.Scale(domain=[0, max(total, 1)], nice=False),
        axis=alt.Axis(format=",d", grid=False, tickCount=5, tickMinStep=1),
    )
    scale, axis = alt.Scale(domain=[0, 1], nice=False), alt.Axis(format=".1f", grid=False, tickCount=6)
    base = alt.Chart(alt.NamedData("readings")).encode(x=x)
    y = alt.Y("low:Q", title="Mean score", scale=scale, axis=axis)
    about = [
        alt.Tooltip("scores:Q", title="Responses", format=","),
        alt.Tooltip("mean:Q", title="Mean", format=".3f"),
        alt.Tooltip("low:Q", title="95 % from", format=".3f"),
        alt.Tooltip("high:Q", title="to", format=".3f"),
    ]
    band = base.mark_area(color=BLUE, opacity=0.25, tooltip=None).encode(y=y, y2=alt.Y2("high:Q"))
    line = base.mark_line(color=BLUE, strokeWidth=2.5, tooltip=None).encode(y=alt.Y("mean:Q", scale=scale))
    dots = base.mark_point(size=120, opacity=0, filled=True).encode(
        y=alt.Y("mean:Q", scale=scale), tooltip=about
    )
    return alt.LayerChart(layer=[*_limits(), band, line, dots]).properties(width="container", height=HEIGHT)


def running_rows(readings: Sequence[RunningMean], thresholds: Thresholds) -> Rows:
    """The rows of the chart, by the name of their data set."""
    low, high = thresholds.mean_low, thresholds.mean_high
    return {
        "readings": [asdict(reading) for reading in readings],
        "limits": [
            {"at": low, "text": f"mean must be over {figure(low)}", "side": "top"},
            {"at": high, "text": f"and under {figure(high)}", "side": "bottom"},
        ],
    }


RUNNING_ALT = (
    "The running mean of the scores with its 95 % interval between the limits of the mean; "
    "the newest figures stand in the sentence above."
)
"""The chart for screen readers. Constant: a browser draws a chart anew when its name changes."""


def _limits() -> list[alt.Chart]:
    base = alt.Chart(alt.NamedData("limits")).encode(y=alt.Y("at:Q"))
    rules = base.mark_rule(color=ORANGE, strokeDash=[5, 4], strokeWidth=1.5, tooltip=None)
    words = base.mark_text(
        align="right",
        baseline=alt.ExprRef("datum.side"),
        color=ORANGE,
        fontSize=12,
        dx=-4,
        dy=alt.ExprRef("datum.side == 'top' ? 4 : -4"),
        tooltip=None,
    ).encode(x=_X_VALUE("width"), text=alt.Text("text:N"))
    return [rules, words]


STEPS = (50, 75, 100, 150, 200, 250, 300, 400, 500, 650, 800, 1000)
STROKES: dict[int, tuple[str, tuple[int, int]]] = {
    1: (GREY, (1, 2)),
    2: (ORANGE, (4, 3)),
    4: (BLUE, (1, 0)),
    8: (GREY, (8, 3)),
}


def plan_rows(spread: Spread) -> list[dict[str, Any]]:
    """Half width of the mean's interval for each number of prompts and responses."""
    return [
        {"prompts": prompts, "responses": rollouts, "width": mean_half_width(prompts, rollouts, spread)}
        for rollouts in GRID_ROLLOUTS
        for prompts in STEPS
    ]


def plan_chart(spread: Spread, here: Foresight) -> alt.LayerChart:
    """A line for each number of responses, told apart by dashes too; the chosen sample as a point."""
    kinds, (hues, dashes) = list(STROKES), zip(*STROKES.values(), strict=True)
    legend = alt.Legend(orient="bottom", title="Responses per prompt")
    lines = (
        alt.Chart(alt.InlineData(values=plan_rows(spread)))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("prompts:Q", title="Prompts"),
            y=alt.Y("width:Q", title="Mean known to ±", scale=alt.Scale(zero=True)),
            color=alt.Color("responses:O", scale=alt.Scale(domain=kinds, range=hues), legend=legend),
            strokeDash=alt.StrokeDash(
                "responses:O", scale=alt.Scale(domain=kinds, range=dashes), legend=legend
            ),
            tooltip=["prompts:Q", "responses:O", alt.Tooltip("width:Q", format=".3f")],
        )
    )
    point = (
        alt.Chart(alt.InlineData(values=[{"prompts": min(here.prompts, STEPS[-1]), "width": here.mean}]))
        .mark_point(size=140, filled=True, color=ORANGE, shape="diamond", opacity=1)
        .encode(x="prompts:Q", y="width:Q", tooltip=[alt.Tooltip("width:Q", format=".3f")])
    )
    return alt.LayerChart(layer=[lines, point]).properties(width="container", height=260)


def plan_alt(here: Foresight) -> str:
    """The same for screen readers."""
    return (
        f"Half width of the mean's interval by prompts and responses; {here.prompts:,} prompts with "
        f"{here.rollouts} responses each: ±{here.mean:.3f}."
    )
