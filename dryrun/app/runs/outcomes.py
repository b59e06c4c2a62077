"""Predicted against actual on the list of runs, once a training is known."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dryrun.app.shared.widgets import bullets, draw_chart
from dryrun.report.charts.outcomes import KINDS, outcomes_alt, outcomes_chart
from dryrun.report.outcome.ledger import ledger_of
from dryrun.report.outcome.words import CAPTION, brier_lines
from dryrun.store.runs import Run
from dryrun.store.trainings import trainings_of


def outcome_cell(run: Run) -> str:
    """The newest training in a few words: ``"learned, +0.24"``; ``""`` where none is kept."""
    kept = trainings_of(run)
    return f"{KINDS[kept[-1].course.learned]}, {kept[-1].course.gain:+.2f}" if kept else ""


def outcomes_panel(runs: Sequence[Run]) -> None:
    """Draw the plot and the Brier score; nothing where no training of these runs is known."""
    ledger = ledger_of(runs)
    drawn = tuple(entry for entry in ledger.entries if entry.kept.prediction.chance is not None)
    if not drawn:
        return
    with st.expander("Predicted against actual", icon=":material/model_training:", expanded=True):
        draw_chart(outcomes_chart, drawn, words=outcomes_alt(drawn), key="outcomes")
        st.markdown(bullets(brier_lines(ledger.brier)))
        st.caption(CAPTION)
