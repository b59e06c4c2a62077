"""Uploads that survive a page switch: the uploader itself forgets its file."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from dryrun.core.text import plain


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came."""

    name: str
    content: bytes


def kept_upload(label: str, types: list[str], key: str, hint: str) -> Upload | None:
    """An uploader whose last file stays in the session until it is removed.

    Parameters
    ----------
    label, hint : str
    types : list of str
        File endings that are taken.
    key : str
    """
    st.file_uploader(label, type=types, key=key, help=hint, on_change=_keep, args=(key,))
    kept: Upload | None = st.session_state.get(_place(key))
    if kept is not None and st.session_state.get(key) is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Using {plain(kept.name, 80)}, uploaded before.")
            st.button("Remove", key=f"{key}_remove", on_click=_forget, args=(key,), type="tertiary")
    return kept


def _place(key: str) -> str:
    return f"{key}_kept"


def _keep(key: str) -> None:
    file = st.session_state.get(key)
    if file is None:
        _forget(key)
    else:
        st.session_state[_place(key)] = Upload(file.name, file.getvalue())


def _forget(key: str) -> None:
    st.session_state.pop(_place(key), None)
