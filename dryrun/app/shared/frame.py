"""The frame around every page: the list of pages, the browser's title, the logo.

Streamlit runs a page file *alone*, without ``streamlit_app.py``, when a deep link is the first thing that a
server process is asked for: the folder's name ``pages/`` switches on an old discovery of pages, which
`st.navigation` ends. So each page file begins with `ensure_frame`: inside the frame it does nothing, outside
it draws the frame. It neither calls `st.rerun`, which would lose the click that caused the run, nor
`st.navigation` alone, which would give the page's widgets other ids than in later runs.
"""

from __future__ import annotations

import contextlib
import contextvars
import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from dryrun.app.shared.access.account import account_bar
from dryrun.app.shared.access.identity import keep_in_browser
from dryrun.app.shared.session import url_parameters
from dryrun.app.shared.visitor import admit, end_with_terminal

ICON = Path(__file__).with_name("images") / "icon.png"
LOGO = Path(__file__).with_name("images") / "logo.svg"
HOME = "pages/home.py"
STYLES = f"<style>{Path(__file__).with_name('looks.css').read_text('utf-8')}</style>"
PAGES = (
    ("home", "Home", "home", "Recorded examples, a quick run, and your latest runs."),
    ("configure", "New run", "tune", "Choose data, grader, model and sample size, then start a run."),
    ("run", "Run", "play_circle", "Watch, cancel or resume a run. Its link can be kept."),
    ("results", "Results", "insights", "Verdict, score distribution, topics and single samples."),
    ("runs", "Runs", "list", "All runs: find, name, compare or delete them."),
    ("compare", "Compare", "compare_arrows", "Two graders on the same responses, or two runs."),
)
"""File, title, icon and help of each page, in the order of the work. The first one lives at ``/``."""

MANY = 100
"""Modules that are worth sparing the garbage collection."""

_spared = [0]
"""The number of modules when they were spared last."""
_inside = contextvars.ContextVar("dryrun_inside_entrypoint", default=False)


def page_list() -> list[st.Page]:
    """The pages in the menu, and one that only the address ``/home`` leads to."""
    pages = [
        st.Page(
            f"pages/{name}.py",
            title=title,
            icon=f":material/{icon}:",
            help=words,
            default=name == "home",
            url_path="start" if name == "home" else None,  # /home is the hidden page
        )
        for name, title, icon, words in PAGES
    ]
    hidden = [
        st.Page(_home_by_name, title="Home", url_path="home", visibility="hidden"),
        st.Page("pages/evidence.py", title="Does GO predict learning?", visibility="hidden"),
    ]
    return [*pages, *hidden]


def _home_by_name() -> None:
    """``/home``: the first page lives at ``/``, and Streamlit calls its own name a page not found."""
    st.switch_page(HOME, query_params=url_parameters())


def main() -> None:
    """Draw the frame and the page in it."""
    st.set_page_config(page_title="Dry Run", page_icon=str(ICON), layout="wide")
    end_with_terminal()
    admit()
    page = st.navigation(page_list(), position="top")
    st.logo(LOGO)
    account_bar()
    st.html(STYLES)
    with _entrypoint():
        page.run()
    keep_in_browser()
    _spare_the_collector()


def ensure_frame() -> None:
    """Draw the frame with this page in it, unless the page is inside it already."""
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
    """Keep the imported modules out of the garbage collection after each rerun: saves 50 ms.

    Again where a page has imported many more since.
    """
    if len(sys.modules) > _spared[0] + MANY:
        _spared[0] = len(sys.modules)
        gc.freeze()


SCROLL = """<script>/* %(count)d */ {
  const how = { behavior: "smooth", block: "start" }
  const go = () => document.getElementById("%(anchor)s")?.scrollIntoView(how)
  const watch = new ResizeObserver(go) // calls once at first; where the page grows a smooth scroll ends early
  const stop = () => watch.disconnect()
  const page = document.querySelector("[data-testid=stMainBlockContainer]")
  if (page) watch.observe(page)
  setTimeout(stop, 3000)
  for (const kind of ["wheel", "touchstart", "pointerdown", "keydown"])
    addEventListener(kind, stop, { capture: true, once: true })
}</script>"""


def scroll_here(anchor: str) -> None:
    """Scroll to the heading with this anchor: a button far below it may have changed what it shows.

    Until the page is drawn, or the reader scrolls. `anchor` is a constant of ours, never data.
    """
    count = st.session_state.get("scrolls", 0) + 1
    st.session_state["scrolls"] = count  # the browser runs a script again only if its text has changed
    st.html(SCROLL % {"count": count, "anchor": anchor}, unsafe_allow_javascript=True)
