"""What answers earn that no model wrote: right ones that are paid least, others that are paid most."""

from __future__ import annotations

import altair as alt

from dryrun.analysis.probes.profile import Behaviour
from dryrun.probes.result import GraderCheck, telling
from dryrun.report.charts.scores import BLUE, FIT_ROWS, GREY, NAMES, ORANGE

RIGHT, OTHER = "right answers", "wrong or none"
SHAPES = {RIGHT: "triangle-up", OTHER: "cross"}
COLOURS = {RIGHT: BLUE, OTHER: ORANGE}


def scoreboard(check: GraderCheck, most: int = 8) -> alt.LayerChart:
    """A row for each way to answer, with its 95 % interval; lines for right answers and the base model.

    Parameters
    ----------
    check : GraderCheck
    most : int
        Rows of each kind.
    """
    right, other = telling(check, most)
    rows = [_row(one, RIGHT) for one in right] + [_row(one, OTHER) for one in other]
    kinds = list(SHAPES)
    legend = alt.Legend(orient="bottom", title=None, columns=1)
    colour = alt.Color("side:N", scale=alt.Scale(domain=kinds, range=list(COLOURS.values())), legend=legend)
    shape = alt.Shape("side:N", scale=alt.Scale(domain=kinds, range=list(SHAPES.values())), legend=legend)
    names = [str(row["name"]) for row in rows]
    place = alt.Y("name:N", sort=names, title=None, axis=NAMES)
    axis = alt.Scale(domain=[0, 1], clamp=True)
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=place, color=colour)
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=axis, title="Score", axis=alt.Axis(tickCount=6, format=".1f")),
        x2=alt.X2("high:Q"),
    )
    points = base.mark_point(size=90, filled=True, opacity=1).encode(
        x=alt.X("mean:Q"),
        shape=shape,
        tooltip=[
            alt.Tooltip("name:N", title="Answer"),
            alt.Tooltip("mean:Q", title="Mean", format=".2f"),
            alt.Tooltip("count:Q", title="Graded", format=","),
        ],
    )
    lines = [
        _line(at, words)
        for at, words in ((check.ceiling, "right answers"), (check.base, "base model"))
        if at is not None
    ]
    return alt.LayerChart(layer=[bars, points, *lines], height=22 * len(set(names)), autosize=FIT_ROWS)


def _row(one: Behaviour, side: str) -> dict[str, str | float]:
    return {
        "name": one.kind,
        "side": side,
        "mean": one.mean,
        "low": one.low,
        "high": one.high,
        "count": one.count,
    }


def _line(at: float, words: str) -> alt.Chart:
    data = alt.InlineData(values=[{"at": at, "words": words}])
    chart: alt.Chart = (
        alt.Chart(data)
        .mark_rule(color=GREY, strokeDash=[4, 4], strokeWidth=1.5)
        .encode(x=alt.X("at:Q"), tooltip=[alt.Tooltip("words:N"), alt.Tooltip("at:Q", format=".2f")])
    )
    return chart


def scoreboard_alt(check: GraderCheck, most: int = 8) -> str:
    """The same for screen readers."""
    right, other = telling(check, most)
    told = [f"{one.kind} {one.mean:.2f}" for one in (*right, *other)]
    return f"What answers earn. {', '.join(told)}."
