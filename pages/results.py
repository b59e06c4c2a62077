"""A run's verdict with its figures at once; samples and all else in tabs below."""

import streamlit as st

from dryrun.app.results.banner import redrawn_at_the_end, verdict_card
from dryrun.app.results.distribution import distribution, outcome_choice
from dryrun.app.results.findings import findings
from dryrun.app.results.provenance import empty_state, provenance
from dryrun.app.results.tabs import tabs
from dryrun.app.results.thresholds import limit_fields, threshold_panel
from dryrun.app.shared.frame import ensure_frame
from dryrun.app.shared.loading import load_run
from dryrun.app.shared.session import chosen_run, error_for_viewer, recorded_run, run_link
from dryrun.app.shared.widgets import show_error
from dryrun.core.errors import DryRunError

SIDE_BY_SIDE = 390
"""Pixels that each half needs; on a narrower screen the second half stands below the first."""

ensure_frame()

try:
    chosen = chosen_run() or recorded_run()
    if chosen is None:
        empty_state()
        st.stop()
    with st.sidebar:
        threshold_panel()
    status, loaded = load_run(chosen)
    with st.sidebar:
        loaded = outcome_choice(loaded)

    with st.container(gap=None, key="above"):  # the first draws nothing and needs no room
        redrawn_at_the_end(chosen, status)
        with st.container():
            provenance(chosen, loaded)
    verdict_card(chosen, status, loaded)
    halves = st.grid(2, min_column_width=SIDE_BY_SIDE, gap="medium")
    with halves.cell():
        distribution(loaded)
        limit_fields()
    with halves.cell():
        findings(status, loaded)
    tabs(chosen, status, loaded)
except DryRunError as error:
    st.title("Results", anchor=False)
    show_error(error_for_viewer(error))
    run_link("configure", "Start a run", "play_arrow")
