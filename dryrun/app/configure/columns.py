"""Which fields of a file's rows are prompt and reference answer, with the first rows as they will be read."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dryrun.app.configure.grader import TEXT
from dryrun.app.shared.sample import message_text
from dryrun.core.fingerprint import canonical_json
from dryrun.core.records import Item
from dryrun.core.text import cut, plain
from dryrun.dataset import Dataset
from dryrun.dataset.columns import REFERENCE, ColumnMap, prompt_candidates, usual_prompt
from dryrun.dataset.fields import PROMPTS, reference_of, usual_field, value_at
from dryrun.graders import GraderSpec
from dryrun.graders.format.template import rendered

USUAL = "(auto)"
"""The choice of whatever field has a usual name; the page says which."""
NONE = "(none has a usual name)"
PROMPT_KEY, REFERENCE_KEY, SYSTEM_KEY = "prompt_field", "reference_field", "system_text"
ROWS_KEY = "first_rows"
SHOWN = 3
PREVIEW = 100
"""Rows that can be looked at, and tried with the grader by a click."""
FEW = 2
"""Messages of a prompt that are shown whole."""
FIELD = 160
"""Pixels that a field's name needs."""
CELL = 400
"""Characters of a prompt or an answer that are shown."""


def columns_form(rows: Sequence[Item]) -> tuple[ColumnMap, DeltaGenerator] | None:
    """Draw the form; return what it says, and a place in it for one more field.

    `rows` are the first ones, as the file has them. None while the form asks which field is the prompt.
    """
    fields = _fields(rows)
    with st.container(border=True):
        cells = st.grid(3, min_column_width=FIELD)
        with cells.cell():
            named = next(filter(None, map(usual_prompt, rows)), None)
            prompt = choose_field("Prompt", PROMPT_KEY, fields, named)
        with cells.cell():
            reference = choose_field("Reference answer", REFERENCE_KEY, fields, usual_field(rows))
        right = cells.cell()
        with st.expander("System text", icon=":material/chat:"):
            system = st.text_area(
                "Put in front of every prompt, as a system message",
                key=SYSTEM_KEY,
                persist_state="session",
                height=80,
            )
        reference = reference or _reference_by_name(rows)
        columns = ColumnMap(prompt, reference, system=str(system or "").strip() or None)
        asks = _ask_for_prompt(rows[:SHOWN], columns)
    return None if asks else (columns, right)


def choose_field(label: str, key: str, fields: Sequence[str], named: str | None) -> str | None:
    """Draw the choice of a field and return it; None for the usual names, of which the rows have `named`."""
    before = st.session_state.get(key) or USUAL  # it may come from another file, or have been typed
    if before.endswith((USUAL, NONE)):  # the words for the file before: the browser hands them over as typed
        st.session_state[key] = before = USUAL
    options = list(dict.fromkeys([USUAL, *fields, before]))
    chosen = st.selectbox(
        label,
        options,
        format_func=lambda field: (f"{named} {USUAL}" if named else NONE) if field == USUAL else field,
        key=key,
        persist_state="session",
        accept_new_options=True,
    )
    return None if chosen in (None, "", USUAL) else str(chosen)


def _reference_by_name(rows: Sequence[Item]) -> str | None:
    """The field with a usual name of a reference answer, where the grader asks for one that no row has."""
    asked = REFERENCE in str(st.session_state.get(TEXT, REFERENCE))  # the first grader asks for it
    return usual_field(rows) if asked and not any(REFERENCE in row for row in rows) else None


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


def _ask_for_prompt(rows: Sequence[Item], columns: ColumnMap) -> bool:
    """Ask which field is the prompt where the usual one is missing; returns whether it asks."""
    if not rows or any(_prompt_in(row, columns) for row in rows):
        return False
    near = [field for field in prompt_candidates(rows[0]) if field != columns.prompt_field][:SHOWN]
    if not near:
        return False
    names = plain(", ".join(PROMPTS))
    what = (
        f"The rows have no field “{plain(columns.prompt_field, 60)}”."
        if columns.prompt_field is not None
        else f"No field has one of the usual names of a prompt ({names})."
    )
    st.warning(f"{what} Which field is the prompt?", icon=":material/warning:")
    for field in near:
        label = f"Use “{plain(field, 60)}” as the prompt"
        key = f"use_{PROMPT_KEY}_{field}"
        st.button(label, key=key, on_click=_use_as_prompt, args=(field,), icon=":material/check:")
    return True


def _prompt_in(row: Item, columns: ColumnMap) -> bool:
    if columns.prompt_field is None:
        return usual_prompt(row) is not None
    return value_at(row, columns.prompt_field) is not None


def offer_reference(dataset: Dataset, grader: GraderSpec) -> None:
    """Say the cure where the grader asks for a reference answer that no row has under that name."""
    rows = dataset[:PREVIEW]
    if REFERENCE not in canonical_json(grader.raw).decode() or any(REFERENCE in row for row in rows):
        return
    known = {*PROMPTS, "messages", "tools", "topic", dataset.ref.prompt_field, dataset.ref.topic_field}
    words = (
        "Choose the field of the reference answer in [1. Data](#data): graders know it as "
        f"{plain(REFERENCE)}."
        if any(field not in known for row in rows for field in row)
        else "These rows hold nothing but prompts. Add a column with the answers, or write a grader that "
        "needs none."
    )
    st.info(words, icon=":material/info:")


def _use_as_prompt(field: str) -> None:
    st.session_state[PROMPT_KEY] = field


def _shown(item: Item, field: str | None) -> dict[str, str]:
    field = field or usual_field([item])
    reference = (reference_of(item, field) if field else None) or ""
    shown = {"prompt": cut(_conversation(item["messages"]), CELL), "reference answer": cut(reference, CELL)}
    return shown | ({"topic": cut(item["topic"], 60)} if isinstance(item.get("topic"), str) else {})


def _conversation(messages: object) -> str:
    """A message's text; several as one text, each with its role; whatever else it is as JSON."""
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return rendered(messages)
    texts = [message_text(message) for message in messages]
    if len(texts) == 1:
        return texts[0]
    if len(texts) > FEW:  # an example conversation before the question is the same in every row
        return f"… {texts[-1]}"
    roles = (message.get("role", "?") for message in messages)
    return "\n".join(f"{role}: {text}" for role, text in zip(roles, texts, strict=True))
