"""The sidebar's lower half: which run is looked at, what is live, what was run lately.

Choosing another run: from a list on one's own machine, by its id or link on a shared server.
"""

from __future__ import annotations

import re
import time

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.session import RECORDED, RUN, chosen_run, config_of, open_by_name, recorded_run, store
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.records import RunState
from dryrun.core.text import plain, plural, short
from dryrun.store.runs import Run, list_runs

RECENT = 5

STATE_WORDS = {
    RunState.RUNNING: "running",
    RunState.FINISHED: "finished",
    RunState.CANCELLED: "cancelled",
    RunState.STOPPED: "stopped",
    RunState.INTERRUPTED: "not finished",
}
STATE_ICONS = {
    RunState.RUNNING: ":material/hourglass_top:",
    RunState.FINISHED: ":material/check_circle:",
    RunState.CANCELLED: ":material/pause_circle:",
    RunState.STOPPED: ":material/error:",
    RunState.INTERRUPTED: ":material/pause_circle:",
}


def sidebar() -> None:
    """Draw it. Others' runs are listed on one's own machine only: a run id is a secret link."""
    _current()
    count = len(jobs.live())
    if count:
        st.caption(f"{plural(count, 'live run')} on this server")
    if not hosted():
        _recent()


def _current() -> None:
    try:
        chosen = chosen_run()
    except DryRunError:
        return  # the page itself says so
    if chosen is None:
        return
    with st.container(border=True, gap="xsmall"):
        if chosen.recorded:
            st.caption("Looking at")
            st.text("the recorded example")
            return
        state = jobs.status(chosen.run).state
        st.caption("Looking at run")
        st.text(f"{short(chosen.run.id)} · {STATE_WORDS[state]}")


def _recent() -> None:
    runs = list_runs(store())[:RECENT]
    if not runs:
        return
    with st.expander("Recent runs", icon=":material/history:"):
        for run in runs:
            _link(run)
        st.page_link(
            "pages/results.py",
            label="Recorded example",
            icon=":material/history:",
            query_params={RUN: RECORDED},
        )


def _link(run: Run) -> None:
    try:
        config, status = config_of(run), jobs.status(run)
    except DryRunError:
        return
    finished = status.state is RunState.FINISHED
    sampling = config.sampling
    when = time.strftime("%d %b %H:%M", time.localtime(status.started))
    label = f"{plain(config.dataset.name, 24)} · {sampling.size} × {sampling.rollouts} · {when}"
    st.page_link(
        "pages/results.py" if finished else "pages/run.py",
        label=label,
        icon=STATE_ICONS[status.state],
        query_params={RUN: run.id},
    )


OFFERED = 50
"""Newest runs in the list."""


def run_choice(label: str, key: str, given: str = "") -> str:
    """The id that was chosen, or the recorded example's name; `""` if none was."""
    if hosted():
        typed = st.text_input(
            label,
            value=given,
            key=key,
            placeholder=f"Link or id of a run, or {RECORDED}",
            help="A run's id, or the link to it.",
        )
        found = re.search(rf"[0-9a-f]{{32}}|\b{RECORDED}\b", typed)
        return found.group() if found else typed.strip()
    options = [run.id for run in list_runs(store())[:OFFERED]]
    options += [RECORDED] if recorded_run() else []
    options += [given] if given and given not in options else []
    chosen = st.selectbox(
        label,
        options,
        index=options.index(given) if given else None,
        format_func=_words,
        key=key,
        placeholder="Choose a run",
    )
    return str(chosen or "")


def _words(name: str) -> str:
    try:
        run = open_by_name(name)
        config, status = config_of(run), run.status()
    except DryRunError:
        return f"{short(name)} (not here)"
    if name == RECORDED:
        return "The recorded example"
    when = time.strftime("%d %b %H:%M", time.localtime(status.started))
    parts = (config.dataset.name, config.model.name, config.grader_name)
    return " · ".join((short(name), *(part[:30] for part in parts), when))
