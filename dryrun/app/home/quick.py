"""The quick run on the sample data: one button, no choices."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dryrun.app.shared.launch import launch
from dryrun.app.shared.own_data import drop_zone
from dryrun.app.shared.widgets import errors_shown
from dryrun.core.config import SamplingConfig, SamplingMethod
from dryrun.core.errors import DryRunError
from dryrun.core.paths import sample_data_dir
from dryrun.dataset import Dataset, read_dataset
from dryrun.engine.prepare import Prepared, prepare

QUICK = SamplingConfig(size=60, rollouts=2, method=SamplingMethod.STRATIFIED)


def quick_start() -> None:
    """Draw the button that tries Dry Run, and beside it the place for one's own data."""
    sides = st.grid(2, min_column_width=320, gap="medium", border=True)
    with sides.cell():
        st.header("Try it", anchor=False)
        clicked = st.button("Quick run here", type="primary", icon=":material/play_arrow:", key="quick")
        st.caption(
            f"{QUICK.size} prompts × {QUICK.rollouts} responses by a small model on this machine. "
            "No account, no key, about a minute. The first time its weights (93 MB) are fetched once."
        )
    with sides.cell():
        st.header("Use my data", anchor=False)
        drop_zone("Drop your prompts")
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
