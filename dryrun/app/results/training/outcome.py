"""How trainings went that came after the run, beside what it had said."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.session import Chosen
from dryrun.app.shared.widgets import bullets, draw_chart
from dryrun.core.text import plain
from dryrun.report.charts.outcomes import curve_alt, curve_chart
from dryrun.report.outcome.ledger import Entry, entries_of
from dryrun.report.outcome.words import foretold_lines, outcome_line, validation_lines, warnings_of


def training_outcome(chosen: Chosen) -> None:
    """Draw the newest training with a line for each earlier one; how to add one where there is none."""
    entries = entries_of(chosen.run)
    if entries:
        st.subheader("How the training went", anchor=False)
        _training(entries[-1], named=chosen.access.may(Right.PAGES))
        if earlier := bullets(outcome_line(entry.kept.course) for entry in entries[-2::-1]):
            st.markdown(f"Earlier trainings:\n{earlier}")
    elif chosen.access.may(Right.CONTROL):
        command = f"python -m dryrun outcome {chosen.run.id} --log FILE"
        st.caption(f"Trained on it? `{command}` keeps how it went beside what was foretold.")


def _training(entry: Entry, *, named: bool) -> None:
    """The file's name is shown to who may open the run's own pages only."""
    st.text(outcome_line(entry.kept.course))
    for line in validation_lines(entry.kept):
        st.text(line)
    st.text(f"Said before: {' '.join(foretold_lines(entry.kept.prediction))}")
    for warning in warnings_of(entry):
        st.warning(plain(warning, 400), icon=":material/compare_arrows:")
    draw_chart(curve_chart, entry.kept, words=curve_alt(entry.kept), key="outcome_curve")
    source = f" of {plain(entry.kept.log)}" if named else ""
    diamonds = " Diamonds: validation." if entry.kept.validation else ""
    st.caption(f"Mean score by step{source}.{diamonds} Grey: the run's mean with its 95 % interval.")
