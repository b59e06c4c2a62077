"""Both verdicts beside each other."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.lists.examples import example_named
from dryrun.app.shared.lists.rows import title_of
from dryrun.app.shared.looks import look_of
from dryrun.app.shared.session import Chosen, config_of, model_words, run_link
from dryrun.core.text import number, plain, plural
from dryrun.report import Report

NARROWEST = 320
"""Pixels of a card; on a narrower screen the second one stands below the first."""


def verdict_cards(runs: tuple[Chosen, Chosen], reports: tuple[Report, Report]) -> None:
    """Draw a card for each run: its name, its verdict with the reason, its figures, a link to its results."""
    halves = st.grid(2, min_column_width=NARROWEST, gap="medium")
    for side, run, report in zip(("First (before)", "Second (after)"), runs, reports, strict=True):
        with halves.cell(), st.container(border=True, height="stretch", gap="small"):
            _card(side, run, report)


def _card(side: str, chosen: Chosen, report: Report) -> None:
    look = look_of(report.verdict, conditions=bool(report.diagnosis.conditions))
    config = config_of(chosen.run)
    st.caption(f"{side}: {plain(run_name(chosen), 80)}")
    beside = " :small[so far]" if report.run.pending else ""
    st.header(f"{look.markdown}{beside}", anchor=False)
    summary = report.diagnosis.summary
    why = summary.partition(" - ")[2] or summary
    st.markdown(plain(why[:1].upper() + why[1:], 600))
    statistics = report.statistics
    with st.container(horizontal=True, gap="large"):
        for label, value in (("Mean", statistics.mean), ("Std", statistics.std)):
            st.metric(label, number(value), width="content")
        st.metric("Scores", f"{report.responses_evaluated:,}", width="content")
    prompts = plural(report.samples_evaluated, "prompt")
    st.caption(
        f"{plain(config.dataset.name, 60)}, {prompts} · {model_words(config.model)} · "
        f"grader {plain(config.grader_name, 60)}"
    )
    run_link("results", "Results", "insights", chosen.link)


def run_name(chosen: Chosen) -> str:
    """The run's name. Not safe for Markdown."""
    if chosen.recorded and (example := example_named(chosen.link)):
        return f"Recorded: {example.title}"
    return title_of(chosen.run, config_of(chosen.run))
