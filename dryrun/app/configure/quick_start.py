"""The first thing a newcomer sees: one sentence, one button."""

from __future__ import annotations

import streamlit as st

from dryrun.app.configure.dataset import sample_dataset, sample_dataset_path
from dryrun.app.configure.grader import sample_graders
from dryrun.app.configure.start import launch
from dryrun.app.shared.session import RECORDED, RUN, recorded_run
from dryrun.app.shared.widgets import show_error
from dryrun.core.config import SamplingConfig, SamplingMethod
from dryrun.core.errors import DryRunError
from dryrun.engine.prepare import Prepared, prepare

QUICK = SamplingConfig(size=60, rollouts=2, method=SamplingMethod.STRATIFIED)
DEFAULT_GRADER = "combined"
"""The sample grader the quick run uses, where there is one of this name; else the first."""


def quick_start() -> None:
    """Draw it."""
    st.markdown(
        "Before you pay for reinforcement fine-tuning: let the base model answer a sample of your prompts, "
        "grade the answers, and read **GO** or **NO-GO** with the reasons."
    )
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            clicked = st.button(
                "Quick run on the sample data", type="primary", icon=":material/play_arrow:", key="quick"
            )
            if recorded_run() is not None:
                st.page_link(
                    "pages/results.py",
                    label="Or see a recorded result first",
                    icon=":material/insights:",
                    query_params={RUN: RECORDED},
                )
        st.caption(
            f"{QUICK.size} prompts × {QUICK.rollouts} responses by a small model on this machine. "
            "No account, no key, one to two minutes. The first time its weights (93 MB) are fetched once."
        )
    if clicked:
        _go()


def quick_prepared() -> Prepared:
    """The quick run, checked.

    Raises
    ------
    DryRunError
        The sample data is not there.
    """
    graders = sample_graders()
    if not graders or not sample_dataset_path().is_file():
        raise DryRunError("This copy of Dry Run came without its sample data. Use your own below.")
    grader = graders.get(DEFAULT_GRADER) or next(iter(graders.values()))
    return prepare(sample_dataset(), grader.read_text(encoding="utf-8"), sampling=QUICK)


def _go() -> None:
    try:
        prepared = quick_prepared()
    except DryRunError as error:
        show_error(error)
        return
    launch(prepared)
