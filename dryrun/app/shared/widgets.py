"""Widgets and boxes that several pages draw alike."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import mimetypes
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from dryrun.core.errors import DryRunError, ProblemsError
from dryrun.core.paths import hosted
from dryrun.core.text import plain, size_words

KEPT = 128
"""Charts kept ready per process, a few kilobytes each."""

EDGE = 5
"""Pixels beside a chart, without which an axis's last number is cut where a font is a little wider."""

if TYPE_CHECKING:  # it takes a sixth of what Home would load, and Home draws no such chart
    import altair as alt

    from dryrun.report.outline import Section

Make = Callable[..., "alt.LayerChart"]


def draw_chart(make: Make, *parts: Hashable, words: str, key: str | None = None) -> None:
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
    """
    st.vega_lite_chart(chart_spec(make, *parts), key=key, alt=words)


@lru_cache(maxsize=KEPT)
def chart_spec(make: Make, *parts: Hashable) -> dict[str, Any]:
    """``make(*parts)`` in Vega-Lite, its data in Arrow: `st.vega_lite_chart` sends it as it is."""
    spec = spec_of(make, *parts)
    spec["datasets"] = {name: _packed(rows) for name, rows in spec.get("datasets", {}).items()}
    return spec


def spec_of(make: Make, *parts: Any) -> dict[str, Any]:
    """``make(*parts)`` in Vega-Lite, made anew."""
    # Altair asks for pandas, which another thread may be in the middle of importing: so it comes first.
    importlib.import_module("pandas")
    spec: dict[str, Any] = make(*parts).to_dict(validate=False)
    return {"padding": {"right": EDGE}, **spec}


def with_rows(spec: dict[str, Any], tables: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The chart with other rows in some of its data sets: no Altair, so that a moved line costs nothing."""
    packed = {name: _packed(rows) for name, rows in tables.items()}
    return {**spec, "datasets": {**spec["datasets"], **packed}}


def _packed(rows: list[dict[str, Any]]) -> bytes:
    table = pa.Table.from_pylist(rows)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def drawn_again(draw: Callable[..., None], seconds: float | None, *parts: Any) -> None:
    """Draw ``draw(*parts)`` as a part of the page that is drawn again after these seconds; None: never.

    In a container of its own: a timed fragment could draw over what stands after it.
    """
    with st.container():
        st.fragment(draw, run_every=seconds)(*parts)


def draw_tables(section: Section) -> None:
    """Draw the tables of a report's section."""
    for table in section.tables:
        columns = zip(*(map(str, row) for row in table.rows), strict=True)
        st.dataframe(dict(zip(table.titles, columns, strict=False)), hide_index=True, alt=section.title)


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


LIMIT, HOSTED_LIMIT = 1024, 20
"""Megabytes that an upload may have, on one's own machine and where strangers share the server."""


@dataclass(frozen=True)
class Upload:
    """A file as it came.

    Attributes
    ----------
    name : str
    content : bytes
    digest : str
        Of both, taken once: a cache would read a large file again at every look-up.
    """

    name: str
    content: bytes = field(repr=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        named = hashlib.blake2b(self.name.encode("utf-8", "surrogatepass"), digest_size=16)
        named.update(self.content)
        object.__setattr__(self, "digest", named.hexdigest())


def upload_limit() -> int:
    """Megabytes that an upload may have."""
    return HOSTED_LIMIT if hosted() else LIMIT


def kept_upload(
    label: str,
    types: list[str],
    key: str,
    hint: str | None = None,
    then: Callable[[Upload], None] | None = None,
) -> Upload | None:
    """An uploader whose last good file stays in the session until it is removed.

    Below it stands which file is used, and why a file was refused: it changes nothing.

    Parameters
    ----------
    label : str
    types : list of str
        File endings that are taken.
    key : str
    hint : str, optional
    then : callable, optional
        Is given a file that was taken, before the page runs again.
    """
    state = st.session_state
    widget = f"{key}_{state.get(f'{key}_round', 0)}"  # a new one after each file: the line below is the truth
    st.file_uploader(
        label,
        key=widget,
        help=hint,
        max_upload_size=upload_limit(),
        on_change=_keep,
        args=(key, widget, types, then),
    )
    kept = upload_of(key)
    if refusal := state.get(f"{key}_refused"):
        used = f"{plain(kept.name, 80)} is still used." if kept else "No file is used."
        st.error(f"{plain(refusal, 300)} {used}", icon=":material/error:")
    if kept is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Used: {plain(kept.name, 80)}, {size_words(len(kept.content))}", width="content")
            st.button("Remove", key=f"{key}_remove", on_click=forget_upload, args=(key,), type="tertiary")
    return kept


def upload_of(key: str) -> Upload | None:
    """The uploader's file, while it is in the session."""
    upload: Upload | None = st.session_state.get(f"{key}_kept")
    return upload


def _keep(key: str, widget: str, types: list[str], then: Callable[[Upload], None] | None) -> None:
    state = st.session_state
    file = state.get(widget)
    if file is None:
        return
    state[f"{key}_round"] = state.get(f"{key}_round", 0) + 1
    state[f"{key}_refused"] = refusal = refused_upload(file.name, file.size, types)
    if not refusal:
        state[f"{key}_kept"] = upload = Upload(file.name, file.getvalue())
        if then is not None:
            then(upload)


def refused_upload(name: str, size: int, types: list[str]) -> str:
    """Why a file is not taken; ``""`` if it is."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in types:
        *others, last = [f".{kind}" for kind in types]
        known = f"{', '.join(others)} or {last}" if others else last
        return f"{name} was refused: its name must end in {known}."
    if size > upload_limit() * 1024 * 1024:
        return f"{name} was refused: it has {size_words(size)}, and {upload_limit():,} MB are the most here."
    return f"{name} was refused: it is empty." if not size else ""


def forget_upload(key: str) -> None:
    """Take the uploader's file out of the session."""
    st.session_state.pop(f"{key}_kept", None)
    st.session_state.pop(f"{key}_refused", None)


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
