"""People who sign in, where the server's secrets have an ``[auth]`` section (OpenID Connect)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from dryrun.core.paths import hosted
from dryrun.core.text import plain, visible
from dryrun.store.access import hash_of

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
            st.text(visible(who[:80]), width="content")
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
