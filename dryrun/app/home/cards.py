"""The recorded examples as cards: verdict, histogram, what each shows."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.lists.examples import Example, examples
from dryrun.app.shared.lists.rows import RunRow, run_row
from dryrun.app.shared.lists.thumbnail import thumbnail
from dryrun.app.shared.looks import verdict_badge
from dryrun.app.shared.session import run_link
from dryrun.core.text import plain
from dryrun.report.summary import Summary

NARROWEST = 260
"""Pixels of a card; on a narrower screen they stand one below the other."""


def example_cards() -> None:
    """Draw one card for each recorded example."""
    recorded = [(example, row) for example in examples() if (row := run_row(example.run)) is not None]
    if not recorded:
        return
    st.header("Recorded examples", anchor=False)
    st.caption("Real runs of the past that come with Dry Run. Nothing is called when you open one.")
    cards = st.grid(4, min_column_width=NARROWEST, gap="medium", border=True)
    for example, row in recorded:
        with cards.cell():
            _card(example, row)


def _card(example: Example, row: RunRow) -> None:
    if row.look is not None:
        verdict_badge(row.look, example.cause)
    st.subheader(example.title, anchor=False)
    st.markdown(example.lesson)
    if row.summary is not None:
        thumbnail(row.summary)
        st.caption(_figures(row, row.summary))
    run_link("results", "Open this result", "insights", example.link)


def _figures(row: RunRow, summary: Summary) -> str:
    quality = f"Dataset: {summary.dataset.lower()} · Grader: {summary.grader.lower()}"
    return f"{quality}  \n{mean_words(row)} · {row.size} responses by {plain(row.config.model.name, 60)}"


def mean_words(row: RunRow) -> str:
    """The mean with its interval; where there is none, how many scores there are."""
    summary = row.summary
    if summary is None or summary.mean is None:
        return "no score yet"
    if summary.low is None or summary.high is None:
        return f"mean {summary.mean:.2f}"
    return f"mean {summary.mean:.2f} ({summary.low:.2f} to {summary.high:.2f})"
