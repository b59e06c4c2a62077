"""Two runs side by side: two graders on the same responses, or two runs over prompts."""

import streamlit as st

from dryrun.app.compare.choice import pick_runs
from dryrun.app.compare.view import comparison_view
from dryrun.app.results.thresholds import threshold_panel
from dryrun.app.shared.frame import ensure_frame
from dryrun.app.shared.widgets import show_error
from dryrun.core.errors import DryRunError

ensure_frame()

st.title("Compare runs", anchor=False)
try:
    first, second = pick_runs()
    if first is None or second is None:
        st.info(
            "Choose two runs: the one before and the one after. Runs has a Compare button for two selected "
            "rows; Adjust Grader, on Results, makes a second run of the same responses.",
            icon=":material/info:",
        )
        st.stop()
    with st.sidebar:
        thresholds = threshold_panel()
    comparison_view(first, second, thresholds, not thresholds.document_only)
except DryRunError as error:
    show_error(error)
