"""Widgets and boxes that several pages draw alike."""

from __future__ import annotations

import contextlib
import mimetypes
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

import altair as alt
import pyarrow as pa
import streamlit as st

from dryrun.core.errors import DryRunError, ProblemsError
from dryrun.core.text import plain

KEPT = 128
"""Charts kept ready per process, a few kilobytes each."""

Make = Callable[..., alt.LayerChart]
Choice = TypeVar("Choice", bound=StrEnum)


def draw_chart(
    make: Make, *parts: Hashable, words: str, key: str | None = None, selection: str | None = None
) -> None:
    """Draw ``make(*parts)``. A chart is made once for equal parts and kept.

    `st.altair_chart` would check the chart against Vega-Lite's schema and pack its data at every rerun,
    30 to 70 ms a chart, felt at every moved threshold. Here the tests check each chart's schema instead.

    Parameters
    ----------
    make : callable
    *parts : hashable
        All that the chart depends on.
    words : str
        The chart in words, for screen readers.
    key : str, optional
        Name of the widget.
    selection : str, optional
        Name of a selection in the chart; a click that changes it runs the page again.
    """
    spec = chart_spec(make, *parts)
    if selection is None:
        st.vega_lite_chart(spec, key=key, alt=words)
    else:
        st.vega_lite_chart(spec, key=key, alt=words, on_select="rerun", selection_mode=selection)


@lru_cache(maxsize=KEPT)
def chart_spec(make: Make, *parts: Hashable) -> dict[str, Any]:
    """``make(*parts)`` in Vega-Lite, its data in Arrow: `st.vega_lite_chart` sends it as it is."""
    spec: dict[str, Any] = make(*parts).to_dict(validate=False)
    spec["datasets"] = {name: _packed(rows) for name, rows in spec.get("datasets", {}).items()}
    return spec


def _packed(rows: list[dict[str, Any]]) -> bytes:
    table = pa.Table.from_pylist(rows)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def bullets(sentences: Iterable[str], limit: int = 400) -> str:
    """A Markdown list; each sentence is shown letter by letter and cut to `limit` characters."""
    return "\n".join(f"- {plain(sentence, limit)}" for sentence in sentences)


def show_error(error: DryRunError) -> None:
    """The error's sentence in a box; below it the places of a list of problems."""
    words = error.summary if isinstance(error, ProblemsError) else error
    st.error(plain(words, 600), icon=":material/error:")
    if isinstance(error, ProblemsError) and error.problems:
        lines = [str(problem) for problem in error.problems]
        hidden = error.total - len(error.problems)
        if hidden > 0:
            lines.append(f"... and {hidden:,} more")
        st.code("\n".join(lines), language=None, wrap_lines=True)


@contextlib.contextmanager
def errors_shown() -> Iterator[None]:
    """Show a user's error where it happens; the page goes on below."""
    try:
        yield
    except DryRunError as error:
        show_error(error)


@contextlib.contextmanager
def error_kept(place: str) -> Iterator[None]:
    """In a callback: keep a user's error in the session until `show_kept_error` has its turn."""
    try:
        yield
    except DryRunError as error:
        st.session_state[place] = error


def show_kept_error(place: str) -> None:
    """Show what `error_kept` kept there, once."""
    if error := st.session_state.pop(place, None):
        show_error(error)


def download(
    label: str,
    content: bytes | Callable[[], bytes],
    file_name: str,
    key: str,
    *,
    disabled: bool = False,
    hint: str | None = None,
) -> None:
    """A button that hands out a file. A callable makes the content only when it is clicked."""
    st.download_button(
        label,
        content,
        file_name,
        mimetypes.guess_type(file_name)[0],
        key=key,
        help=hint,
        disabled=disabled,
        on_click="ignore",
        icon=":material/download:",
    )


def pick_kind(label: str, kinds: list[Choice], key: str) -> Choice:
    """Draw the choice of a kind and return it; the first one by default. The session keeps it."""
    chosen = st.segmented_control(
        label,
        kinds,
        default=kinds[0],
        required=True,
        key=key,
        persist_state="session",
        label_visibility="collapsed",
    )
    return type(kinds[0])(chosen or kinds[0])


def number_field(
    label: str,
    key: str,
    low: Any = None,
    high: Any = None,
    *,
    value: Any = None,
    step: Any = 1,
    empty: str = "",
    form: str | None = None,
    hint: str | None = None,
) -> Any:
    """A number that the session keeps, whole where `step` is; None while an optional one is `empty`."""
    return st.number_input(
        label,
        min_value=low,
        max_value=high,
        value=value,
        step=step,
        format=form,
        key=key,
        help=hint,
        placeholder=empty,
        persist_state="session",
    )


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


def api_key_input(key: str, label: str = "API key") -> str:
    """A password field; what is typed leaves it only for the calls themselves."""
    typed = st.text_input(
        label,
        type="password",
        key=key,
        autocomplete="off",
        help="Used for this run's calls only: never stored, logged or put into a link. "
        "Leave it empty for a server that needs none.",
    )
    return str(typed or "").strip()
