"""Figures as charts and tables, and the bars of the distribution that the URL names."""

from __future__ import annotations

import contextlib
from typing import Any

import streamlit as st

from dryrun.analysis.figures.signal import SignalIndex, right_pull_sentence
from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES
from dryrun.analysis.forecast.chance import index_words
from dryrun.analysis.verdict.document import Diagnosis
from dryrun.analysis.verdict.evidence import Evidence
from dryrun.analysis.verdict.tree import Check
from dryrun.app.shared.widgets import draw_chart
from dryrun.core.text import figure, number, percent
from dryrun.core.thresholds import Piece
from dryrun.report.build import topic_entries
from dryrun.report.charts.evidence import ANCHOR_LOOKS, anchor_rows, strip_alt, strip_caption, strip_chart
from dryrun.report.charts.intervals import interval_alt, interval_chart
from dryrun.report.charts.topics import NO_TOPIC, TOPIC_LOOKS, topic_rows, topics_alt, topics_caption
from dryrun.report.outline import ANCHORS_TITLE

BARS = "bars"
"""Name of the URL parameter with the numbers of the chosen bars: ``bars=3,4``."""
STRIP_READ = (
    "Each column is one prompt, or a few alike; each cell is one response, darker where its score is higher. "
    "A column of one shade teaches nothing: training compares the responses to one prompt with each other."
)
"""How to read the strip."""
STUDY = "[See the study](evidence)"
"""A link to the page on how verdicts did; without a slash it holds behind a base path too."""
BAR_COUNT = len(HISTOGRAM_EDGES) - 1


def clicked_bars() -> tuple[int, ...]:
    """The numbers of the histogram's bars that the URL names."""
    numbers = set()
    for part in st.query_params.get(BARS, "").split(","):
        with contextlib.suppress(ValueError):
            numbers.add(int(part))
    return tuple(sorted(number for number in numbers if 0 <= number < BAR_COUNT))


def ruler(evidence: Evidence) -> None:
    """Draw the mean scores of right answers, the model and worthless answers, where there are any."""
    if evidence.document_only:
        return
    held = evidence.stability.mean if evidence.stability else None
    rows = anchor_rows(evidence.measures.anchors, evidence.document.statistics.mean, held)
    if len(rows) > 1:
        st.subheader(ANCHORS_TITLE, anchor=False)
        draw_chart(interval_chart, rows, ANCHOR_LOOKS, words=interval_alt("Mean scores", rows))


def strip(evidence: Evidence) -> None:
    """Draw each prompt's scores: would a training group of its responses give a signal?"""
    columns = evidence.strip
    if evidence.document_only or Piece.GROUPS in evidence.thresholds.without:
        return
    st.subheader("What training groups would see", anchor=False)
    if evidence.groups is None or not columns:
        st.caption("Needs two prompts or more with two scores each.")
        return
    st.caption(STRIP_READ)
    draw_chart(strip_chart, columns, words=strip_alt(columns, evidence.groups), key="strip")
    st.caption(strip_caption(evidence.groups))


def signal_panel(evidence: Evidence) -> None:
    """Draw the Signal Index with its factors; nothing where one was not measured."""
    index = evidence.measures.signal
    if index is None or evidence.document_only:
        return
    st.markdown(
        f"Signal Index **{figure(index.value)}** = {factor_words(index)}; weakest: {index.weakest}.",
        help=index_help(),
    )
    if index.pull is not None:
        st.markdown(
            right_pull_sentence(index.pull), help="How far one step of training goes towards right answers."
        )


def factor_words(index: SignalIndex) -> str:
    """The product that the index is."""
    return " × ".join(f"{name} {figure(value)}" for name, value in index.factors.items())


def index_help() -> str:
    """What the index says, and how policies with such indices did; Markdown."""
    return f"How much of the training signal points to right answers. {index_words()} {STUDY}."


def statistics_table(diagnosis: Diagnosis) -> None:
    """Draw all figures of the scores."""
    figures, parts = diagnosis.statistics, diagnosis.statistics.percentiles
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
    data_table(
        [{"Figure": name, "Value": number(value)} for name, value in rows.items()], "Figures of the scores"
    )


def bins_table(diagnosis: Diagnosis) -> None:
    """Draw the shares of the scores in the report's five bins."""
    shares, counts = diagnosis.statistics.distribution or {}, diagnosis.statistics.bins
    rows = [
        {"Scores": label, "Share": percent(share), "Count": counts[label]} for label, share in shares.items()
    ]
    data_table(rows, "Shares of the scores")


def checks_table(checks: tuple[Check, ...]) -> None:
    """Draw the document's key metrics beside their healthy ranges."""
    rows = [
        {
            "Metric": f"{_mark(check)} {check.metric}",
            "Value": number(check.value),
            "Healthy range": check.range,
            "Meaning": check.meaning,
        }
        for check in checks
    ]
    data_table(rows, "Key metrics beside their healthy ranges")


def topics_section(evidence: Evidence) -> None:
    """Draw each topic's mean, spread and status, as a chart and as a table."""
    topics = topic_entries(evidence)
    chart_rows = topic_rows(topics)
    words = topics_alt(topics)
    draw_chart(interval_chart, chart_rows, TOPIC_LOOKS, evidence.thresholds, words=words, key="topics")
    st.caption(topics_caption(topics))
    rows = [
        {
            "Topic": name or NO_TOPIC,
            "Status": topic.status or "–",
            "Evidence": topic.evidence or "–",
            "Mean": number(topic.mean),
            "Std": number(topic.std),
            "Scores": topic.count,
            "Missing": topic.missing,
            "Prompts": topic.prompts,
            "Note": topic.note,
        }
        for name, topic in topics.items()
    ]
    with st.expander("Table", icon=":material/table:"):
        data_table(rows, "Figures by topic")


def data_table(rows: list[dict[str, Any]], alt: str) -> None:
    """Draw rows as a table; `alt` names it for screen readers."""
    st.dataframe(rows, hide_index=True, alt=alt)


def _mark(check: Check) -> str:
    if check.ok is None:
        return "–"
    return "✓" if check.ok else "ℹ" if check.note else "⚠"
