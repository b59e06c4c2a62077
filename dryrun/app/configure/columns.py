"""Which fields of a file's rows are prompt and reference answer, with the first rows as they will be read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dryrun.core.errors import Problem
from dryrun.core.records import Item
from dryrun.core.text import cut, plain
from dryrun.dataset import Dataset
from dryrun.dataset.columns import ColumnMap, prompt_candidates, shaped
from dryrun.dataset.fields import reference_of, usual_field

USUAL = "(the usual names)"
PROMPT_KEY, REFERENCE_KEY, SYSTEM_KEY = "prompt_field", "reference_field", "system_text"
ROWS_KEY = "first_rows"
SHOWN = 3
PREVIEW = 100
"""Rows that can be looked at, and tried with the grader by a click."""
FEW = 2
"""Messages of a prompt that are shown whole."""
CELL = 400
"""Characters of a prompt or an answer that are shown."""


def columns_form(rows: Sequence[Item]) -> tuple[ColumnMap, DeltaGenerator]:
    """Draw the form; return what it says, and a place in it for one more field.

    `rows` are the first ones, as the file has them.
    """
    fields = _fields(rows)
    with st.container(border=True):
        left, right = st.columns(2)
        with left:
            prompt = choose_field("Prompt", PROMPT_KEY, fields)
        with right:
            reference = choose_field("Reference answer", REFERENCE_KEY, fields)
        with left, st.expander("System text", icon=":material/chat:"):
            system = st.text_area(
                "Put in front of every prompt, as a system message",
                key=SYSTEM_KEY,
                persist_state="session",
                height=80,
            )
        columns = ColumnMap(prompt, reference, system=str(system or "").strip() or None)
        _check(rows[:SHOWN], columns)
    return columns, right


def choose_field(label: str, key: str, fields: Sequence[str]) -> str | None:
    """Draw the choice of a field and return it; None for the usual names."""
    before = st.session_state.get(key) or USUAL  # it may come from another file, or have been typed
    options = list(dict.fromkeys([USUAL, *fields, before]))
    chosen = st.selectbox(label, options, key=key, persist_state="session", accept_new_options=True)
    return None if chosen in (None, "", USUAL) else str(chosen)


def first_rows_table(dataset: Dataset) -> None:
    """Draw the first rows as model and grader will see them; a click tries the grader on one."""
    field = dataset.ref.reference_field
    st.dataframe(
        [_shown(item, field) for item in dataset[:PREVIEW]],
        hide_index=True,
        height=38 + 35 * min(SHOWN, len(dataset)),
        column_config={"prompt": st.column_config.TextColumn(width="large")},
        on_select="rerun",
        selection_mode="single-row",
        key=f"{ROWS_KEY}_{dataset.ref.fingerprint[:8]}",
        alt="The first rows as the model and the grader will see them",
    )


def selected_row(dataset: Dataset) -> int:
    """The row (from 0) that is selected in the table of the first rows; the first one by default."""
    event = st.session_state.get(f"{ROWS_KEY}_{dataset.ref.fingerprint[:8]}") or {}
    rows = event.get("selection", {}).get("rows") or [0]
    return int(rows[0]) if 0 <= int(rows[0]) < len(dataset) else 0


def _fields(rows: Sequence[Item]) -> list[str]:
    """Keys of the rows, and keys within their objects as paths."""
    known: dict[str, None] = {}
    for row in rows:
        for key, value in row.items():
            known.setdefault(key)
            if isinstance(value, dict):
                known.update(dict.fromkeys(f"{key}.{inner}" for inner in value))
    return list(known)


def _check(rows: Sequence[Item], columns: ColumnMap) -> None:
    """Say what is wrong with the first row that cannot be read so, and offer a likely cure."""
    for row in rows:
        item = shaped(row, columns)
        if isinstance(item, Problem):
            st.warning(plain(f"{item.where}: {item.what}", 400), icon=":material/warning:")
            _suggest(row, columns)
            return


def _suggest(row: Item, columns: ColumnMap) -> None:
    near = [field for field in prompt_candidates(row) if field != columns.prompt_field]
    for field in near[:SHOWN]:
        label = f"Did you mean {plain(field, 60)}? Use it"
        st.button(label, key=f"use_{field}", on_click=_use, args=(field,), icon=":material/check:")


def _use(field: str) -> None:
    st.session_state[PROMPT_KEY] = field


def _shown(item: Item, field: str | None) -> dict[str, str]:
    field = field or usual_field([item])
    reference = (reference_of(item, field) if field else None) or ""
    topic = {"topic": cut(item["topic"], 60)} if isinstance(item.get("topic"), str) else {}
    return {
        "prompt": cut(_conversation(item["messages"]), CELL),
        "reference answer": cut(reference, CELL),
    } | topic


def _conversation(messages: object) -> str:
    """Messages as one text, each with its role; whatever else it is as JSON."""
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return _text(messages)
    lines = [f"{message.get('role', '?')}: {_text(message.get('content'))}" for message in messages]
    if len(lines) > FEW:  # an example conversation before the question is the same in every row
        lines = [f"… {lines[-1]}"]
    return "\n".join(lines)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
