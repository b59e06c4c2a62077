"""What a run says while it is measured: histogram, running mean, newest responses, reasons of failures."""

from __future__ import annotations

import altair as alt
import streamlit as st

from dryrun.app.run.growth import LEAST_PROMPTS, GrowingRun, Growth, Newest
from dryrun.app.shared.widgets import chart_spec, with_rows
from dryrun.core.text import figure, plain, plural, visible
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.running_mean import RUNNING_ALT, running_chart, running_rows
from dryrun.report.charts.scores import HISTOGRAM_WORDS, histogram_bars, histogram_rows, score_histogram
from dryrun.store.runs import Run

SIDE_BY_SIDE = 420
"""Pixels that each chart needs; on a narrower screen the second one stands below the first."""
CHART_HEIGHT = 300
"""Pixels that a chart takes with its axes and labels: its skeleton holds its place."""
TOO_FEW = f"an interval needs {LEAST_PROMPTS} prompts with a score."
HISTOGRAM_ALT = "Score histogram of the responses so far; the mean stands in the sentence above."
"""Constant: a browser draws a chart anew when its name changes."""


def growth_of(run: Run) -> Growth:
    """Draw what the run's scores say now."""
    plan = run.folder / "plan.parquet"
    return _growing(run, plan.stat().st_mtime_ns if plan.exists() else 0).look()


@st.cache_resource(max_entries=16, ttl=3600, show_spinner=False)
def _growing(run: Run, planned: int) -> GrowingRun:
    """One for all viewers of the run; each session writes its plan anew (`planned`), and is read anew."""
    return GrowingRun(run)


def charts(growth: Growth, total: int, thresholds: Thresholds, *, live: bool) -> None:
    """Draw histogram and running mean, each once: what comes in changes their rows alone."""
    if not growth.scores and not live:
        return
    halves = st.grid(2, min_column_width=SIDE_BY_SIDE, gap="medium")
    with halves.cell():
        title = "Score distribution so far" if live else "Score distribution"
        st.header(f":small[{title}]", anchor=False, help=HISTOGRAM_WORDS)
        _histogram(growth, thresholds)
    with halves.cell():
        st.header(":small[Mean with its 95 % interval]", anchor=False)
        if not growth.readings:
            st.skeleton(height=CHART_HEIGHT) if live else st.caption(f"Too few: {TOO_FEW}")
            return
        rows = running_rows(growth.readings, thresholds)
        st.vega_lite_chart(
            with_rows(chart_spec(running_chart, total), rows), key="running_mean", alt=RUNNING_ALT
        )


def _histogram(growth: Growth, thresholds: Thresholds) -> None:
    if growth.mean is None:
        st.skeleton(height=CHART_HEIGHT)
        return
    rows = histogram_rows(histogram_bars(growth.counts), growth.mean, thresholds)
    chart = with_rows(chart_spec(_empty_histogram), rows)
    st.vega_lite_chart(chart, key="live_histogram", alt=HISTOGRAM_ALT)


def _empty_histogram() -> alt.LayerChart:
    return score_histogram(histogram_bars(Growth().counts), 0.5, Thresholds(), clickable=False)


def running_mean_words(growth: Growth, thresholds: Thresholds) -> str:
    """Where the mean stands between its limits so far: a sentence."""
    if growth.mean is None:
        return "There is nothing to judge yet: the first scores are on their way."
    if not growth.readings:
        return f"Mean {figure(growth.mean)} so far: {TOO_FEW}"
    now = growth.readings[-1]
    low, high = thresholds.mean_low, thresholds.mean_high
    words = f"Mean {figure(now.mean)} so far, 95 % interval {figure(now.low)} to {figure(now.high)}: "
    if low <= now.low and now.high <= high:
        return f"{words}inside the limits {figure(low)} and {figure(high)}."
    if now.high < low or now.low > high:
        side = f"under the limit {figure(low)}" if now.high < low else f"over the limit {figure(high)}"
        return f"{words}the whole interval lies {side}."
    crossed = [figure(limit) for limit in (low, high) if now.low < limit < now.high]
    return f"{words}it still reaches across the limit {' and '.join(crossed)}."


def newest_responses(newest: tuple[Newest, ...]) -> None:
    """Draw the responses that were graded a moment ago: letter by letter, never as Markdown."""
    if not newest:
        return
    st.header(":small[Newest responses]", anchor=False)
    cells = st.grid(3, min_column_width=260, gap="small")
    for response in newest:
        with cells.cell(), st.container(border=True, height=200, gap="small"):
            topic = f" · {response.topic}" if response.topic else ""
            st.markdown(f"**{figure(response.score)}** :small[{plain(f'row {response.row:,}{topic}', 60)}]")
            st.caption(plain(response.prompt, 120))
            st.text(visible(response.response) or "(nothing)")


def failure_reasons(growth: Growth, counted: int) -> None:
    """Draw why responses have no score, each reason with its count; `counted` are those of this session."""
    if not growth.reasons or not counted:
        return
    known = sum(reason.count for reason in growth.reasons)
    again = " Some are of an earlier session and are being tried again." if known > counted else ""
    lines = "\n".join(f"- {reason.count:,} × {plain(reason.words, 400)}" for reason in growth.reasons)
    st.markdown(f"{plural(counted, 'response')} without a score{again and '.' + again}\n\n{lines}")
