"""The quick run on the sample data: one button, no choices."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dryrun.app.shared.launch import launch
from dryrun.app.shared.session import RECORDED, recorded_run, run_link
from dryrun.app.shared.widgets import errors_shown
from dryrun.core.config import SamplingConfig, SamplingMethod
from dryrun.core.errors import DryRunError
from dryrun.core.paths import sample_data_dir
from dryrun.dataset import Dataset, read_dataset
from dryrun.engine.prepare import Prepared, prepare

QUICK = SamplingConfig(size=60, rollouts=2, method=SamplingMethod.STRATIFIED)


def quick_start() -> None:
    """Draw the first thing a newcomer sees: what Dry Run is for, and one button that tries it."""
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
                run_link("results", "Or see a recorded result first", "insights", RECORDED)
        st.caption(
            f"{QUICK.size} prompts × {QUICK.rollouts} responses by a small model on this machine. "
            "No account, no key, about a minute. The first time its weights (93 MB) are fetched once."
        )
    if clicked:
        with errors_shown():
            launch(_quick_prepared())


def _quick_prepared() -> Prepared:
    dataset, grader = sample_data_dir() / "reasoning.jsonl", sample_data_dir() / "graders" / "combined.json"
    if not (dataset.is_file() and grader.is_file()):
        raise DryRunError("This copy of Dry Run came without its sample data. Use your own on New run.")
    return prepare(_sample_dataset(dataset), grader.read_text(encoding="utf-8"), sampling=QUICK)


@st.cache_resource(max_entries=1, show_spinner=False)
def _sample_dataset(path: Path) -> Dataset:
    return read_dataset(path, path.name)
