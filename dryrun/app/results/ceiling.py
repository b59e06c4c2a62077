"""A stronger model's run as ceiling; the choice is kept with the run."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.run_rows import run_choice
from dryrun.app.shared.session import Chosen, open_by_name
from dryrun.app.shared.widgets import error_kept, show_kept_error
from dryrun.core.text import plain
from dryrun.store.ceiling import ceiling_words, choose_ceiling, forget_ceiling
from dryrun.store.results import load_results

CHOICE = "ceiling_choice"
PROBLEM = "ceiling_problem"


def ceiling_section(chosen: Chosen, loaded: Loaded, mean: float | None) -> None:
    """Draw what the ceiling says, or the choice of one; nothing for people who may not change the run."""
    if not chosen.access.may(Right.CONTROL):
        return
    with st.expander("A stronger model as ceiling (optional)", icon=":material/vertical_align_top:"):
        show_kept_error(PROBLEM)
        if loaded.ceiling is not None:
            st.markdown(plain(ceiling_words(loaded.ceiling, mean), 500))
            st.button("Forget it", on_click=forget_ceiling, args=(chosen.run,), key="ceiling_forget")
            return
        st.caption(
            "Without reference answers, what a stronger model earns on the same prompts tells whether this "
            "grader lets anything score high. Run it on the same dataset, seed and grader, then choose it."
        )
        name = run_choice("Run of a stronger model", CHOICE)
        st.button("Use as ceiling", on_click=_use, args=(loaded, name), disabled=not name, key="ceiling_use")


def _use(loaded: Loaded, name: str) -> None:
    with error_kept(PROBLEM):
        loaded.access.need(Right.CONTROL)
        choose_ceiling(loaded.results, load_results(open_by_name(name, Right.PAGES).run))
