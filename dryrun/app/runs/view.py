"""The list of runs, with what can be done with the selected ones; below it the profiles of whole datasets."""

from __future__ import annotations

import streamlit as st

from dryrun.app.runs.actions import action_bar
from dryrun.app.runs.table import GO, matching, outcomes_panel, runs_table
from dryrun.app.shared import jobs
from dryrun.app.shared.access.account import person
from dryrun.app.shared.lists.rows import RunRow, run_rows
from dryrun.app.shared.lists.summaries import waiting
from dryrun.app.shared.session import RUN, listed_runs, run_link
from dryrun.app.shared.widgets import drawn_again
from dryrun.core.paths import data_dir, hosted
from dryrun.core.text import plural
from dryrun.engine.profile.stored import ProfileStanding, standings
from dryrun.store.partition import Store
from dryrun.store.runs import Run

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
