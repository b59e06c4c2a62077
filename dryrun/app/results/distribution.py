"""The score distribution with its limits, and the bars that the samples are cut to."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES, bin_counts, valid_scores
from dryrun.analysis.selection import Show
from dryrun.app.results.banner import open_samples
from dryrun.app.results.figures import BARS, clicked_bars
from dryrun.app.results.thresholds import CHART, contradictions, current_thresholds, keep_words
from dryrun.app.shared.loading import BY_VALUE, Loaded
from dryrun.app.shared.widgets import chart_spec, with_rows
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.scores import (
    BIN_FIELD,
    HISTOGRAM_WORDS,
    SELECTION,
    HistogramBar,
    histogram_alt,
    histogram_bars,
    limit_rows,
    score_histogram,
)

DRAWN = "histogram_drawn"
"""Session key of the number of times that the chosen bars were cleared."""


@st.fragment(key=CHART)
def distribution(loaded: Loaded) -> None:
    """Draw the scores in bars over the fields of their limits; a click on a bar opens its samples."""
    thresholds = current_thresholds()
    evidence = loaded.judge(thresholds)
    keep_words(evidence)
    figures = evidence.document.statistics
    st.header(":small[Score distribution]", anchor=False, help=HISTOGRAM_WORDS)
    if figures.mean is None:
        st.caption("No response has a score yet.")
        return
    bars = _bars(loaded)
    key = f"histogram_{st.session_state.get(DRAWN, 0)}"
    chart = chart_spec(score_histogram, bars, figures.mean, Thresholds(), clicked_bars())
    st.vega_lite_chart(
        with_rows(chart, limit_rows(thresholds)),
        key=key,
        alt=histogram_alt(bars, figures.mean, figures.std),
        on_select=lambda: _clicked(key),
        selection_mode=SELECTION,
    )
    contradictions()


@st.cache_resource(max_entries=32, ttl=3600, show_spinner=False, hash_funcs=BY_VALUE)
def _bars(loaded: Loaded) -> tuple[HistogramBar, ...]:
    return histogram_bars(bin_counts(valid_scores(loaded.observations.score), HISTOGRAM_EDGES))


def bar_chip() -> None:
    """Draw which bars the samples are cut to, with a button that shows all of them again."""
    if bars := clicked_bars():
        st.button(
            f"Scores {', '.join(_spans(bars))}",
            icon=":material/close:",
            key="bar_chip",
            help="Show samples of every score again.",
            on_click=_forget_bars,
        )


def _spans(bars: tuple[int, ...]) -> list[str]:
    """Neighbouring bars as one span: ``["0.10 to 0.25", "0.95 to 1.00"]``."""
    spans: list[list[int]] = []
    for bar in bars:
        if spans and spans[-1][1] == bar:
            spans[-1][1] = bar + 1
        else:
            spans.append([bar, bar + 1])
    return [f"{HISTOGRAM_EDGES[low]:.2f} to {HISTOGRAM_EDGES[high]:.2f}" for low, high in spans]


def _clicked(key: str) -> None:
    """Keep the clicked bars in the URL and open their samples."""
    event: Any = st.session_state.get(key)
    points = event["selection"].get(SELECTION, []) if event else []
    bars = sorted({int(point[BIN_FIELD]) for point in points if BIN_FIELD in point})
    if bars:
        open_samples(Show.ALL, ",".join(map(str, bars)))
    st.query_params.pop(BARS, None)
    st.rerun()


def _forget_bars() -> None:
    st.query_params.pop(BARS, None)
    # The chart keeps its own selection: under another key it begins with none.
    st.session_state[DRAWN] = st.session_state.get(DRAWN, 0) + 1
