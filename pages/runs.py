"""All runs of this data directory: find, name, compare, delete."""

import streamlit as st

from dryrun.app.runs.view import profiles_view, runs_view
from dryrun.app.shared.frame import ensure_frame

ensure_frame()

st.title("Runs", anchor=False)
runs_view()
profiles_view()
