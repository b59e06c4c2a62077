"""Two runs in one picture: how prompts moved, and both score distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from dryrun.analysis.figures.statistics import Scores, valid_scores
from dryrun.report.charts.scores import BLUE, GREY, ORANGE, line_chart

FIRST, SECOND = "first", "second"
STEPS = 100
"""Points of a curve, evenly spaced from 0 to 1."""
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
        x=alt.X("low:Q", scale=alt.Scale(domain=[-1.05, 1.05]), title="Second less first, per prompt"),
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


def ecdf_rows(scores: Scores, run: str) -> list[dict[str, Any]]:
    """Share of valid scores at or below each of 101 values."""
    ordered = np.sort(np.round(valid_scores(scores), 9))
    at = np.round(np.linspace(0.0, 1.0, STEPS + 1), 9)
    share = np.searchsorted(ordered, at, side="right") / max(ordered.size, 1)
    return [
        {"score": float(value), "share": float(part), "run": run}
        for value, part in zip(at, share, strict=True)
    ]


def ecdf_chart(first: Scores, second: Scores) -> alt.LayerChart:
    """Both distributions: the lower curve is the run with higher scores. Told apart by dashes, too."""
    rows = ecdf_rows(first, FIRST) + ecdf_rows(second, SECOND)
    lines = line_chart(
        alt.Chart(alt.InlineData(values=rows)).mark_line(interpolate="step-after", strokeWidth=2),
        alt.X("score:Q", scale=alt.Scale(domain=[0, 1]), title="Score"),
        alt.Y("share:Q", scale=alt.Scale(domain=[0, 1]), title="Share of scores"),
        "run:N",
        {FIRST: (GREY, (5, 3)), SECOND: (BLUE, (1, 0))},
    ).encode(tooltip=["run:N", alt.Tooltip("score:Q", format=".2f"), alt.Tooltip("share:Q", format=".0%")])
    return alt.LayerChart(layer=[lines]).properties(width="container", height=300)


def ecdf_alt(first: Scores, second: Scores) -> str:
    """The same for screen readers."""
    parts = []
    for name, scores in ((FIRST, first), (SECOND, second)):
        valid = valid_scores(scores)
        if valid.size:
            low, middle, high = np.quantile(valid, [0.1, 0.5, 0.9])
            parts.append(f"{name} run p10 {low:.2f}, median {middle:.2f}, p90 {high:.2f}")
    return f"Distributions of the scores: {'; '.join(parts)}."
