"""Two runs in one picture: how prompts moved, and both score distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES, Scores, bin_counts, valid_scores
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.scores import BLUE, GREY, ORANGE, healthy_band, limit_rows, limit_rules, score_axis

FIRST, SECOND = "first", "second"
RUN_WORDS = {FIRST: "first, filled", SECOND: "second, outlined"}
"""How each run is drawn, beside its colour."""
GAP = 0.003
"""Between two bars."""
SIDES = (("lower", ORANGE), ("the same", GREY), ("higher", BLUE))


def difference_rows(counts: Sequence[int]) -> list[dict[str, Any]]:
    """The 21 bars of `analysis.figures.comparison.difference_counts`, each with its edges and its side."""
    return [
        {
            "low": (2 * number - 21) / 20,
            "high": (2 * number - 19) / 20,
            "change": (number - 10) / 10,
            "prompts": count,
            "none": 0,
            "side": SIDES[(number > 10) - (number < 10) + 1][0],
        }
        for number, count in enumerate(counts)
    ]


def difference_chart(counts: Sequence[int], mean: float) -> alt.LayerChart:
    """Prompts by how much their mean score changed; place left and right of 0 tells what colour does.

    Parameters
    ----------
    counts : sequence of int
        Prompts in each of 21 bars from -1 to 1.
    mean : float
        The difference of the means, as a line.
    """
    bars = alt.Chart(alt.InlineData(values=difference_rows(counts)))
    colour = alt.Color(
        "side:N",
        scale=alt.Scale(domain=[name for name, _ in SIDES], range=[hue for _, hue in SIDES]),
        legend=alt.Legend(orient="bottom", title=None),
    )
    drawn = bars.mark_bar(binSpacing=1).encode(
        x=alt.X(
            "low:Q",
            scale=alt.Scale(domain=[-1.05, 1.05], nice=False),
            title="Change of a prompt's mean, second minus first",
        ),
        x2="high:Q",
        y=alt.Y("prompts:Q", title="Prompts", scale=alt.Scale(zero=True)),
        y2="none:Q",
        color=colour,
        tooltip=[alt.Tooltip("change:Q", format="+.1f", title="change"), "prompts:Q"],
    )
    rule = (
        alt.Chart(alt.InlineData(values=[{"mean": mean}]))
        .mark_rule(strokeDash=[4, 3], strokeWidth=2, color=GREY)
        .encode(x="mean:Q", tooltip=[alt.Tooltip("mean:Q", format="+.3f", title="mean")])
    )
    return alt.LayerChart(layer=[drawn, rule]).properties(width="container", height=300)


def difference_alt(counts: Sequence[int]) -> str:
    """The same for screen readers."""
    lower, same, higher = sum(counts[:10]), counts[10], sum(counts[11:])
    return (
        f"Prompts by change: {lower:,} score lower, {same:,} about the same, {higher:,} higher in the second."
    )


def overlaid_chart(first: Scores, second: Scores, thresholds: Thresholds) -> alt.LayerChart:
    """Both distributions in the histogram's bars: the first run filled, the second one outlined.

    Parameters
    ----------
    first, second : float64 arrays
        Scores on 0..1; others are left out.
    thresholds : Thresholds
        Their healthy range and limits stand behind the bars.
    """
    data = limit_rows(thresholds) | {
        name: overlaid_rows(scores, name) for name, scores in ((FIRST, first), (SECOND, second))
    }
    filled = _overlaid(FIRST).mark_bar(opacity=0.55)
    outlined = _overlaid(SECOND).mark_bar(fillOpacity=0.15, stroke=BLUE, strokeWidth=2.5)
    layers = [healthy_band(), limit_rules(), filled, outlined]
    return alt.LayerChart(layer=layers, datasets=data).properties(width="container", height=300)


def overlaid_rows(scores: Scores, run: str) -> list[dict[str, Any]]:
    """A row for each of the histogram's 20 bars, with the share of the run's scores in it."""
    counts = bin_counts(valid_scores(scores), HISTOGRAM_EDGES)
    total = max(int(sum(counts)), 1)
    return [
        {
            "left": low + GAP,
            "right": high - GAP,
            "scores": f"{low:.2f} to {high:.2f}",
            "count": int(count),
            "share": int(count) / total,
            "run": RUN_WORDS[run],
        }
        for low, high, count in zip(HISTOGRAM_EDGES, HISTOGRAM_EDGES[1:], counts, strict=False)
    ]


def overlaid_alt(first: Scores, second: Scores) -> str:
    """The same for screen readers."""
    parts = []
    for name, scores in ((FIRST, first), (SECOND, second)):
        valid = valid_scores(scores)
        if valid.size:
            low, middle, high = np.quantile(valid, [0.1, 0.5, 0.9])
            parts.append(f"{name} run p10 {low:.2f}, median {middle:.2f}, p90 {high:.2f}")
    return f"Distributions of the scores: {'; '.join(parts)}."


def _overlaid(name: str) -> alt.Chart:
    base = alt.Chart(alt.NamedData(name)).encode(
        x=score_axis("left:Q"),
        x2=alt.X2("right:Q"),
        y=alt.Y("share:Q", title="Share of scores", axis=alt.Axis(format=".0%", tickCount=4)),
        y2=alt.Y2Datum(0),
        color=_run_colour(),
        tooltip=[
            alt.Tooltip("run:N", title="Run"),
            alt.Tooltip("scores:N", title="Scores"),
            alt.Tooltip("share:Q", title="Share", format=".1%"),
            alt.Tooltip("count:Q", title="Responses", format=","),
        ],
    )
    drawn: alt.Chart = base.transform_filter("datum.count > 0")
    return drawn


def _run_colour() -> alt.Color:
    scale = alt.Scale(domain=list(RUN_WORDS.values()), range=[GREY, BLUE])
    return alt.Color("run:N", scale=scale, legend=alt.Legend(orient="bottom", title=None))
