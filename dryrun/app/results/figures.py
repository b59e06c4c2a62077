"""Charts and tables of the results page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.document import Diagnosis
from dryrun.analysis.verdict.evidence import Evidence
from dryrun.analysis.verdict.tree import Check
from dryrun.app.shared.widgets import draw_chart
from dryrun.core.text import figure, number, percent
from dryrun.core.thresholds import Piece, Thresholds
from dryrun.report.charts.anchor_chart import anchor_ruler, marks, ruler_alt
from dryrun.report.charts.evidence import (
    intervals_alt,
    intervals_caption,
    stood,
    strip_alt,
    strip_caption,
    strip_chart,
    topic_intervals,
)
from dryrun.report.charts.scores import (
    BIN_FIELD,
    SELECTION,
    histogram_alt,
    histogram_bars,
    score_histogram,
    topic_chart,
    topics_alt,
    topics_caption,
)

HISTOGRAM = "histogram"


def distribution(observations: Observations, found: Diagnosis, thresholds: Thresholds) -> None:
    """The score distribution; a click on a bar filters the samples."""
    st.markdown("Score distribution")
    draw_chart(
        score_histogram,
        histogram_bars(observations.score),
        found.statistics.mean,
        thresholds,
        told=histogram_alt(found.statistics, thresholds),
        key=HISTOGRAM,
        selection=SELECTION,
    )
    st.markdown(f"Mean: **{number(found.statistics.mean)}** &nbsp; Std: **{number(found.statistics.std)}**")


def ruler(found: Evidence) -> None:
    """Where right answers, the model and junk land; nothing where they were not graded."""
    if found.document_only:
        return
    rows = tuple(marks(found.measures.anchors, found.document.statistics.mean, found.stability))
    if len(rows) < 2:
        return
    st.markdown("What the grader pays for right answers, the model's, and junk")
    draw_chart(anchor_ruler, rows, told=ruler_alt(rows))


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


def signal(found: Evidence) -> None:
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
    found, pooled = judged.document, judged.attribution.topics
    if pooled:
        drawn = stood(pooled, found.topics)
        draw_chart(topic_intervals, drawn, thresholds, told=intervals_alt(drawn), key="topics")
        st.caption(intervals_caption(drawn))
    else:
        told = topics_alt(found.topics)
        draw_chart(topic_chart, tuple(found.topics), thresholds, told=told, key="topics")
        st.caption(topics_caption(found.topics))
    evidence = {topic.topic: topic.evidence for topic in pooled}
    with st.expander("Table", icon=":material/table:"):
        _table(
            {
                "Topic": [topic.label for topic in found.topics],
                "Status": [topic.status.value if topic.status else "–" for topic in found.topics],
                "Evidence": [evidence.get(topic.topic) or "–" for topic in found.topics],
                "Mean": [number(topic.mean) for topic in found.topics],
                "Std": [number(topic.std) for topic in found.topics],
                "Scores": [topic.count for topic in found.topics],
                "Missing": [topic.missing for topic in found.topics],
                "Prompts": [topic.prompts for topic in found.topics],
                "Note": [topic.note for topic in found.topics],
            },
            "Figures by topic",
        )


def _table(columns: dict[str, list[Any]], alt: str) -> None:
    st.dataframe(columns, hide_index=True, alt=alt)


def _mark(check: Check) -> str:
    if check.ok is None:
        return "–"
    return "✓" if check.ok else "ℹ" if check.note else "⚠"
