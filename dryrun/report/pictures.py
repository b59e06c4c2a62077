"""The charts of a report as pictures that need no script: Vega draws them in a process of its own.

Vega runs in a JavaScript engine, which takes about 150 MB and goes with its process.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

import altair as alt
import orjson

from dryrun.analysis.training.record import Training
from dryrun.core.errors import DryRunError
from dryrun.core.text import cut, figure, plural
from dryrun.report.charts.evidence import (
    ANCHOR_LOOKS,
    stored_anchor_rows,
    strip_alt,
    strip_caption,
    strip_chart,
)
from dryrun.report.charts.intervals import interval_alt, interval_chart
from dryrun.report.charts.paid_for import kinds_alt, kinds_chart, pass_alt, pass_chart
from dryrun.report.charts.scores import histogram_alt, histogram_bars, score_histogram
from dryrun.report.charts.topics import TOPIC_LOOKS, topic_rows, topics_alt, topics_caption
from dryrun.report.fields import Report
from dryrun.report.figures import EvidenceEntry

CHILD = Path(__file__).with_name("vega_child.py")
LONGEST_WAIT = 60
"""Seconds that the process may take."""
WIDTH = 720
LONGEST = 60
"""Characters of a name in a picture."""
DARK, WHITE = "#1c1e21", "#ffffff"
"""Text and ground of a picture that leaves for a document of its own."""

Form = Literal["png", "svg"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, the same in words for screen readers, and a line below it."""

    chart: alt.LayerChart
    words: str
    caption: str


def pictures(report: Report) -> dict[str, str]:
    """HTML for ``scores``, ``anchors``, ``groups``, ``topics``, ``kinds``, ``pass``; those that there are.

    Raises
    ------
    DryRunError
        They could not be drawn; in one sentence.
    """
    return static_pictures({name: picture for name, picture in _pictures(report).items() if picture})


def static_pictures(pictures: Mapping[str, Picture]) -> dict[str, str]:
    """HTML for each of these.

    Raises
    ------
    DryRunError
        They could not be drawn; in one sentence.
    """
    drawn = _drawn({name: _static(picture.chart) for name, picture in pictures.items()})
    return {name: _html(svg, pictures[name]) for name, svg in drawn.items()}


def histogram_picture(report: Report, form: Form) -> bytes:
    """The score distribution as a file, dark on white, under the verdict and what was run.

    Raises
    ------
    DryRunError
        There is no score, or it could not be drawn; in one sentence.
    """
    picture = _scores(report)
    if picture is None or report.statistics.mean is None:
        raise DryRunError("There is no picture: no response has a score.")
    chart = _static(picture.chart, DARK, WHITE) | {"title": _title(report), "padding": 16}
    drawn = _drawn({"scores": chart}, form)["scores"]
    return base64.b64decode(drawn) if form == "png" else drawn.encode()


def _title(report: Report) -> dict[str, Any]:
    run, figures = report.run, report.statistics
    by = f" by {cut(run.model, LONGEST)}" if run.model else ""
    std = "" if figures.std is None else f", std {figure(figures.std)}"
    scores = f"{plural(report.responses_evaluated, 'response')} with a score{by}{std}"
    lines = [cut(run.dataset, LONGEST), scores] if run.dataset else [scores]
    return {"text": report.headline, "subtitle": lines, "anchor": "start", "offset": 12}


def _pictures(report: Report) -> dict[str, Picture | None]:
    return {
        "scores": _scores(report),
        "anchors": _anchors(report),
        "groups": _groups(report.evidence),
        "topics": _topics(report),
        "kinds": _kinds(report.training),
        "pass": _pass(report.training),
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


def _kinds(training: Training | None) -> Picture | None:
    if training is None or training.kinds is None:
        return None
    kinds = training.kinds
    return Picture(kinds_chart(kinds), kinds_alt(kinds), "What the responses to one prompt differ in.")


def _pass(training: Training | None) -> Picture | None:
    if training is None or training.headroom is None:
        return None
    headroom = training.headroom
    caption = "pass@K: the chance that at least one of K responses is right. Band: 95 % interval."
    return Picture(pass_chart(headroom), pass_alt(headroom), caption)


def _static(chart: alt.LayerChart, text: str = "currentColor", ground: str | None = None) -> dict[str, Any]:
    """The chart's JSON; text in the page's own colour reads in light and dark."""
    axis = dict.fromkeys(("labelColor", "titleColor", "domainColor", "tickColor"), text)
    config = {
        "aria": False,
        "background": ground,
        "view": {"stroke": None},
        "axis": {**axis, "gridOpacity": 0.25},
        "legend": {"labelColor": text, "titleColor": text},
        "title": {"color": text, "subtitleColor": text},
    }
    spec: dict[str, Any] = chart.properties(width=WIDTH).to_dict(validate=False)
    return {**spec, "config": config}


def _html(svg: str, picture: Picture) -> str:
    named = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(picture.words)}" ', 1)
    return f'<div class="wide">{named}</div><p class="soft">{escape(picture.caption)}</p>'


def _drawn(charts: Mapping[str, dict[str, Any]], form: Form = "svg") -> dict[str, str]:
    try:
        child = subprocess.run(
            [sys.executable, "-P", str(CHILD), form],
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
