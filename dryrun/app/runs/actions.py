"""What can be done with the selected runs: open, compare, name, put away, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from dryrun.app.shared.access.gate import Right, access_to
from dryrun.app.shared.lists.rows import RunRow
from dryrun.app.shared.session import RUN, WITH, forget
from dryrun.app.shared.widgets import error_kept, show_kept_error
from dryrun.core.text import plural
from dryrun.engine.batch_records import under_way
from dryrun.store.notes import LONGEST_NAME, LONGEST_NOTE, RunNote, keep_note
from dryrun.store.prune import remove_run

NAME, NOTE = "run_name", "run_note"
"""Keys of the two fields."""
PROBLEM = "runs_problem"
"""Where the session keeps an error until the page shows it."""
DONE = "runs_done"
"""Session key: whether the dialog's action is done."""


def action_bar(chosen: Sequence[RunRow], counts: str) -> None:
    """Draw the buttons that make sense for these runs; without one `counts`, and what can be done."""
    show_kept_error(PROBLEM)
    if not chosen:
        st.caption(f"{counts}. A click on a name opens the run; select rows to compare, name or delete them.")
        return
    editable = all(access_to(row.run).may(Right.EDIT) for row in chosen)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{plural(len(chosen), 'run')} selected", width="content")
        if len(chosen) == 2 and st.button("Compare", icon=":material/compare_arrows:", type="primary"):
            _compare(*chosen)
        if editable and len(chosen) == 1 and st.button("Name and note", icon=":material/edit:"):
            _name_dialog(chosen[0])
        if editable:
            _archive_button(chosen)
        if editable and st.button("Delete", icon=":material/delete:"):
            _delete_dialog(chosen)
    if not editable:
        st.caption(
            "You can open and compare these. Only the person who started a run can name, archive or delete "
            "it."
        )


def _compare(first: RunRow, second: RunRow) -> None:
    before, after = sorted((first, second), key=lambda row: row.status.started)
    st.switch_page("pages/compare.py", query_params={RUN: before.run.id, WITH: after.run.id})


def _archive_button(chosen: Sequence[RunRow]) -> None:
    away = not all(row.note.archived for row in chosen)
    st.button(
        "Archive" if away else "Take out of the archive",
        icon=":material/archive:" if away else ":material/unarchive:",
        key="archive",
        on_click=_archive,
        args=(list(chosen), away),
        help="Leaves them out of lists. Their links still work." if away else None,
    )


def _archive(chosen: Sequence[RunRow], away: bool) -> None:
    with error_kept(PROBLEM):
        for row in chosen:
            access_to(row.run).need(Right.EDIT)
            keep_note(row.run, replace(row.note, archived=away))


@st.dialog("Name and note")
def _name_dialog(row: RunRow) -> None:
    st.text_input("Name", row.note.name, max_chars=LONGEST_NAME, key=NAME, placeholder=row.name)
    st.text_area("Note", row.note.note, max_chars=LONGEST_NOTE, key=NOTE)
    st.button("Save", type="primary", key="save_note", on_click=_save, args=(row,))
    _end_dialog()


def _save(row: RunRow) -> None:
    with error_kept(PROBLEM):
        access_to(row.run).need(Right.EDIT)
        name, note = (str(st.session_state.get(key) or "") for key in (NAME, NOTE))
        keep_note(row.run, RunNote(name, note, row.note.archived))
    st.session_state[DONE] = True


@st.dialog("Delete for good?")
def _delete_dialog(chosen: Sequence[RunRow]) -> None:
    for row in chosen:
        st.text(f"{row.name} · {row.size} · {row.when}")
        if lost := under_way(row.run):
            st.caption(f"{lost:,} of its requests are in a batch at the endpoint: what they cost is lost.")
    st.markdown(
        "Their labels, names, notes, receipts and trainings go too. Responses and grades stay in the cache "
        "of this data directory; `python -m dryrun cache --prune` clears what no run needs."
    )
    label = f"Delete {plural(len(chosen), 'run')}"
    st.button(label, type="primary", key="delete_runs", on_click=_delete, args=(list(chosen),))
    _end_dialog()


def _delete(chosen: Sequence[RunRow]) -> None:
    with error_kept(PROBLEM):
        for row in chosen:
            access_to(row.run).need(Right.EDIT)
            remove_run(row.run)
            forget(row.run)
    st.session_state[DONE] = True


def _end_dialog() -> None:
    if st.session_state.pop(DONE, False):
        st.rerun()
