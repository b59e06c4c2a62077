"""Charts and tables of the results page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES, bin_counts, valid_scores
from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.document import Diagnosis
from dryrun.analysis.verdict.evidence import Evidence
from dryrun.analysis.verdict.tree import Check
from dryrun.app.shared.widgets import draw_chart
from dryrun.core.text import figure, number, percent
from dryrun.core.thresholds import Piece, Thresholds
from dryrun.report.build import topic_entries
from dryrun.report.charts.evidence import (
    ANCHOR_LOOKS,
    anchor_rows,
    strip_alt,
    strip_caption,
    strip_chart,
)
from dryrun.report.charts.scores import (
    BIN_FIELD,
    NO_TOPIC,
    SELECTION,
    TOPIC_LOOKS,
    histogram_alt,
    histogram_bars,
    interval_alt,
    interval_chart,
    score_histogram,
)
from dryrun.report.charts.topics import topic_rows, topics_alt, topics_caption
from dryrun.report.outline import ANCHORS_TITLE

HISTOGRAM = "histogram"


def distribution(observations: Observations, found: Diagnosis, thresholds: Thresholds) -> None:
    """The score distribution; a click on a bar filters the samples."""
    st.markdown("Score distribution")
    bars = histogram_bars(bin_counts(valid_scores(observations.score), HISTOGRAM_EDGES))
    mean, std = found.statistics.mean, found.statistics.std
    draw_chart(
        score_histogram,
        bars,
        mean,
        thresholds,
        told=histogram_alt(bars, mean, std, thresholds),
        key=HISTOGRAM,
        selection=SELECTION,
    )
    st.markdown(f"Mean: **{number(mean)}** &nbsp; Std: **{number(std)}**")


def ruler(found: Evidence) -> None:
    """Where right answers, the model and junk land; nothing where they were not graded."""
    if found.document_only:
        return
    held = found.stability
    rows = anchor_rows(found.measures.anchors, found.document.statistics.mean, held.mean if held else None)
    if len(rows) < 2:
        return
    st.markdown(ANCHORS_TITLE)
    draw_chart(interval_chart, rows, ANCHOR_LOOKS, told=interval_alt("Mean scores", rows))


def strip(found: Evidence) -> None:
    """Prompts and the scores of their responses: would groups of them teach anything?"""
    columns = found.strip
    if found.document_only or Piece.GROUPS in found.thresholds.without:
        return
    st.markdown("What training groups would see")
    if found.groups is None or not columns:
        st.caption("Needs two responses or more to each prompt: set rollouts to 2 or more.")
        return
    draw_chart(strip_chart, columns, told=strip_alt(columns, found.groups), key="strip")
    st.caption(strip_caption(found.groups))


def signal_panel(found: Evidence) -> None:
    """The Signal Index with its three factors; nothing where one was not measured."""
    index = found.measures.signal
    if index is None or found.document_only:
        return
    st.markdown(
        f"Signal Index **{figure(index.value)}** = usable groups {figure(index.usable)} × reliability "
        f"{figure(index.reliability)} × range {figure(index.range)}; weakest: {index.weakest}.",
        help="How much of the training signal is left after dead groups, noise and a narrow grader. "
        "Below 0.10 runs gain next to nothing, above 0.30 nine of ten gain (simulated GRPO).",
    )


def clicked_bars() -> tuple[int, ...]:
    """The histogram's bars that are selected, by number."""
    event: Any = st.session_state.get(HISTOGRAM)
    if not event:
        return ()
    points = event["selection"].get(SELECTION, [])
    return tuple(sorted({int(point[BIN_FIELD]) for point in points if BIN_FIELD in point}))


def statistics_table(found: Diagnosis) -> None:
    """All figures of the report."""
    figures, parts = found.statistics, found.statistics.percentiles
    rows = {
        "Mean": figures.mean,
        "Std": figures.std,
        "Min": figures.min,
        "p10": parts.p10 if parts else None,
        "p25": parts.p25 if parts else None,
        "Median": figures.median,
        "p75": parts.p75 if parts else None,
        "p90": parts.p90 if parts else None,
        "Max": figures.max,
    }
    _table(
        {"Figure": list(rows), "Value": [number(value) for value in rows.values()]}, "Figures of the scores"
    )


def bins_table(found: Diagnosis) -> None:
    """The report's five bins."""
    shares = found.statistics.distribution or {}
    counts = found.statistics.bins
    _table(
        {
            "Scores": list(shares),
            "Share": [percent(share) for share in shares.values()],
            "Count": [counts[label] for label in shares],
        },
        "Shares of the scores",
    )


def checks_table(checks: tuple[Check, ...]) -> None:
    """The document's key metrics beside their healthy ranges."""
    _table(
        {
            "Metric": [f"{_mark(check)} {check.metric}" for check in checks],
            "Value": [number(check.value) for check in checks],
            "Healthy range": [check.range for check in checks],
            "Meaning": [check.meaning for check in checks],
        },
        "Key metrics beside their healthy ranges",
    )


def topics_section(judged: Evidence, thresholds: Thresholds) -> None:
    """Each topic's mean, spread and status: chart, then table."""
    found = topic_entries(judged)
    rows = topic_rows(found)
    draw_chart(interval_chart, rows, TOPIC_LOOKS, thresholds, told=topics_alt(found), key="topics")
    st.caption(topics_caption(found))
    topics = found.values()
    with st.expander("Table", icon=":material/table:"):
        _table(
            {
                "Topic": [name or NO_TOPIC for name in found],
                "Status": [topic.status or "–" for topic in topics],
                "Evidence": [topic.evidence or "–" for topic in topics],
                "Mean": [number(topic.mean) for topic in topics],
                "Std": [number(topic.std) for topic in topics],
                "Scores": [topic.count for topic in topics],
                "Missing": [topic.missing for topic in topics],
                "Prompts": [topic.prompts for topic in topics],
                "Note": [topic.note for topic in topics],
            },
            "Figures by topic",
        )


def _table(columns: dict[str, list[Any]], alt: str) -> None:
    st.dataframe(columns, hide_index=True, alt=alt)


def _mark(check: Check) -> str:
    if check.ok is None:
        return "–"
    return "✓" if check.ok else "ℹ" if check.note else "⚠"
