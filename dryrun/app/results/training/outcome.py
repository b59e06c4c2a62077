"""The outcomes of trainings after the run, beside its forecast; a form to add one."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.session import Chosen
from dryrun.app.shared.widgets import (
    Upload,
    bullets,
    draw_chart,
    error_kept,
    forget_upload,
    kept_upload,
    number_field,
    show_kept_error,
)
from dryrun.core.text import plain, short
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.outcomes import curve_alt, curve_chart
from dryrun.report.outcome.ledger import Entry, entries_of
from dryrun.report.outcome.of_run import add_training
from dryrun.report.outcome.read_log import read_uploaded_log
from dryrun.report.outcome.words import foretold_lines, outcome_line, validation_lines, warnings_of

LOG, REWARD, GROUP = "outcome_log", "outcome_reward", "outcome_group"
"""Keys of the form."""
PROBLEM = "outcome_problem"
"""Where the session keeps an error until the page shows it."""
ENDINGS = ["json", "jsonl", "csv", "tsv", "log", "txt"]


def training_outcome(chosen: Chosen, loaded: Loaded) -> None:
    """Draw the newest training, a line for each earlier one, and a form for people who may add one."""
    entries, may_add = entries_of(chosen.run), chosen.access.may(Right.CONTROL)
    if not entries and not may_add:
        return
    st.subheader("How the training went", anchor=False)
    if entries:
        _training(entries[-1], named=chosen.access.may(Right.PAGES))
        if earlier := bullets(outcome_line(entry.kept.course) for entry in entries[-2::-1]):
            st.markdown(f"Earlier trainings:\n{earlier}")
    if may_add:
        _form(chosen, loaded)


def _training(entry: Entry, *, named: bool) -> None:
    """Only people who may open the run's own pages see the file's name."""
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


def _form(chosen: Chosen, loaded: Loaded) -> None:
    with st.expander(
        "Add a training's log", icon=":material/upload_file:", expanded=PROBLEM in st.session_state
    ):
        st.caption(
            "TRL's trainer_state.json, verl's metrics or console, OpenAI's events or result file, JSON lines "
            "or CSV with a step and a reward. Only its numbers and its name are kept, with the run."
        )
        upload = kept_upload("Log", ENDINGS, _log_key(chosen))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            group = number_field("Responses to each prompt", GROUP, 2, value=Thresholds().group_size)
            reward = st.text_input("Name of the reward", key=REWARD, placeholder="as trainers call it")
        show_kept_error(PROBLEM)
        st.button(
            "Keep with this run",
            key="outcome_keep",
            disabled=upload is None,
            on_click=_keep,
            args=(chosen, loaded, upload, reward.strip(), group),
        )


def _keep(chosen: Chosen, loaded: Loaded, upload: Upload, reward: str, group: int) -> None:
    with error_kept(PROBLEM):
        chosen.access.need(Right.CONTROL)
        add_training(loaded.results, read_uploaded_log(upload.name, upload.content, reward), group)
        forget_upload(_log_key(chosen))


def _log_key(chosen: Chosen) -> str:
    """Each run has a file of its own: what was chosen for one is not offered for another."""
    return f"{LOG}_{short(chosen.run.id)}"
