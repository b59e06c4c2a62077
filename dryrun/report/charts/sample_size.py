"""How the uncertainty of the mean shrinks with prompts and responses."""

from __future__ import annotations

from typing import Any

import altair as alt

from dryrun.analysis.sample_size import GRID_ROLLOUTS, Foresight, Spread, mean_half_width
from dryrun.report.charts.scores import BLUE, GREY, ORANGE

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
