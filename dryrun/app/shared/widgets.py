"""Charts on the page. What a chart is made of is its key: drawn again with equal parts it costs nothing.

`st.altair_chart` checks the whole chart against Vega-Lite's schema and packs its data anew at every rerun,
30 to 70 ms a chart, felt at every moved threshold. Here the tests check the schema of each chart instead.

Errors as a viewer sees them: one sentence, then the places, as plain text.

Uploads that survive a page switch: the uploader itself forgets its file.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import altair as alt
import pyarrow as pa
import streamlit as st

from dryrun.core.errors import DryRunError, ProblemsError
from dryrun.core.text import plain

KEPT = 128
"""Charts kept ready per process, a few kilobytes each."""

Make = Callable[..., alt.LayerChart]


def draw_chart(
    make: Make, *parts: Hashable, told: str, key: str | None = None, selection: str | None = None
) -> None:
    """Draw the chart that `make` gives for these parts.

    Parameters
    ----------
    make : callable
    *parts : hashable
        What it is called with; all that the chart depends on.
    told : str
        The chart in words, for screen readers.
    key, selection : str, optional
        Name of the widget; and of the selection in the chart, whose clicks draw the page anew.
    """
    spec = chart_spec(make, *parts)
    if selection is None:
        st.vega_lite_chart(spec, key=key, alt=told)
    else:
        st.vega_lite_chart(spec, key=key, alt=told, on_select="rerun", selection_mode=selection)


@lru_cache(maxsize=KEPT)
def chart_spec(make: Make, *parts: Hashable) -> dict[str, Any]:
    """The chart as Vega-Lite, its data as Arrow: what `st.vega_lite_chart` sends without any more work."""
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


def show_error(error: DryRunError) -> None:
    """The error's sentence; for a list of problems, each with its place below."""
    if not isinstance(error, ProblemsError):
        st.error(plain(error, 600), icon=":material/error:")
        return
    st.error(plain(error.summary, 600), icon=":material/error:")
    if error.problems:
        lines = [str(problem) for problem in error.problems]
        hidden = error.total - len(error.problems)
        if hidden > 0:
            lines.append(f"... and {hidden:,} more")
        st.code("\n".join(lines), language=None, wrap_lines=True)


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
