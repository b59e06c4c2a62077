"""Charts of the evidence: groups as a strip of cells, and where right and worthless answers lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.figures.groups import Groups, StripColumn
from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.figures.statistics import Scores
from dryrun.core.text import figure, plural
from dryrun.report.charts.intervals import Looks, Row
from dryrun.report.charts.scores import BLUE, FIT_ROWS, GREY, ORANGE
from dryrun.report.figures import AnchorFigures, GroupFigures
from dryrun.report.outline import group_words

MODEL_NAME = "base model"
RIGHT, MODEL, WORTHLESS = "right answers", "the model", "worthless answers"
ANCHOR_LOOKS: Looks = (
    (RIGHT, BLUE, "triangle-up"),
    (MODEL, GREY, "circle"),
    (WORTHLESS, ORANGE, "cross"),
)


def strip_chart(columns: Sequence[StripColumn]) -> alt.LayerChart:
    """Prompts from the lowest mean to the highest; a prompt's scores from the lowest up.

    Parameters
    ----------
    columns : sequence of StripColumn
        A few hundred cells, whatever the size of the run.
    """
    levels = max(len(column.cells) for column in columns)
    across = alt.Axis(labels=False, ticks=False, grid=False, domain=False)
    scale = alt.Scale(domain=[0, len(columns)], nice=False)
    place = {
        "x": alt.X("left:Q", title="Prompts, from the lowest mean to the highest", scale=scale, axis=across),
        "x2": alt.X2("right:Q"),
        "y": alt.Y("low:Q", title="Responses", scale=alt.Scale(domain=[-1, levels], nice=False), axis=across),
        "y2": alt.Y2("high:Q"),
    }
    dead = alt.Tooltip("dead:Q", title="With equal scores", format=".0%")
    tips = [
        alt.Tooltip("prompts:Q", title="Prompts", format=","),
        alt.Tooltip("mean:Q", title="Mean", format=".2f"),
        alt.Tooltip("score:Q", title="Score here", format=".2f"),
        dead,
    ]
    cells = alt.Chart(alt.NamedData("cells")).mark_rect(stroke=GREY, strokeWidth=0.3)
    marks = alt.Chart(alt.NamedData("dead")).mark_rect(color=ORANGE)
    layers = [
        cells.encode(**place, color=_score_colour(), tooltip=tips),
        marks.encode(**place, tooltip=[dead]),
    ]
    tables = {"cells": _cells(columns), "dead": _dead(columns)}
    return alt.LayerChart(layer=layers, datasets=tables).properties(
        width="container", height=min(26 * (levels + 1), 200), autosize=FIT_ROWS
    )


def _cells(columns: Sequence[StripColumn]) -> list[dict[str, Any]]:
    return [
        {
            "left": number,
            "right": number + 1,
            "low": level,
            "high": level + 1,
            "score": cell,
            "prompts": column.prompts,
            "mean": column.mean,
            "dead": column.dead,
        }
        for number, column in enumerate(columns)
        for level, cell in enumerate(column.cells)
    ]


def _dead(columns: Sequence[StripColumn]) -> list[dict[str, Any]]:
    """Below each column, the share of its prompts whose scores are all equal."""
    top = -0.15
    return [
        {"left": at, "right": at + 1, "low": top, "high": top - 0.8 * column.dead, "dead": column.dead}
        for at, column in enumerate(columns)
        if column.dead > 0
    ]


def _score_colour() -> alt.Color:
    legend = alt.Legend(
        orient="bottom",
        direction="horizontal",
        titleOrient="left",
        gradientLength=120,
        gradientThickness=8,
    )
    scale = alt.Scale(domain=[0, 1], range=["#d6dde5", BLUE, "#0b2f55"])
    return alt.Color("score:Q", title="Score", scale=scale, legend=legend)


def strip_caption(groups: Groups | GroupFigures) -> str:
    """What the strip says about training: ``"62 % of groups of 8 would carry signal (54-70 %)."``."""
    return f"{group_words(groups)} Orange below: prompts whose scores are all equal."


def strip_alt(columns: Sequence[StripColumn], groups: Groups | GroupFigures) -> str:
    """The strip for screen readers."""
    prompts = sum(column.prompts for column in columns)
    return f"{plural(prompts, 'prompt')} sorted by mean, each with its scores. {strip_caption(groups)}"


def anchor_rows(anchors: Anchors, mean: float | None, held: Interval | None) -> tuple[Row, ...]:
    """What was graded beside the responses: right answers, the model, worthless answers.

    Parameters
    ----------
    anchors : Anchors
    mean : float or None
        Of the run's scores.
    held : Interval or None
        95 % interval of that mean.
    """
    right = (("reference answers", anchors.reference), ("the same, reformatted", anchors.reformatted))
    return _ordered(
        [_measured(name, RIGHT, scores) for name, scores in right if scores is not None],
        _anchor(MODEL_NAME, MODEL, mean, held),
        [_measured(name, WORTHLESS, scores) for name, scores in anchors.junk.items()],
    )


def stored_anchor_rows(at: AnchorFigures, mean: float | None, held: Interval | None) -> tuple[Row, ...]:
    """The same from a report, which holds the means."""
    right = "stronger model (best tenth)" if at.from_stronger_model else "reference answers"
    return _ordered(
        [_anchor(right, RIGHT, at.reference), _anchor("the same, reformatted", RIGHT, at.reformatted)],
        _anchor(MODEL_NAME, MODEL, mean, held),
        [_anchor(name, WORTHLESS, value) for name, value in at.junk_kinds.items()],
    )


def _ordered(right: list[Row | None], model: Row | None, worthless: list[Row | None]) -> tuple[Row, ...]:
    falling = sorted((row for row in worthless if row), key=lambda row: -row.mean)
    return tuple(row for row in (*right, model, *falling) if row)


def _measured(name: str, kind: str, scores: Scores) -> Row | None:
    valid = scores[np.isfinite(scores)]
    if not valid.size:
        return None
    mean = float(valid.mean())
    half = 1.96 * float(valid.std(ddof=1)) / float(np.sqrt(valid.size)) if valid.size > 1 else 0.0
    return _anchor(name, kind, mean, Interval(max(mean - half, 0.0), min(mean + half, 1.0)))


def _anchor(name: str, kind: str, mean: float | None, span: Interval | None = None) -> Row | None:
    if mean is None:
        return None
    low, high = span or (mean, mean)
    shown = name.replace("_", " ")
    tips = (("Answer", shown), ("Mean", figure(mean)))
    return Row(shown, kind, mean, low, high, note=figure(mean), tips=tips)
