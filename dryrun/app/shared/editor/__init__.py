"""A code editor with line numbers and errors at their lines: CodeMirror, bundled here, without a network.

Two components work together. The first holds the bundle and never changes, so that the browser keeps it;
the second, of a few lines, is sent again whenever text or errors change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import streamlit as st

HERE = Path(__file__).parent
Language = Literal["json", "python"]

_bundle = st.components.v2.component(
    "dryrun_codemirror",
    js=(HERE / "codemirror.js").read_text("utf-8") + "\n",  # a line break says: code, not a file's name
)
_editor = st.components.v2.component(
    "dryrun_editor",
    html="<dryrun-code></dryrun-code>\n",
    css=(HERE / "editor.css").read_text("utf-8"),
    js=(HERE / "mount.js").read_text("utf-8"),
)


@dataclass(frozen=True, slots=True)
class LineError:
    """An error and the line that it is on, counted from 1."""

    line: int
    message: str


def code_editor(
    label: str,
    key: str,
    language: Language,
    marks: Sequence[LineError] = (),
    on_typed: Callable[[str], None] | None = None,
) -> str:
    """Draw an editor for the text that the session keeps under `key`, and return that text.

    Parameters
    ----------
    label : str
        For screen readers.
    key : str
        Where the session keeps the text; what the page writes there appears in the editor.
    language : {"json", "python"}
    marks : sequence of LineError
    on_typed : callable, optional
        Is given a text that was typed, before the page runs again.
    """
    state = st.session_state
    text = str(state.setdefault(key, ""))
    if state.get(f"{key}_seen") != text:  # the page has set it, not the person who types
        state[f"{key}_seen"] = text
        state[f"{key}_revision"] = state.get(f"{key}_revision", 0) + 1
    data = {
        "text": text,
        "revision": state[f"{key}_revision"],
        "language": language,
        "label": label,
        "problems": [asdict(mark) for mark in marks],
    }
    with st.container(gap=None):
        _bundle(key=f"{key}_bundle", height=1)
        _editor(key=f"{key}_editor", data=data, on_typed_change=partial(_take, key, on_typed))
    return text


def _take(key: str, on_typed: Callable[[str], None] | None) -> None:
    state = st.session_state
    typed = state[f"{key}_editor"].get("typed") or {}
    text, revision = typed.get("text"), typed.get("revision")
    if isinstance(text, str) and revision == state.get(f"{key}_revision"):  # not over a text set since
        state[key] = state[f"{key}_seen"] = text
        if on_typed is not None:
            on_typed(text)
