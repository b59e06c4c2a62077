"""Which run the page is about."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.lists.rows import title_of
from dryrun.app.shared.session import config_of, model_words
from dryrun.core.text import plain
from dryrun.store.runs import Run, RunStatus


def run_head(run: Run, status: RunStatus) -> None:
    """Draw the run's name, and below it dataset, size and model."""
    config = config_of(run)
    with st.container(gap=None, width="stretch"):
        st.title(f":small[Run] {plain(title_of(run, config), 80)}", anchor=False)
        st.caption(
            f"{plain(config.dataset.name, 80)} · {status.total or config.responses:,} responses "
            f"({config.sampling.rollouts} per prompt) by {model_words(config.model)}"
        )
