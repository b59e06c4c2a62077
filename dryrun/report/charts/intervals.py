"""Charts with a row for each name, a mark and a bar around it; and what probes earn, drawn as such rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from dryrun.analysis.probes.profile import Behaviour
from dryrun.core.text import figure
from dryrun.core.thresholds import Thresholds
from dryrun.probes.result import GraderCheck, telling
from dryrun.report.charts.scores import (
    BLUE,
    FIT_ROWS,
    GREY,
    NAMES,
    ORANGE,
    healthy_band,
    limit_rows,
    score_axis,
)

Looks = tuple[tuple[str, str, str], ...]
"""Kind, colour and shape: no kind is told by its colour alone."""
Lines = tuple[tuple[str, float], ...]

HIGH_ROW = 42
"""Pixels of a row with its name above the mark: beside it, a name would leave a phone no plot."""
ABOVE, BELOW = -11, 7
"""Pixels from the middle of a row to its words and to its mark."""
LIMIT = 22
"""Height of the piece of a limit's line that each row has: it leaves the words free."""
NAMES_ABOVE = NAMES | {"labelAlign": "left", "labelPadding": 0, "labelOffset": ABOVE, "labelLimit": 260}
EDGE = 0.2
"""Nearer to an end of the axis a line's name stands beside the line and not across it."""
_X_VALUE: Any = alt.XValue  # these have no annotations
_Y_VALUE: Any = alt.YValue


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


def interval_chart(
    rows: Sequence[Row], looks: Looks, thresholds: Thresholds | None = None, lines: Lines = ()
) -> alt.LayerChart:
    """A mark and a bar for each row, from the top down, under its name; a row's own mean hollow.

    Parameters
    ----------
    rows : sequence of Row
    looks : tuple of (str, str, str)
        Of each kind of row: its name, colour and shape.
    thresholds : Thresholds, optional
        Draws the healthy range and the tree's limits behind the rows, and leaves out the legend.
    lines : tuple of (str, float)
        Values to compare with, as dashed lines with their names above the plot.
    """
    names = dict.fromkeys(row.name for row in rows)
    marks = _marks(rows, looks, with_legend=thresholds is None)
    behind = [healthy_band(), _limits()] if thresholds else []
    tables = {"rows": [_row_data(place, row) for place, row in enumerate(rows)]}
    if thresholds:
        drawn = limit_rows(thresholds)
        limits = [
            {"name": name, "place": at, **limit} for at, name in enumerate(names) for limit in drawn["limits"]
        ]
        tables |= {"healthy": drawn["healthy"], "limits": limits}
    named = (layer for place, (words, at) in enumerate(lines) for layer in _named_line(at, words, place))
    layers = [*behind, *marks, *named]
    return alt.LayerChart(layer=layers, datasets=tables).properties(
        width="container", height=HIGH_ROW * max(len(names), 1), autosize=FIT_ROWS
    )


def _marks(rows: Sequence[Row], looks: Looks, *, with_legend: bool) -> list[alt.Chart]:
    legend = alt.Legend(orient="bottom", title=None, columns=2) if with_legend else None
    hue, sign = kind_channels(looks, legend)
    base = alt.Chart(alt.NamedData("rows")).encode(
        y=_row_axis(), tooltip=[alt.Tooltip(f"{title}:N") for title in (dict(rows[0].tips) if rows else ())]
    )
    bars = base.mark_rule(strokeWidth=3, yOffset=BELOW).encode(
        x=score_axis("low:Q"), x2=alt.X2("high:Q"), color=hue
    )
    marks = base.mark_point(filled=True, size=90, opacity=1, yOffset=BELOW).encode(
        x=score_axis("mean:Q"), color=hue, shape=sign
    )
    own = base.mark_point(filled=False, size=150, opacity=1, color=GREY, yOffset=BELOW)
    notes = base.mark_text(align="right", dy=ABOVE, fontSize=12, color=GREY)
    return [
        bars,
        *([own.encode(x=score_axis("own:Q"))] if any(row.own is not None for row in rows) else ()),
        marks,
        *(
            [notes.encode(x=_X_VALUE("width"), text=alt.Text("note:N"))]
            if any(row.note for row in rows)
            else ()
        ),
    ]


