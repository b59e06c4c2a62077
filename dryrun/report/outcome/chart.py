"""Predicted against actual: trainings by the chance that they were given, and the curve of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from dryrun.analysis.forecast.course import GAINS
from dryrun.core.text import figure, percent
from dryrun.report.charts.intervals import kind_channels
from dryrun.report.charts.scores import BLUE, GREY, ORANGE
from dryrun.report.outcome.ledger import Entry
from dryrun.store.trainings import KeptTraining

LOOKS = (("learned", BLUE, "circle"), ("did not learn", ORANGE, "square"), ("not known", GREY, "diamond"))
"""Kind, colour and shape."""
KINDS = {True: "learned", False: "did not learn", None: "not known"}


def outcome_rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """A row for each training that was given a chance."""
    rows = []
    for entry in entries:
        prediction, course = entry.kept.prediction, entry.kept.course
        if prediction.chance is None:
            continue
        around = course.gain_interval
        rows.append(
            {
                "run": entry.name,
                "verdict": prediction.verdict,
                "chance": prediction.chance,
                "gain": course.gain,
                "low": course.gain if around is None else around.low,
                "high": course.gain if around is None else around.high,
                "kind": KINDS[course.learned],
            }
        )
    return rows


def outcomes_chart(entries: Sequence[Entry]) -> alt.LayerChart:
    """Trainings by chance and gain, with the gain that counts as learning as a line.

    Parameters
    ----------
    entries : sequence of Entry
        Those without a chance are left out.
    """
    hue, sign = kind_channels(LOOKS, alt.Legend(orient="bottom", title=None))
    base = alt.Chart(alt.InlineData(values=outcome_rows(entries))).encode(
        x=alt.X(
            "chance:Q",
            scale=alt.Scale(domain=[0, 1]),
            title="Chance that training learns, said before",
            axis=alt.Axis(format=".0%", tickCount=5),
        ),
        color=hue,
        tooltip=[
            alt.Tooltip("run:N", title="Run"),
            alt.Tooltip("verdict:N", title="Verdict"),
            alt.Tooltip("chance:Q", format=".0%", title="Chance"),
            alt.Tooltip("gain:Q", format="+.2f", title="Gain"),
        ],
    )
    bars = base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q", title="Gain in mean score"), y2="high:Q")
    points = base.mark_point(filled=True, size=110, opacity=1).encode(y="gain:Q", shape=sign)
    line = (
        alt.Chart(alt.InlineData(values=[{"at": GAINS}]))
        .mark_rule(strokeDash=[4, 4], color=GREY, strokeWidth=1.5)
        .encode(y="at:Q")
    )
    return alt.LayerChart(layer=[line, bars, points]).properties(width="container", height=260)


def outcomes_alt(entries: Sequence[Entry]) -> str:
    """The same for screen readers."""
    rows = outcome_rows(entries)
    parts = (f"{percent(row['chance'])} said, gain {row['gain']:+.2f}, {row['kind']}" for row in rows)
    return f"Trainings by chance and gain: {'; '.join(parts)}."


def curve_chart(kept: KeptTraining) -> alt.LayerChart:
    """The mean scores of a training by step, with the run's own mean and its interval behind them."""
    scale = alt.Scale(zero=False, nice=True)
    rows = [{"step": at, "score": score} for at, score in zip(kept.steps, kept.scores, strict=True)]
    line = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(color=BLUE, strokeWidth=2, point=len(rows) < 2)
        .encode(
            x=alt.X("step:Q", title="Step", scale=alt.Scale(nice=False)),
            y=alt.Y("score:Q", title="Mean score", scale=scale),
            tooltip=["step:Q", alt.Tooltip("score:Q", format=".2f")],
        )
    )
    layers = [*_foretold(kept), line, *_validated(kept)]
    return alt.LayerChart(layer=layers).properties(width="container", height=220)


def _validated(kept: KeptTraining) -> list[alt.Chart]:
    """Diamonds: no second line that only a colour tells apart."""
    rows = [{"step": at, "score": score} for at, score in kept.validation]
    points = alt.Chart(alt.InlineData(values=rows)).mark_point(
        shape="diamond", size=80, color=ORANGE, filled=True, opacity=1
    )
    drawn = points.encode(
        x="step:Q", y="score:Q", tooltip=["step:Q", alt.Tooltip("score:Q", format=".2f", title="validation")]
    )
    return [drawn] if rows else []


def _foretold(kept: KeptTraining) -> list[alt.Chart]:
    prediction = kept.prediction
    if prediction.mean is None:
        return []
    low, high = prediction.mean_interval or (prediction.mean, prediction.mean)
    data = alt.Chart(alt.InlineData(values=[{"low": low, "high": high, "mean": prediction.mean}]))
    band = data.mark_rect(color=GREY, opacity=0.25).encode(y="low:Q", y2="high:Q")
    return [band, data.mark_rule(color=GREY, strokeDash=[4, 4], strokeWidth=1.5).encode(y="mean:Q")]


def curve_alt(kept: KeptTraining) -> str:
    """The same for screen readers."""
    course, mean = kept.course, kept.prediction.mean
    foretold = "" if mean is None else f" The run's own mean is {figure(mean)}."
    return (
        f"Mean score by step: {figure(course.start)} at the start, {figure(course.end)} at the end of "
        f"{course.rows:,} rows.{foretold}"
    )
