"""Who is looking: a person who signs in (OpenID Connect), else a browser that keeps a secret of its own.

On one's own machine nobody is asked. Where strangers share the server, a browser gets 128 random bits in a
cookie, so that who started a run is still its owner after a reload, in another tab, and when the server was
restarted. The server keeps their hash only.

People sign in where the server's secrets have an ``[auth]`` section.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.text import cut, plain, visible
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


DEFAULT = "client_id"
"""What the section has itself where it names one provider only."""


def accounts_on() -> bool:
    """Whether people sign in here."""
    return hosted() and "is_logged_in" in _claims()


def person() -> str:
    """The hash of the person who is signed in; ``""`` where nobody is."""
    claims = _claims()
    name = claims.get("sub") or claims.get("email")
    if not accounts_on() or not claims.get("is_logged_in") or not name:
        return ""
    return hash_of("person", f"{claims.get('iss', '')}\n{name}")


def account_bar() -> None:
    """Draw who is signed in with a button to sign out, or buttons to sign in; nothing without accounts."""
    if not accounts_on():
        return
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if person():
            claims = _claims()
            who = str(claims.get("email") or claims.get("name") or "Signed in")
            st.text(visible(cut(who, 80)), width="content")
            st.button("Sign out", key="sign_out", icon=":material/logout:", on_click=st.logout)
            return
        for provider in _providers():
            label = f"Sign in with {plain(provider, 30)}" if provider else "Sign in"
            st.button(
                label,
                key=f"sign_in_{provider}",
                icon=":material/login:",
                on_click=partial(st.login, provider) if provider else st.login,
            )


def _claims() -> dict[str, Any]:
    return dict(st.user.to_dict())


def _providers() -> list[str]:
    """The names of the providers there are; ``""`` for one without a name."""
    section: Mapping[str, Any] = st.secrets.get("auth", {})
    named = [name for name, value in section.items() if isinstance(value, Mapping)]
    return named if named and DEFAULT not in section else ["", *named]
