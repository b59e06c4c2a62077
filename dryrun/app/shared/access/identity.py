"""Who is looking: a browser that keeps a secret of its own.

On one's own machine nobody is asked. Where strangers share the server, a browser gets 128 random bits in a
cookie, so that who started a run is still its owner after a reload, in another tab, and when the server was
restarted. The server keeps their hash only.
"""

from __future__ import annotations

import re
import secrets

import streamlit as st

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
        given = st.context.cookies.to_dict().get(COOKIE, "")
        known = given if _SECRET.match(given) else secrets.token_hex(16)
        st.session_state[SECRET] = known
    return str(known)


def keep_in_browser() -> None:
    """Let the browser keep its secret, where strangers share the server. Draws nothing that can be seen."""
    if hosted() and st.context.cookies.to_dict().get(COOKIE) != browser_secret():
        words = KEEP % {"name": COOKIE, "secret": browser_secret(), "age": YEAR}
        st.html(words, unsafe_allow_javascript=True)


def visitor() -> str:
    """The hash under which this visitor starts runs."""
    return hash_of("browser", browser_secret())


def holders() -> tuple[str, ...]:
    """Every hash that is this visitor's."""
    return (visitor(),)
