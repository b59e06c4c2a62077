"""Every number that decides, editable; the values travel in the URL."""

from __future__ import annotations

from typing import Any

import streamlit as st
from pydantic.fields import FieldInfo

from dryrun.core.text import plain
from dryrun.core.thresholds import ORDERED, Piece, Thresholds

FIELDS = {name: Thresholds.model_fields[name] for name in Thresholds.numbers()}
DEFAULTS: dict[str, Any] = {name: field.default for name, field in FIELDS.items()}


def threshold_panel() -> Thresholds:
    """Draw the panel and return the thresholds that are set in it.

    Where two values contradict each other, the page says so and uses both defaults instead.
    """
    st.subheader("Thresholds", help="The verdict follows at once. The values are kept in the page's link.")
    values: dict[str, Any] = {}
    for place, (title, names) in enumerate(Thresholds.groups().items()):
        # The decision tree's own numbers stand open; the others are a click away.
        with st.expander(title) if place else st.container():
            if not place:
                st.caption(title)
            values |= {name: _field(name, FIELDS[name]) for name in names}
    changed = values != DEFAULTS
    st.button("Reset thresholds", on_click=_reset, disabled=not changed, icon=":material/restart_alt:")
    return _thresholds(values)


def rules_switch(thresholds: Thresholds) -> Thresholds:
    """Draw the choice of evidence and return the thresholds with the pieces that are left out."""
    on = st.toggle(
        "Evidence beside the rule",
        value=True,
        key="evidence",
        bind="query-params",
        help="Intervals, groups, known answers. Off: the design document's decision tree alone.",
    )
    if not on:
        return thresholds.tree_alone()
    left_out = st.multiselect(
        "Leave out",
        [piece.value for piece in Piece],
        format_func=lambda piece: piece.replace("_", " ").capitalize(),
        key="without",
        bind="query-params",
        placeholder="Nothing",
        help="The verdict without these pieces of evidence.",
    )
    return thresholds.model_copy(update={"without": tuple(Piece(piece) for piece in left_out)})


def _field(name: str, info: FieldInfo) -> float | int:
    limits = {
        limit: getattr(bound, limit)
        for bound in info.metadata
        for limit in ("ge", "gt", "le")
        if hasattr(bound, limit)
    }
    kind, step, form = (int, 1, "%d") if isinstance(info.default, int) else (float, 0.1, "%.1f")
    if kind is float and "le" in limits:
        step, form = 0.01, "%.2f"
    value: float | int | None = st.number_input(
        info.title or name,
        min_value=kind(limits["gt"] + step if "gt" in limits else limits.get("ge", 0)),
        max_value=kind(limits["le"]) if "le" in limits else None,
        value=info.default,
        step=step,
        format=form,
        key=name,
        help=info.description,
        bind="query-params",
    )
    return DEFAULTS[name] if value is None else round(value, 6)


def _reset() -> None:
    st.session_state.update(DEFAULTS)


def _thresholds(values: dict[str, Any]) -> Thresholds:
    for low, high in ORDERED:
        if values[low] >= values[high]:
            st.warning(
                plain(
                    f"“{FIELDS[low].title}” ({values[low]:g}) must be below “{FIELDS[high].title}” "
                    f"({values[high]:g}). Until it is, {DEFAULTS[low]:g} and {DEFAULTS[high]:g} are used."
                )
            )
            values = {**values, low: DEFAULTS[low], high: DEFAULTS[high]}
    return Thresholds(**values)
