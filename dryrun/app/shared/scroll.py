"""Bringing a section into view after a button moved it: on a small screen it is far below the button."""

from __future__ import annotations

import streamlit as st


def scroll_here(anchor: str) -> None:
    """Scroll to the heading with this anchor, once. `anchor` is a constant of ours, never data."""
    count = st.session_state.get("scrolls", 0) + 1
    st.session_state["scrolls"] = count  # the browser runs a script again only if its text has changed
    st.html(
        f"<script>/* {count} */ document.getElementById('{anchor}')"
        "?.scrollIntoView({behavior: 'smooth', block: 'start'});</script>",
        unsafe_allow_javascript=True,
    )
