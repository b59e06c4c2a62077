"""A stronger model's run as ceiling: chosen here, kept with the run, named wherever it counts."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.session import Chosen, open_by_name
from dryrun.app.shared.sidebar import run_choice
from dryrun.app.shared.widgets import show_error
from dryrun.core.errors import DryRunError
from dryrun.core.text import plain
from dryrun.store.ceiling import ceiling_words, choose_ceiling, forget_ceiling
from dryrun.store.results import load_results
from dryrun.store.runs import Run

CHOICE = "ceiling_choice"
PROBLEM = "ceiling_problem"


def ceiling_section(chosen: Chosen, loaded: Loaded, mean: float | None) -> None:
    """What the ceiling says, or a choice of one. The recorded example is read-only and has none."""
    if chosen.recorded:
        return
    with st.expander("A stronger model as ceiling (optional)", icon=":material/vertical_align_top:"):
        if problem := st.session_state.pop(PROBLEM, None):
            show_error(problem)
        if loaded.ceiling is not None:
            st.markdown(plain(ceiling_words(loaded.ceiling, mean), 500))
            st.button("Forget it", on_click=forget_ceiling, args=(chosen.run,), key="ceiling_forget")
            return
        st.caption(
            "Without reference answers, what a stronger model earns on the same prompts tells whether this "
            "grader lets anything score high. Run it on the same dataset, seed and grader, then choose it."
        )
        name = run_choice("Run of a stronger model", CHOICE)
        st.button(
            "Use as ceiling",
            on_click=_use,
            args=(loaded, name),
            disabled=not name,
            key="ceiling_use",
        )


def _use(loaded: Loaded, name: str) -> None:
    try:
        stronger: Run = open_by_name(name)
        choose_ceiling(loaded.results, load_results(stronger))
    except DryRunError as error:
        st.session_state[PROBLEM] = error
