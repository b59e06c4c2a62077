"""The list of runs, what can be done with the selected ones, and the profiles of whole datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.access.account import person
from dryrun.app.shared.access.gate import Right, access_to
from dryrun.app.shared.budget import costs
from dryrun.app.shared.looks import NOTHING_TO_JUDGE, VerdictLook
from dryrun.app.shared.run_rows import RunRow, judging, run_rows, waiting
from dryrun.app.shared.session import RUN, WITH, forget, listed_runs, run_link
from dryrun.app.shared.widgets import bullets, draw_chart, drawn_again, error_kept, show_kept_error
from dryrun.core.fingerprint import fingerprint
from dryrun.core.paths import data_dir, hosted
from dryrun.core.text import NO_NUMBER, one_line, plural
from dryrun.engine.batch_records import under_way
from dryrun.engine.budget import tokens_of
from dryrun.engine.profile.stored import ProfileStanding, standings
from dryrun.report.outcome.chart import KINDS, outcomes_alt, outcomes_chart
from dryrun.report.outcome.ledger import ledger_of
from dryrun.report.outcome.words import CAPTION, brier_lines
from dryrun.store.notes import LONGEST_NAME, LONGEST_NOTE, RunNote, keep_note
from dryrun.store.partition import Store
from dryrun.store.prune import remove_run
from dryrun.store.runs import Run
from dryrun.store.trainings import trainings_of


def outcome_cell(run: Run) -> str:
    """The newest training in a few words: ``"learned, +0.24"``; ``""`` where none is kept."""
    kept = trainings_of(run)
    return f"{KINDS[kept[-1].course.learned]}, {kept[-1].course.gain:+.2f}" if kept else ""


def outcomes_panel(runs: Sequence[Run]) -> None:
    """Draw the plot and the Brier score; nothing where no training of these runs is known."""
    ledger = ledger_of(runs)
    drawn = tuple(entry for entry in ledger.entries if entry.kept.prediction.chance is not None)
    if not drawn:
        return
    with st.expander("Predicted against actual", icon=":material/model_training:", expanded=True):
        draw_chart(outcomes_chart, drawn, words=outcomes_alt(drawn), key="outcomes")
        st.markdown(bullets(brier_lines(ledger.brier)))
        st.caption(CAPTION)


OPEN = "open_run"
"""Where the session has the row whose button was clicked."""
GO = "go_to_run"
"""Where it keeps the id of the run to go to, until the page is drawn again."""
ROW, TALLEST = 35, 20
"""Pixels of a row, and rows that are seen at once."""
LONGEST = 80
BORDERLINE, SO_FAR, BEING_JUDGED = "borderline", "so far", "Being judged"
PRICED = "US dollars; a dash where a price is not known. New run asks for them under Prices and a limit."


def matching(rows: Sequence[RunRow], words: str) -> list[RunRow]:
    """The rows that hold each of these words, in whatever column; case does not count."""
    wanted = words.casefold().split()
    return [row for row in rows if all(word in _haystack(row) for word in wanted)]


def _haystack(row: RunRow) -> str:
    look = row.look
    parts = (row.name, row.note.note, look.value if look else "", *_what(row), row.run.id)
    return " ".join(parts).casefold()


def _what(row: RunRow) -> tuple[str, str, str]:
    config = row.config
    return config.dataset.name, config.grader_name, config.model.name


def runs_table(rows: Sequence[RunRow]) -> list[RunRow]:
    """Draw the table and return the selected rows."""
    event: Any = st.dataframe(
        table_columns(rows),
        hide_index=True,
        height=ROW * (min(len(rows), TALLEST) + 1) + 3,
        column_config=_looks([row.run.id for row in rows]),
        # A selection is a row's place: another list of runs is another table.
        key=f"runs_{fingerprint([row.run.id for row in rows])[:16]}",
        on_select="rerun",
        selection_mode="multi-row",
        placeholder=NO_NUMBER,
        alt=f"{plural(len(rows), 'run')}, newest first",
    )
    places = event["selection"]["rows"]
    return [rows[place] for place in places if place < len(rows)]


def table_columns(rows: Sequence[RunRow]) -> dict[str, list[Any]]:
    """What the table holds, by column."""
    datasets, graders, models = zip(*map(_what, rows), strict=True) if rows else ((), (), ())
    lines = [row.summary for row in rows]
    trained = [outcome_cell(row.run) for row in rows]
    return {
        "Name": [row.name for row in rows],
        "Verdict": [_verdict(row) for row in rows],
        "Mean": [line and line.mean for line in lines],
        "95 %": [
            f"{line.low:.2f} to {line.high:.2f}" if line and line.low is not None else "" for line in lines
        ],
        "Std": [line and line.std for line in lines],
        "Scores": [list(line.bars) if line else [] for line in lines],
        "Scored": [line.scored if line else row.status.graded for line, row in zip(lines, rows, strict=True)],
        **({"Training": trained} if any(trained) else {}),
        "Dataset": [one_line(name, LONGEST) for name in datasets],
        "Grader": [one_line(name, LONGEST) for name in graders],
        "Model": [one_line(name, LONGEST) for name in models],
        "Started": [datetime.fromtimestamp(row.status.started) for row in rows],
        "Cost": costs((row.config, row.status) for row in rows),
        "Tokens": [tokens_of(row.status) for row in rows],
        "Note": [one_line(row.note.note, 200) for row in rows],
    }


def _verdict(row: RunRow) -> list[str]:
    if row.look is None:
        return [BEING_JUDGED] if judging(row.run) else []
    if row.so_far and row.look not in NOTHING_TO_JUDGE:
        return [row.look.value, SO_FAR]
    borderline = [BORDERLINE] if row.summary and row.summary.borderline else []
    return [row.look.value, *borderline]


def _looks(ids: list[str]) -> dict[str, Any]:
    column = st.column_config
    return {
        "Name": column.ButtonColumn(
            width=165, alignment="left", type="tertiary", pinned=True, key=OPEN, on_click=_open, args=(ids,)
        ),
        "Verdict": column.MultiselectColumn(
            width=222,
            options=[*(look.value for look in VerdictLook), BORDERLINE, SO_FAR, BEING_JUDGED],
            color=[*(look.colour for look in VerdictLook), *["gray"] * 3],
        ),
        "Mean": column.NumberColumn(format="%.2f", width=55),
        "95 %": column.TextColumn(width=90, help="The mean's bootstrap interval."),
        "Std": column.NumberColumn(format="%.2f", width=55),
        "Scores": column.BarChartColumn(width=65, y_min=0, help="The score distribution from 0 to 1."),
        "Scored": column.NumberColumn(format="localized", width=55, help="Responses with a score."),
        "Dataset": column.TextColumn(width=105),
        "Grader": column.TextColumn(width=80),
        "Model": column.TextColumn(width=80),
        "Started": column.DatetimeColumn(format="D MMM YYYY, HH:mm", width=126),
        "Cost": column.NumberColumn(format="$%.2f", width=60, help=PRICED),
        "Tokens": column.NumberColumn(format="compact", width=60),
        "Training": column.TextColumn(width=130, help="The gain of its newest training, on 0 to 1."),
    }


def _open(ids: list[str]) -> None:
    st.session_state[GO] = ids[st.session_state[OPEN].row]


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


OFTEN = 2
"""Seconds between two looks at the runs that are still being judged."""


def runs_view() -> None:
    """Draw the list; without a run, one way to get one."""
    runs = listed_runs()
    if hosted():
        whose = "Your runs" if person() else "The runs that this browser started"
        st.caption(f"{whose}, and those you opened in this session: a run's link is its secret.")
    if not runs:
        st.info("There is no run here yet.", icon=":material/info:")
        run_link("configure", "Start a run", "play_arrow")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Search", key="search", bind="query-params", placeholder="Name, dataset, model, verdict"
        )
        archived = st.toggle("Show archived", key="archived", bind="query-params")
    rows = run_rows(runs)
    busy = waiting() > 0 and any(row.look is None for row in rows)
    drawn_again(_list, OFTEN if busy else None, runs, [rows], words or "", archived, busy)


def _list(runs: list[Run], fresh: list[list[RunRow]], words: str, archived: bool, busy: bool) -> None:
    listed = fresh.pop() if fresh else run_rows(runs)  # the timer comes with the same arguments again
    _go(listed)
    rows = matching([row for row in listed if archived or not row.note.archived], words)
    if rows:
        bar = st.container()
        chosen = runs_table(rows)
        with bar:
            action_bar(chosen, _counts(len(rows), listed))
        outcomes_panel([row.run for row in rows])
    else:
        st.info("No run matches.", icon=":material/search_off:")
    if busy and not waiting():
        st.rerun()  # ends the timer


def _go(rows: list[RunRow]) -> None:
    wanted = st.session_state.pop(GO, None)
    for row in rows:
        if row.run.id == wanted:
            st.switch_page(f"pages/{row.page}.py", query_params={RUN: row.run.id})


def _counts(shown: int, listed: list[RunRow]) -> str:
    parts = [plural(shown, "run") if shown == len(listed) else f"{shown:,} of {plural(len(listed), 'run')}"]
    if count := len(jobs.live()):
        parts.append(f"{plural(count, 'live run')} on this server")
    if left := waiting():
        parts.append(f"{left:,} still being judged")
    return " · ".join(parts)


PROFILES_OFTEN = 3
"""Seconds between two looks at profiles that somebody works on."""


def profiles_view() -> None:
    """Draw them, where there are any; not on a server of strangers, who would see each other's."""
    profiles = [] if hosted() else standings(Store(data_dir()))
    if profiles:
        st.subheader("Profiles of whole datasets", anchor=False)
        live = any(standing.live for standing in profiles)
        drawn_again(_table, PROFILES_OFTEN if live else None, live)


def _table(live: bool) -> None:
    profiles = standings(Store(data_dir()))
    st.dataframe(
        [_row(standing) for standing in profiles],
        hide_index=True,
        column_config={
            "Shards done": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
            "Changed": st.column_config.DatetimeColumn(format="distance"),
        },
    )
    st.caption("Made and continued by `python -m dryrun profile --all`, on this machine or on a Ray cluster.")
    if live and not any(standing.live for standing in profiles):
        st.rerun()  # ends the timer


def _row(standing: ProfileStanding) -> dict[str, object]:
    return {
        "Dataset": standing.dataset,
        "Model": standing.model,
        "Shards done": standing.done / max(standing.shards, 1),
        "Shards": f"{standing.done:,} of {standing.shards:,}"
        + (f", {standing.live:,} at work" if standing.live else ""),
        "Responses": standing.responses,
        "Calls": standing.calls,
        "Changed": standing.updated,
    }
