"""Watch a run, cancel it, resume it."""

import streamlit as st

from dryrun.app.results.provenance import missing_view, no_run
from dryrun.app.run.controls import run_controls
from dryrun.app.run.progress import end_words, live_progress
from dryrun.app.shared import jobs
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.frame import ensure_frame
from dryrun.app.shared.loading import load_run
from dryrun.app.shared.session import chosen_run, config_of, model_words, run_link
from dryrun.app.shared.widgets import show_error
from dryrun.core.errors import DryRunError
from dryrun.core.text import plain

ensure_frame()

st.title("Run")
try:
    chosen = chosen_run(Right.PAGES)
    if chosen is None or chosen.recorded:
        no_run(recorded=chosen is not None)
        st.stop()
    run, config = chosen.run, config_of(chosen.run)
    status = jobs.status(run)
    st.caption(
        f"{plain(config.dataset.name, 80)} · {status.total or config.responses:,} responses "
        f"({config.sampling.rollouts} per prompt) by {model_words(config.model)}"
    )
    if not status.live:
        end_words(status)
    live_progress(chosen)
    if not status.live and (status.failed or status.ungraded):
        missing_view(load_run(chosen)[1])
    run_controls(chosen, status)
except DryRunError as error:
    show_error(error)
    run_link("configure", "Configure a new run", "tune")
