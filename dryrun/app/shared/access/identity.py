"""Who is looking: a person who is signed in, else a browser that keeps a secret of its own.

On one's own machine nobody is asked. Where strangers share the server, a browser gets 128 random bits in a
cookie, so that who started a run is still its owner after a reload, in another tab, and when the server was
restarted. The server keeps their hash only.
"""

from __future__ import annotations

import re
import secrets

import streamlit as st

from dryrun.app.shared.access.account import accounts_on, person
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.store.access import hash_of

COOKIE = "dryrun_browser"
SECRET = "browser_secret"
"""Where the session keeps its browser's secret."""
_SECRET = re.compile(r"[0-9a-f]{32}\Z")
YEAR = 365 * 24 * 3600

KEEP = """<script>
(() => {
  const kept = document.cookie.match(/(?:^|; )%(name)s=([0-9a-f]{32})(?:;|$)/);
  if (kept && kept[1] !== "%(secret)s" && !sessionStorage.getItem("%(name)s")) {
    sessionStorage.setItem("%(name)s", "asked again");  // another tab was quicker: be the same visitor
    location.reload();
  } else if (!kept) {
    const framed = location.protocol === "https:" && window.top !== window;
    document.cookie = "%(name)s=%(secret)s; path=/; max-age=%(age)d; " +
      (framed ? "SameSite=None; Secure; Partitioned"
              : "SameSite=Lax" + (location.protocol === "https:" ? "; Secure" : ""));
  }
})();
</script>"""
"""Writes the cookie. A host that shows the app in a frame of its page gets a cookie for that frame alone."""


def browser_secret() -> str:
    """This browser's secret: from its cookie, else a new one that this session keeps."""
    known = st.session_state.get(SECRET)
    if known is None:
        cookie = st.context.cookies.to_dict().get(COOKIE, "")
        known = cookie if _SECRET.match(cookie) else secrets.token_hex(16)
        st.session_state[SECRET] = known
    return str(known)


def keep_in_browser() -> None:
    """Let the browser keep its secret, where strangers share the server. Draws nothing that can be seen."""
    if hosted() and st.context.cookies.to_dict().get(COOKIE) != browser_secret():
        words = KEEP % {"name": COOKIE, "secret": browser_secret(), "age": YEAR}
        st.html(words, unsafe_allow_javascript=True)


def visitor() -> str:
    """The hash under which this visitor starts runs."""
    return person() or _browser()


def holders() -> tuple[str, ...]:
    """Every hash that is this visitor's: a person's, and that of the browser they sit at."""
    return tuple(filter(None, (person(), _browser())))


def _browser() -> str:
    return hash_of("browser", browser_secret())


def may_start() -> None:
    """Pass where this visitor may work on runs.

    Raises
    ------
    DryRunError
        Runs belong to people here, and nobody is signed in.
    """
    if accounts_on() and not person():
        raise DryRunError("Sign in first, at the top of the page: runs belong to people on this server.")
