"""The frame around every page: page list, browser title, sidebar.

A folder named ``pages/`` switches on Streamlit's old page discovery until some session of the server
process has called `st.navigation`. Until then a deep link runs the page file *alone*, without
``streamlit_app.py``. So every page starts with `ensure_frame`, which does nothing when the entrypoint
is around it and draws the same frame when it is not. No `st.rerun` there: a rerun would lose the click
that caused the run; and no bare `st.navigation`: the page would have other widget ids than in later runs.

Bringing a section into view after a button moved it: on a small screen it is far below the button.
"""

from __future__ import annotations

import contextlib
import contextvars
import gc
from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from dryrun.app.shared.sidebar import sidebar

ICON = Path(__file__).with_name("icon.png")
CONFIGURE = "pages/configure.py"

_inside = contextvars.ContextVar("dryrun_inside_entrypoint", default=False)


def page_list() -> list[st.Page]:
    """The pages in the order of the work."""
    return [
        st.Page(
            CONFIGURE,
            title="Configure",
            icon=":material/tune:",
            url_path="start",  # leaves its name to the page that answers to it
            default=True,
            help="Choose data, grader, model and sample size, then start a run.",
        ),
        st.Page(
            "pages/run.py",
            title="Run",
            icon=":material/play_circle:",
            help="Watch, cancel or resume a run. Its link can be kept.",
        ),
        st.Page(
            "pages/results.py",
            title="Results",
            icon=":material/insights:",
            help="Verdict, score distribution, topics and single samples.",
        ),
        st.Page(
            "pages/compare.py",
            title="Compare",
            icon=":material/compare_arrows:",
            help="Two graders on the same responses, or two runs.",
        ),
        st.Page(_configure_by_name, title="Configure", url_path="configure", visibility="hidden"),
    ]


def _configure_by_name() -> None:
    """``/configure``: the first page lives at ``/``, and Streamlit calls its own name a page not found."""
    st.switch_page(CONFIGURE, query_params=st.query_params.to_dict())


def main() -> None:
    """Draw the frame and the page in it."""
    st.set_page_config(page_title="Dry Run", page_icon=str(ICON), layout="wide")
    page = st.navigation(page_list())
    with st.sidebar:
        sidebar()
    with _entrypoint():
        page.run()
    _spare_the_collector()


def ensure_frame() -> None:
    """The first statement of every page file."""
    if not _inside.get():
        main()  # runs this same page again, now inside the frame and with the right widget ids
        st.stop()


@contextlib.contextmanager
def _entrypoint() -> Iterator[None]:
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


def _spare_the_collector() -> None:
    """Once per process: keep the imported modules out of the collection after each rerun (50 ms of it)."""
    if gc.get_freeze_count() == 0:
        gc.freeze()


def scroll_here(anchor: str) -> None:
    """Scroll to the heading with this anchor, once. `anchor` is a constant of ours, never data."""
    count = st.session_state.get("scrolls", 0) + 1
    st.session_state["scrolls"] = count  # the browser runs a script again only if its text has changed
    st.html(
        f"<script>/* {count} */ document.getElementById('{anchor}')"
        "?.scrollIntoView({behavior: 'smooth', block: 'start'});</script>",
        unsafe_allow_javascript=True,
    )
