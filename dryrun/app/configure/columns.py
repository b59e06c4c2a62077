"""Which fields of a file's rows are prompt and reference answer, with the first rows as they will be read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from dryrun.core.errors import Problem
from dryrun.core.records import Item
from dryrun.core.text import cut, plain
from dryrun.dataset.columns import ColumnMap, prompt_candidates, shaped
from dryrun.dataset.fields import reference_of, usual_field

USUAL = "(the usual names)"
PROMPT_KEY, REFERENCE_KEY = "prompt_field", "reference_field"
SHOWN = 3
CELL = 400
"""Characters of a prompt or an answer that are shown."""


def columns_form(rows: Sequence[Item]) -> ColumnMap:
    """Draw the form and return what it says; `rows` are the first ones, as the file has them."""
    fields = _fields(rows)
    usual = st.session_state.get(PROMPT_KEY) in (None, USUAL) and all("messages" in row for row in rows)
    with st.expander("Columns", icon=":material/view_column:", expanded=not usual):
        hint = "Text, messages, or a conversation. A path with dots can be typed."
        prompt = _choice("Prompt", PROMPT_KEY, fields, hint)
        hint = "Graders find it as item.reference_answer too."
        reference = _choice("Reference answer", REFERENCE_KEY, fields, hint)
        system = st.text_area(
            "System text",
            key="system_text",
            persist_state="session",
            height=80,
            help="Put in front of every prompt, as a system message.",
        )
        columns = ColumnMap(prompt, reference, system=str(system or "").strip() or None)
        _live(rows[:SHOWN], columns)
    return columns


def _choice(label: str, key: str, fields: list[str], hint: str) -> str | None:
    before = st.session_state.get(key) or USUAL  # it may come from another file, or have been typed
    options = list(dict.fromkeys([USUAL, *fields, before]))
    chosen = st.selectbox(
        label, options, key=key, persist_state="session", help=hint, accept_new_options=True
    )
    return None if chosen in (None, "", USUAL) else str(chosen)


def _fields(rows: Sequence[Item]) -> list[str]:
    """Keys of the rows, and keys within their objects as paths."""
    known: dict[str, None] = {}
    for row in rows:
        for key, value in row.items():
            known.setdefault(key)
            if isinstance(value, dict):
                known.update(dict.fromkeys(f"{key}.{inner}" for inner in value))
    return list(known)


def _live(rows: Sequence[Item], columns: ColumnMap) -> None:
    """The first rows as they will be asked, or what is wrong with them and a likely cure."""
    items: list[Item] = []
    for row in rows:
        item = shaped(row, columns)
        if isinstance(item, Problem):
            st.warning(plain(f"{item.where}: {item.what}", 400), icon=":material/warning:")
            _suggest(row, columns)
            return
        items.append(item)
    st.dataframe(
        [_shown(item, columns) for item in items],
        hide_index=True,
        alt="The first rows as the model and the grader will see them",
    )


def _suggest(row: Item, columns: ColumnMap) -> None:
    near = [field for field in prompt_candidates(row) if field != columns.prompt_field]
    for field in near[:SHOWN]:
        label = f"Did you mean {plain(field, 60)}? Use it"
        st.button(label, key=f"use_{field}", on_click=_use, args=(field,), icon=":material/check:")


def _use(field: str) -> None:
    st.session_state[PROMPT_KEY] = field


def _shown(item: Item, columns: ColumnMap) -> dict[str, str]:
    field = columns.reference_field or usual_field([item])
    reference = (reference_of(item, field) if field else None) or ""
    return {"prompt": cut(_conversation(item["messages"]), CELL), "reference answer": cut(reference, CELL)}


def _conversation(messages: object) -> str:
    """Messages as one text, each with its role; whatever else it is as JSON."""
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return _text(messages)
    lines = [f"{message.get('role', '?')}: {_text(message.get('content'))}" for message in messages]
    return "\n".join(lines)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
