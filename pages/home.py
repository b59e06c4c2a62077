"""What Dry Run is for, recorded examples, a quick run, the latest runs."""

import streamlit as st

from dryrun.app.home.old_links import hand_on
from dryrun.app.home.quick import quick_start
from dryrun.app.shared.frame import ensure_frame

ensure_frame()

hand_on()
st.title("Dry Run")
quick_start()
