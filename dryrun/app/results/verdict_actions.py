"""The buttons under the verdict."""

from __future__ import annotations

import streamlit as st

from dryrun.analysis.figures.statistics import is_valid
from dryrun.analysis.selection import Show
from dryrun.app.configure.regrade import ADJUST
from dryrun.app.results.downloads import start_training, try_sft
from dryrun.app.results.inspector import show_group
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.session import RECORDED, RUN, Chosen
from dryrun.core.config import Verdict


def verdict_actions(chosen: Chosen, loaded: Loaded, verdict: Verdict, caution: str = "") -> None:
    """What to do next: on a GO read samples and train, else find the cause.

    `caution` is what the grader check says against training, if anything.
    """
    with st.container(horizontal=True):
        if verdict == "GO":
            _show("View High Scores", Show.HIGHEST)
            _show("View Low Scores", Show.LOWEST)
            _adjust(chosen)
        else:
            if verdict == "INVALID" and not is_valid(loaded.observations.score).all():
                _show("View Responses Without a Score", Show.WITHOUT_SCORE)
            _show("Review Samples", Show.LOWEST)
            _show("View High Scores", Show.HIGHEST)
            _adjust(chosen)
            try_sft(loaded)
        start_training(loaded, verdict, caution)


def _show(label: str, show: Show) -> None:
    st.button(label, on_click=show_group, args=(show,), key=f"go_{show.value}")


def _adjust(chosen: Chosen) -> None:
    if st.button("Adjust Grader", key="adjust_grader", help="Re-scores the stored responses: no calls."):
        name = RECORDED if chosen.recorded else chosen.run.id
        st.switch_page("pages/configure.py", query_params={RUN: name, ADJUST: name})
