"""All runs of this data directory: find, name, compare, delete."""

import streamlit as st

from dryrun.app.runs.recent import recent_links
from dryrun.app.shared.frame import ensure_frame

ensure_frame()

st.title("Runs")
recent_links()
