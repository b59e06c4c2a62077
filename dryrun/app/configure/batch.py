"""The Batch API on the pages: the switch where a run is configured, the choice where it is resumed."""

from __future__ import annotations

import streamlit as st

from dryrun.core.config import BatchConfig, ModelConfig
from dryrun.core.text import plain
from dryrun.engine.batch_records import under_way
from dryrun.models.urls import host_of, known_for_batches
from dryrun.store.runs import Run

SWITCH = "model_batch"
GO_ON = "resume_batch"


def batch_switch(base_url: str) -> BatchConfig | None:
    """Draw the switch for an endpoint; how batches are made, or None for a call per response."""
    chosen = st.toggle(
        "Generate through the Batch API (half the price, up to 24 h)",
        key=SWITCH,
        persist_state="session",
        help="All requests go out at once and come back within 24 hours, most often sooner. You can close "
        "this page meanwhile: the batch goes on at the endpoint, and resuming the run collects it. Judges "
        "are asked call by call when the responses are there.",
    )
    if not chosen:
        return None
    if not known_for_batches(base_url):
        host = plain(host_of(base_url), 80)
        st.caption(
            f"{host} is not known to have a Batch API. If it has none, the run says so at once, "
            "and nothing is paid for."
        )
    return BatchConfig()


def resume_choice(run: Run, model: ModelConfig) -> int:
    """Draw how to go on with a run that may have begun with batches; how many requests are in one."""
    waiting = under_way(run)
    if waiting:
        st.caption(
            f"{waiting:,} requests are in a batch at the endpoint and go on there. Resume collects them; "
            "the API key must be of the same project."
        )
    if model.batch is not None:
        st.toggle(
            "Ask for what is left through the Batch API",
            value=True,
            key=GO_ON,
            help="Off: call by call, at the full price and at once. A batch under way is collected first "
            "in either case, so nothing is paid for twice.",
        )
    return waiting


def chosen_batch(model: ModelConfig) -> BatchConfig | None:
    """What `resume_choice` was set to."""
    return model.batch if st.session_state.get(GO_ON, True) else None