def kind_channels(looks: Looks, legend: alt.Legend | None) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape by a row's ``kind``."""
    kinds, hues, shapes = zip(*looks, strict=True)
    hue = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=hues), legend=legend)
    return hue, alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=shapes), legend=legend)


def _row_axis() -> alt.Y:
    # By a field and not by a list of names: a new order is new data, and the chart stays.
    order = alt.EncodingSortField(field="place", op="min")
    return alt.Y("name:N", sort=order, title=None, axis=NAMES_ABOVE)


def _limits() -> alt.Chart:
    """The decision tree's limits of the mean, in each row beside its mark."""
    ticks = alt.Chart(alt.NamedData("limits")).mark_tick(
        orient="vertical", color=ORANGE, thickness=1.5, size=LIMIT, opacity=1, yOffset=BELOW + 2, tooltip=None
    )
    drawn: alt.Chart = ticks.encode(x=score_axis("at:Q"), y=_row_axis())
    return drawn


def interval_alt(about: str, rows: Sequence[Row]) -> str:
    """The chart in one sentence, for screen readers. Holds names as the user gave them."""
    return f"{about}: {', '.join(f'{row.name} {row.mean:.2f}' for row in rows)}."


def _row_data(place: int, row: Row) -> dict[str, Any]:
    shown = {"place": place, "name": row.name, "kind": row.kind}
    # A column of nothing but None has no type on its way to the browser.
    own = row.mean if row.own is None else row.own
    figures = {"mean": row.mean, "low": row.low, "high": row.high, "own": own}
    return {**shown, **figures, "note": row.note, **dict(row.tips)}


def _named_line(at: float, words: str, place: int) -> tuple[alt.Chart, alt.Chart]:
    """A line with its name above the plot, each name in a line of text of its own."""
    base = alt.Chart(alt.InlineData(values=[{"at": at, "words": f"{words} {figure(at)}"}])).encode(
        x=score_axis("at:Q")
    )
    side: Any = "left" if at < EDGE else "right" if at > 1 - EDGE else "center"
    rule = base.mark_rule(color=GREY, strokeDash=[4, 4], strokeWidth=1.5)
    name = base.mark_text(color=GREY, fontSize=12, align=side, dy=-8 - 15 * place, baseline="bottom")
    return rule, name.encode(y=_Y_VALUE(0), text=alt.Text("words:N"))


RIGHT, OTHER = "right answers", "wrong or none"
LOOKS: Looks = ((RIGHT, BLUE, "triangle-up"), (OTHER, ORANGE, "cross"))
MOST = 8
"""Rows of each kind."""


def scoreboard(check: GraderCheck) -> alt.LayerChart:
    """A row for each way to answer, with its 95 % interval; lines for right answers and the base model."""
    lines = ((RIGHT, check.ceiling), ("base model", check.base))
    return interval_chart(
        _rows(check), LOOKS, lines=tuple((words, at) for words, at in lines if at is not None)
    )


def scoreboard_alt(check: GraderCheck) -> str:
    """The same for screen readers."""
    return interval_alt("What answers earn", _rows(check))


def _rows(check: GraderCheck) -> list[Row]:
    right, other = telling(check, MOST)
    return [_row(behaviour, RIGHT) for behaviour in right] + [_row(behaviour, OTHER) for behaviour in other]


def _row(behaviour: Behaviour, side: str) -> Row:
    tips = (("Answer", behaviour.kind), ("Mean", figure(behaviour.mean)), ("Graded", f"{behaviour.count:,}"))
    return Row(behaviour.kind, side, behaviour.mean, behaviour.low, behaviour.high, tips=tips)
