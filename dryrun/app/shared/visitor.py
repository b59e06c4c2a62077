"""Who may use this server, and what must be there before anything is drawn."""

from __future__ import annotations

import contextlib
import ipaddress
import signal
import tempfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from streamlit.runtime import Runtime

from dryrun.core.errors import DryRunError
from dryrun.core.paths import data_dir, hosted
from dryrun.core.text import plain
from dryrun.store.shared.address import open_store
from dryrun.store.shared.registry import unshared_words

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
