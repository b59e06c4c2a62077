"""A live run whose verdict has settled: said, with a stop offered and never taken."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.session import may_cancel
from dryrun.core.text import plain
from dryrun.engine.early_stop import SettledWatch
from dryrun.store.runs import Run, RunStatus


def settled_offer(run: Run, status: RunStatus) -> None:
    """Draw it; nothing while the verdict may still move."""
    if run.stop_asked():
        st.caption("Stopping: the calls in flight are finished and graded first.")
        return
    found = _watch(str(run.folder.resolve()), run).check(status)
    if found is None:
        return
    st.success(plain(found.sentence), icon=":material/flag:")
    if may_cancel(run):
        st.button(
            "Stop here and keep what is done",
            icon=":material/flag:",
            key="stop_early",
            on_click=run.stop_early,
            help="Calls in flight are finished and graded. More prompts would narrow the intervals.",
        )


@st.cache_resource(max_entries=16, ttl=3600, show_spinner=False)
def _watch(folder: str, _run: Run) -> SettledWatch:
    """One for all viewers of a run; `folder` is the cache's key."""
    return SettledWatch(_run)
