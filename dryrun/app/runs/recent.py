"""Links to the newest runs."""

from __future__ import annotations

import time

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.session import config_of, run_link, store
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.records import RunState
from dryrun.core.text import plain, plural
from dryrun.store.runs import Run, list_runs

RECENT = 20
"""Newest runs that are listed."""

STATES = {
    RunState.RUNNING: ("running", "hourglass_top"),
    RunState.FINISHED: ("finished", "check_circle"),
    RunState.CANCELLED: ("cancelled", "pause_circle"),
    RunState.STOPPED: ("stopped", "error"),
    RunState.INTERRUPTED: ("not finished", "pause_circle"),
}
"""The word for each state, and its icon."""


def recent_links() -> None:
    """Draw links to the newest runs. Hosted there are none: a run's id is a secret link."""
    count = len(jobs.live())
    if count:
        st.caption(f"{plural(count, 'live run')} on this server")
    runs = [] if hosted() else list_runs(store())[:RECENT]
    for run in runs:
        _link(run)
    if not runs:
        st.info("There is no run here yet.", icon=":material/info:")
        run_link("configure", "Start a run", "play_arrow")


def _link(run: Run) -> None:
    try:
        config, status = config_of(run), jobs.status(run)
    except DryRunError:
        return
    sampling = config.sampling
    when = time.strftime("%d %b %H:%M", time.localtime(status.started))
    label = f"{plain(config.dataset.name, 24)} · {sampling.size} × {sampling.rollouts} · {when}"
    page = "results" if status.state is RunState.FINISHED else "run"
    run_link(page, label, STATES[status.state][1], run.id)
