"""What Dry Run is for, a quick run, recorded examples, the latest runs."""

import streamlit as st

from dryrun.app.home.view import example_cards, hand_on, latest_runs, quick_start
from dryrun.app.shared.frame import ensure_frame

ensure_frame()

hand_on()
st.title("Dry Run", anchor=False)
st.markdown(
    "Before you pay for reinforcement fine-tuning: let the base model answer a sample of your prompts, "
    "grade the answers, and read **GO** or **NO-GO** with the reasons."
)
quick_start()
latest_runs()
example_cards()
