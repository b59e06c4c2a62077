"""The profiles of whole datasets in this data directory, and how far they are."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.widgets import drawn_again
from dryrun.core.paths import data_dir, hosted
from dryrun.engine.profile.stored import ProfileStanding, standings
from dryrun.store.partition import Store

OFTEN = 3
"""Seconds between two looks at profiles that somebody works on."""


def profiles_view() -> None:
    """Draw them, where there are any; not on a server of strangers, who would see each other's."""
    profiles = [] if hosted() else standings(Store(data_dir()))
    if profiles:
        st.subheader("Profiles of whole datasets", anchor=False)
        live = any(standing.live for standing in profiles)
        drawn_again(_table, OFTEN if live else None, live)


def _table(live: bool) -> None:
    profiles = standings(Store(data_dir()))
    st.dataframe(
        [_row(standing) for standing in profiles],
        hide_index=True,
        column_config={
            "Shards done": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
            "Changed": st.column_config.DatetimeColumn(format="distance"),
        },
    )
    st.caption("Made and continued by `python -m dryrun profile --all`, on this machine or on a Ray cluster.")
    if live and not any(standing.live for standing in profiles):
        st.rerun()  # ends the timer


def _row(standing: ProfileStanding) -> dict[str, object]:
    return {
        "Dataset": standing.dataset,
        "Model": standing.model,
        "Shards done": standing.done / max(standing.shards, 1),
        "Shards": f"{standing.done:,} of {standing.shards:,}"
        + (f", {standing.live:,} at work" if standing.live else ""),
        "Responses": standing.responses,
        "Calls": standing.calls,
        "Changed": standing.updated,
    }
