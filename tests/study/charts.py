"""The pictures of docs/evidence.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from tests.study.results import FALLS, LEARNS, Result

VERDICTS = ("GO", "GO, with conditions", "NO-GO", "INVALID")
COLOURS = ("#1b7837", "#b8860b", "#b2182b", "#777777")
WIDTH, HEIGHT = 420, 300


def frame(found: Sequence[Result]) -> pd.DataFrame:
    """A row for each condition."""
    return pd.DataFrame(
        {
            "condition": [one.condition.name for one in found],
            "half": ["held out" if one.condition.held_out else "open" for one in found],
            "verdict": [one.unprobed for one in found],
            "signal": [one.said["signal"] for one in found],
            "gain": [one.gain for one in found],
            "reward": [one.reward_gain for one in found],
        }
    )


def _points(data: pd.DataFrame, x: alt.X, title: str) -> Any:
    colour = alt.Color("verdict:N", title="Verdict", scale=alt.Scale(domain=VERDICTS, range=COLOURS))
    shape = alt.Shape("half:N", title="Half", scale=alt.Scale(domain=["open", "held out"]))
    y = alt.Y("gain:Q", title="Gain in true accuracy")
    points = (
        alt.Chart(data)
        .mark_point(filled=True, size=55, opacity=0.8)
        .encode(x=x, y=y, color=colour, shape=shape)
    )
    lines = (
        alt.Chart(pd.DataFrame({"gain": [FALLS, LEARNS]}))
        .mark_rule(strokeDash=[4, 4], color="#999999")
        .encode(y="gain:Q")
    )
    return alt.layer(lines, points).properties(width=WIDTH, height=HEIGHT, title=title)


def draw(found: Sequence[Result], folder: Path) -> list[Path]:
    """Signal Index against gain, and given reward against true accuracy, as SVG files."""
    data = frame(found)
    charts = {
        "evidence_signal": _points(
            data.dropna(subset=["signal"]),
            alt.X("signal:Q", title="Signal Index before training"),
            "Above the upper line a policy learned, below the lower one it unlearned",
        ),
        "evidence_reward": _points(
            data,
            alt.X("reward:Q", title="Gain in the given reward"),
            "What the grader saw, and what was true",
        ),
    }
    paths = []
    for name, chart in charts.items():
        path = folder / f"{name}.svg"
        chart.save(path)
        paths.append(path)
    return paths
