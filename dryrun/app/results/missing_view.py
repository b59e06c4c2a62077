"""Why responses have no score, on the pages that count them."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.loading import Loaded
from dryrun.core.text import plain
from dryrun.report.missing import Reason, missing_reasons


def missing_view(loaded: Loaded) -> None:
    """The commonest reasons with their counts; nothing where every response has a score."""
    reasons = _reasons(loaded.version, loaded)
    if reasons:
        lines = "\n".join(f"- {reason.count:,} × {plain(reason.words, 400)}" for reason in reasons)
        st.markdown(f"**Why scores are missing**\n\n{lines}")


@st.cache_resource(max_entries=32, ttl=3600, show_spinner=False)
def _reasons(version: tuple[str, ...], _loaded: Loaded) -> tuple[Reason, ...]:
    """`version` is the cache's key."""
    return missing_reasons(_loaded.results)
