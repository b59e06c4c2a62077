"""The charts of a report as pictures that need no script: Vega draws them in a process of its own.

Vega runs in a JavaScript engine, which takes about 150 MB and goes with its process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import altair as alt
import orjson

from dryrun.core.errors import DryRunError
from dryrun.report.charts.evidence import (
    ANCHOR_LOOKS,
    stored_anchor_rows,
    strip_alt,
    strip_caption,
    strip_chart,
)
from dryrun.report.charts.intervals import interval_alt, interval_chart
from dryrun.report.charts.scores import histogram_alt, histogram_bars, score_histogram
from dryrun.report.charts.topics import TOPIC_LOOKS, topic_rows, topics_alt, topics_caption
from dryrun.report.fields import Report
from dryrun.report.figures import EvidenceEntry

CHILD = Path(__file__).with_name("svg_child.py")
LONGEST_WAIT = 60
"""Seconds that the process may take."""
WIDTH = 720
TEXT = dict.fromkeys(("labelColor", "titleColor", "domainColor", "tickColor"), "currentColor")
CONFIG = {
    "aria": False,
    "background": None,
    "view": {"stroke": None},
    "axis": {**TEXT, "gridOpacity": 0.25},
    "legend": {"labelColor": "currentColor", "titleColor": "currentColor"},
}
"""Text in the page's own colour, so that one picture reads in light and dark."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, the same in words for screen readers, and a line below it."""

    chart: alt.LayerChart
    words: str
    caption: str


def pictures(report: Report) -> dict[str, str]:
    """HTML for ``scores``, ``anchors``, ``groups`` and ``topics``, as far as the report has them.

    Raises
    ------
    DryRunError
        They could not be drawn; in one sentence.
    """
    return static_pictures({name: picture for name, picture in _pictures(report).items() if picture})


def static_pictures(found: Mapping[str, Picture]) -> dict[str, str]:
    """HTML for each of these.

    Raises
    ------
    DryRunError
        They could not be drawn; in one sentence.
    """
    drawn = _drawn({name: _static(picture.chart) for name, picture in found.items()})
    return {name: _html(svg, found[name]) for name, svg in drawn.items()}


def _pictures(report: Report) -> dict[str, Picture | None]:
    return {
        "scores": _scores(report),
        "anchors": _anchors(report),
        "groups": _groups(report.evidence),
        "topics": _topics(report),
    }


def _scores(report: Report) -> Picture | None:
    if not report.histogram_counts:
        return None
    figures, limits = report.statistics, report.thresholds
    bars = histogram_bars(report.histogram_counts)
    return Picture(
        score_histogram(bars, figures.mean, limits),
        histogram_alt(bars, figures.mean, figures.std),
        "Shaded: healthy range. Dashed: limits of the decision tree.",
    )


def _anchors(report: Report) -> Picture | None:
    evidence = report.evidence
    if evidence is None or evidence.anchors is None:
        return None
    held = evidence.stability
    rows = stored_anchor_rows(evidence.anchors, report.statistics.mean, held.mean if held else None)
    caption = "Bar: 95 % interval of the base model's mean."
    return Picture(interval_chart(rows, ANCHOR_LOOKS), interval_alt("Mean scores", rows), caption)


def _groups(evidence: EvidenceEntry | None) -> Picture | None:
    if evidence is None or evidence.groups is None or not evidence.strip:
        return None
    words, caption = strip_alt(evidence.strip, evidence.groups), strip_caption(evidence.groups)
    chart = strip_chart(evidence.strip)
    return Picture(chart, words, f"A prompt's scores from the lowest up. {caption}")


def _topics(report: Report) -> Picture | None:
    topics, rows = report.by_topic, topic_rows(report.by_topic)
    if not rows:
        return None
    chart = interval_chart(rows, TOPIC_LOOKS, report.thresholds)
    return Picture(chart, topics_alt(topics), topics_caption(topics))


def _static(chart: alt.LayerChart) -> dict[str, Any]:
    spec: dict[str, Any] = chart.properties(width=WIDTH).to_dict(validate=False)
    return {**spec, "config": CONFIG}


def _html(svg: str, picture: Picture) -> str:
    named = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(picture.words)}" ', 1)
    return f'{named}<p class="soft">{escape(picture.caption)}</p>'


def _drawn(charts: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    try:
        child = subprocess.run(
            [sys.executable, "-P", str(CHILD)],
            input=orjson.dumps(charts),
            capture_output=True,
            check=True,
            timeout=LONGEST_WAIT,
        )
        drawn: dict[str, str] = orjson.loads(child.stdout)
    except subprocess.CalledProcessError as error:
        missing = b"No module named 'vl_convert'" in error.stderr
        why = "install vl-convert-python" if missing else "the process that draws them failed"
        raise DryRunError(f"The pictures are missing: {why}.") from error
    except (OSError, subprocess.TimeoutExpired, orjson.JSONDecodeError) as error:
        raise DryRunError("The pictures are missing: the process that draws them did not answer.") from error
    return drawn
