"""The anchor ruler: where junk, the model and right answers land on the grader's scale, in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.verdict.stability import Stability
from dryrun.report.charts.scores import BLUE, FIT_ROWS, GREY, NAMES, ORANGE

RIGHT, MODEL, JUNK = "right answers", "the model", "junk"
SHAPES = {RIGHT: "triangle-up", MODEL: "circle", JUNK: "cross"}
COLOURS = {RIGHT: BLUE, MODEL: GREY, JUNK: ORANGE}


@dataclass(frozen=True, slots=True)
class Mark:
    """One row of the ruler: a mean score, with its 95 % interval where there is one."""

    name: str
    kind: str
    mean: float
    low: float
    high: float


def marks(anchors: Anchors, mean: float | None, held: Stability | None) -> list[Mark]:
    """Right answers first, then the model, then junk by what it earns."""
    found = []
    for name, scores in (
        ("reference answers", anchors.reference),
        ("the same, reformatted", anchors.reformatted),
    ):
        if scores is not None and np.isfinite(scores).any():
            found.append(_mark(name, RIGHT, scores))
    if mean is not None:
        low, high = (held.mean.low, held.mean.high) if held else (mean, mean)
        found.append(Mark("base model", MODEL, mean, low, high))
    junk = [_mark(name, JUNK, scores) for name, scores in anchors.junk.items() if np.isfinite(scores).any()]
    return found + sorted(junk, key=lambda mark: -mark.mean)


def _mark(name: str, kind: str, scores: np.ndarray) -> Mark:
    valid = scores[np.isfinite(scores)]
    mean = float(valid.mean())
    half = 1.96 * float(valid.std(ddof=1)) / float(np.sqrt(valid.size)) if valid.size > 1 else 0.0
    return Mark(name, kind, mean, max(mean - half, 0.0), min(mean + half, 1.0))


def anchor_ruler(rows: Sequence[Mark]) -> alt.LayerChart:
    """The chart; shape and place tell the kinds apart as well as colour does."""
    data = alt.InlineData(
        values=[
            {"name": row.name, "kind": row.kind, "mean": row.mean, "low": row.low, "high": row.high}
            for row in rows
        ]
    )
    order = [row.name for row in rows]
    kinds = list(SHAPES)
    hues, signs = list(COLOURS.values()), list(SHAPES.values())
    legend = alt.Legend(orient="bottom", title=None)
    colour = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=hues), legend=legend)
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=signs), legend=legend)
    row = alt.Y("name:N", sort=order, title=None, axis=NAMES)
    base = alt.Chart(data)
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=alt.Scale(domain=[0, 1]), title="Score"),
        x2=alt.X2("high:Q"),
        y=row,
        color=colour,
    )
    points = base.mark_point(size=90, filled=True, opacity=1).encode(
        x=alt.X("mean:Q"),
        y=row,
        color=colour,
        shape=shape,
        tooltip=[alt.Tooltip("name:N", title="Answer"), alt.Tooltip("mean:Q", title="Mean", format=".2f")],
    )
    return alt.LayerChart(layer=[bars, points], height=22 * len(order), autosize=FIT_ROWS)


def ruler_alt(rows: Sequence[Mark]) -> str:
    """The same for screen readers."""
    return "Mean scores: " + ", ".join(f"{row.name} {row.mean:.2f}" for row in rows) + "."
