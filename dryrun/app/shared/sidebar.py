"""The sidebar: the run that is looked at, live runs, recent runs; and the field that chooses a run."""

from __future__ import annotations

import re
import time

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.session import (
    RECORDED,
    chosen_run,
    config_of,
    open_by_name,
    recorded_run,
    run_link,
    store,
)
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.records import RunState
from dryrun.core.text import plain, plural, short
from dryrun.store.runs import Run, list_runs

RECENT = 5
"""Newest runs in the sidebar."""
OFFERED = 50
"""Newest runs in the field that chooses one."""

STATES = {
    RunState.RUNNING: ("running", "hourglass_top"),
    RunState.FINISHED: ("finished", "check_circle"),
    RunState.CANCELLED: ("cancelled", "pause_circle"),
    RunState.STOPPED: ("stopped", "error"),
    RunState.INTERRUPTED: ("not finished", "pause_circle"),
}
"""The word for each state, and its icon."""


def sidebar() -> None:
    """Draw the sidebar. It lists other people's runs on one's own machine only: a run id is a secret link."""
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
        word, _ = STATES[jobs.status(chosen.run).state]
        st.caption("Looking at run")
        st.text(f"{short(chosen.run.id)} · {word}")


def _recent() -> None:
    runs = list_runs(store())[:RECENT]
    if not runs:
        return
    with st.expander("Recent runs", icon=":material/history:"):
        for run in runs:
            _link(run)
        run_link("results", "Recorded example", "history", RECORDED)


def _link(run: Run) -> None:
    try:
        config, status = config_of(run), jobs.status(run)
    except DryRunError:
        return
    sampling = config.sampling
    label = (
        f"{plain(config.dataset.name, 24)} · {sampling.size} × {sampling.rollouts} · {_when(status.started)}"
    )
    page = "results" if status.state is RunState.FINISHED else "run"
    run_link(page, label, STATES[status.state][1], run.id)


def _when(seconds: float) -> str:
    return time.strftime("%d %b %H:%M", time.localtime(seconds))


def run_choice(label: str, key: str, given: str = "") -> str:
    """Draw a field that chooses a run: from a list on one's own machine, by id or link on a shared server.

    Returns
    -------
    str
        The run's id, or `RECORDED` for the recorded example; ``""`` while none is chosen.
    """
    if hosted():
        typed = st.text_input(
            label,
            value=given,
            key=key,
            placeholder=f"Link or id of a run, or {RECORDED}",
            help="A run's id, or the link to it.",
        )
        match = re.search(rf"[0-9a-f]{{32}}|\b{RECORDED}\b", typed)
        return match.group() if match else typed.strip()
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
        run = open_by_name(name).run
        config, status = config_of(run), run.status()
    except DryRunError:
        return f"{short(name)} (not here)"
    if name == RECORDED:
        return "The recorded example"
    parts = (config.dataset.name, config.model.name, config.grader_name)
    return " · ".join((short(name), *(part[:30] for part in parts), _when(status.started)))
