"""The latest runs, with their verdicts."""

from __future__ import annotations

import streamlit as st

from dryrun.app.home.cards import mean_words
from dryrun.app.shared import jobs
from dryrun.app.shared.lists.rows import RunRow, run_rows
from dryrun.app.shared.lists.summaries import waiting
from dryrun.app.shared.looks import verdict_badge
from dryrun.app.shared.session import listed_runs, run_link
from dryrun.app.shared.widgets import drawn_again
from dryrun.core.text import plain, plural
from dryrun.store.notes import note_of
from dryrun.store.runs import Run

LATEST = 5
"""Runs that are shown."""
BADGE = 150
"""Pixels of the widest verdict: the names stand in line below each other."""


def latest_runs() -> None:
    """Draw the latest runs; nothing before the first. What is still being judged comes by itself."""
    runs = [run for run in listed_runs() if not note_of(run).archived][:LATEST]
    rows = run_rows(runs)
    if not rows:
        return
    st.header("Latest runs", anchor=False)
    if count := len(jobs.live()):
        st.caption(f"{plural(count, 'live run')} on this server")
    judging = any(row.look is None for row in rows) and waiting() > 0
    drawn_again(_rows, 1 if judging else None, [row.run for row in rows], judging)
    run_link("runs", "All runs", "list")


def _rows(runs: list[Run], judging: bool) -> None:
    for row in run_rows(runs):
        _row(row)
    if judging and not waiting():
        st.rerun()  # ends the timer


def _row(row: RunRow) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width=BADGE):
            if row.look is None:
                st.badge("Being judged", icon=":material/hourglass_empty:", color="gray")
            else:
                verdict_badge(row.look)
        run_link(row.page, plain(row.name, 80), "chevron_right", row.run.id)
        st.caption(f"{mean_words(row)} · {row.size} · {plain(row.config.grader_name, 40)} · {row.when}")
