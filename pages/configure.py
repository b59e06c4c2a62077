"""New run: data, grader, model and size, each a step; a bar that is always in view starts the run."""

import streamlit as st

from dryrun.app.configure.form import new_run_form
from dryrun.app.configure.regrade import regrade_form
from dryrun.app.shared.frame import ensure_frame
from dryrun.app.shared.session import ADJUST

ensure_frame()

st.title("New run", anchor=False)
if adjusted := st.query_params.get(ADJUST):
    regrade_form(adjusted)
else:
    new_run_form()
