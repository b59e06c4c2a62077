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
import ipaddress
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from streamlit.runtime import Runtime

from dryrun.app.shared.access.account import account_bar, keep_in_browser
from dryrun.app.shared.session import url_parameters
from dryrun.core.errors import DryRunError
from dryrun.core.paths import data_dir, hosted
from dryrun.core.text import plain
from dryrun.store.opened import open_store
from dryrun.store.shared.registry import unshared_words

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


FORWARDED = frozenset(
    ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "cf-connecting-ip")
)
"""Headers by which a proxy says that it passes on somebody else's request."""

HOW_TO_HOST = (
    "This Dry Run serves only the machine it runs on: start it with DRYRUN_HOSTED=1 to let others use it, "
    "or open it there as localhost, from elsewhere through an SSH tunnel."
)
SHUT = "What is stored cannot be reached at this moment. Come back in a few minutes."


def admit() -> None:
    """Stop here, with one sentence, for a visitor from elsewhere where the app is not hosted.

    A data directory that cannot be written is said too; what is stored may be read all the same.
    """
    headers = st.context.headers
    if not hosted() and from_elsewhere(st.context.ip_address, headers.get("host"), headers.keys()):
        st.error(HOW_TO_HOST, icon=":material/lock:")
        st.stop()
    _admit_to_shared_store()
    if problem := _unwritable(data_dir()):
        st.error(plain(problem, 400), icon=":material/error:")


def _admit_to_shared_store() -> None:
    """Stop here where the store that machines share cannot be opened; say what is not in it yet."""
    try:
        open_store()
    except DryRunError as error:
        st.error(SHUT if hosted() else plain(error, 400), icon=":material/cloud_off:")
        st.stop()
    for words in [] if hosted() else unshared_words():
        st.warning(plain(words, 400), icon=":material/cloud_off:")


def from_elsewhere(address: str | None, host: str | None, headers: Iterable[str]) -> bool:
    """Whether a request does not come from a browser on this machine that asked for this machine.

    Parameters
    ----------
    address : str or None
        The other end of the connection; None for a loopback one.
    host : str or None
        The ``Host`` header. Another name than this machine's means a proxy, or a web page that made its
        own name point here.
    headers : iterable of str
        Names of the request's headers.
    """
    if address is not None and not _is_here(address):
        return True
    if not FORWARDED.isdisjoint(name.lower() for name in headers):
        return True
    return host is not None and not _is_here(urlsplit(f"//{host}").hostname or "")


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback


@st.cache_resource(ttl=30, max_entries=4, show_spinner=False)
def _unwritable(folder: Path) -> str:
    """Why nothing can be kept in this data directory, and what to do; ``""`` if it can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return (
            f"Nothing can be kept in {folder} ({error.strerror or error}): set DRYRUN_DATA to a directory "
            "that can be written, and start Dry Run again."
        )


def end_with_terminal() -> None:
    """Let a closed terminal (SIGHUP) end the server as SIGTERM does: live runs are put away first."""
    if Runtime.exists() and hasattr(signal, "SIGHUP"):
        # Only the main thread may set a handler, and pages run on others.
        Runtime.instance()._get_async_objs().eventloop.call_soon_threadsafe(_hear_hang_up)


def _hear_hang_up() -> None:
    with contextlib.suppress(ValueError):  # the loop is not on the main thread
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
