"""Watch a run to its verdict, cancel it, resume it."""

import streamlit as st

from dryrun.app.results.findings import mean_interval_words
from dryrun.app.results.provenance import missing_view, no_run
from dryrun.app.results.thresholds import current_thresholds
from dryrun.app.run.controls import run_controls
from dryrun.app.run.progress import ended_run, live_progress, run_head
from dryrun.app.shared import jobs
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.frame import ensure_frame
from dryrun.app.shared.session import chosen_run, run_link
from dryrun.app.shared.widgets import show_error
from dryrun.core.errors import DryRunError

ensure_frame()

headed = False
try:
    chosen = chosen_run(Right.PAGES)
    if chosen is None or chosen.recorded:
        st.title("Run", anchor=False)
        no_run(recorded=chosen is not None)
        st.stop()
    status, interval = jobs.status(chosen.run), ""
    with st.container():  # whatever stands in it, the progress below keeps its place, and so its timer
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="top"):
            run_head(chosen.run, status)
            headed = True
            if status.live:
                run_controls(chosen, status)
        if not status.live:
            loaded = ended_run(chosen, status, current_thresholds())
            evidence = loaded.judge(current_thresholds())
            interval = mean_interval_words(evidence) if evidence.stability else ""
            if status.failed or status.ungraded:
                missing_view(loaded)
            run_controls(chosen, status)
    live_progress(chosen, status, current_thresholds(), interval)
except DryRunError as error:
    if not headed:
        st.title("Run", anchor=False)
    show_error(error)
    run_link("configure", "Start a run", "play_arrow")
