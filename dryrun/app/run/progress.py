"""A run while it goes: how far, how fast, how long still.

A live run whose verdict has settled: said, with a stop offered and never taken.
"""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.budget import spent_words
from dryrun.app.shared.session import config_of, may_cancel
from dryrun.core.records import RunState
from dryrun.core.text import plain
from dryrun.engine.early_stop import SettledWatch
from dryrun.store.runs import Run, RunStatus

POLL_SECONDS = 1.0
IDLE_SECONDS = 5.0
"""How often a page looks at a run that ended: somebody else may resume it."""


def live_progress(run: Run) -> None:
    """Progress that follows the run by itself; where it ends or is taken up again the whole page is drawn."""
    status = jobs.status(run)
    live = status.live
    follow = st.fragment(run_every=_pause(status))(_follow)
    with st.container():  # of its own: a timed fragment could draw over what stands after it
        follow(run, live)


def _pause(status: RunStatus) -> float | None:
    """Seconds to the next look; None where nothing is left to be done."""
    if status.live:
        return POLL_SECONDS
    done = status.state is RunState.FINISHED and not (status.failed or status.ungraded)
    return None if done else IDLE_SECONDS


def _follow(run: Run, was_live: bool) -> None:
    status = jobs.status(run)
    if was_live != status.live:
        st.rerun()
    if status.live:
        end_words(status)
    show_progress(status, config_of(run).responses)
    spent_words(config_of(run), status)
    if status.live:
        settled_offer(run, status)


def show_progress(status: RunStatus, asked: int) -> None:
    """The figures of one moment; `asked` stands in for the total until the run has counted."""
    total = max(status.total or asked, 1)
    reused = f", {status.reused:,} of them reused" if status.reused else ""
    st.progress(min(status.sampled / total, 1.0), f"Responses: {status.sampled:,} of {total:,}{reused}")
    st.progress(min(status.graded / total, 1.0), f"Grades: {status.graded:,} of {total:,}")
    with st.grid("auto", min_column_width=130):
        if status.live:
            st.metric("Rate", f"{status.rate:.1f} / s" if status.rate else "–")
            st.metric("Time left", duration(status.remaining))
        st.metric("Time so far" if status.live else "Time", duration(status.seconds))
        st.metric("Failed calls", f"{status.failed:,}")
        st.metric("Without a grade", f"{status.ungraded:,}")


def end_words(status: RunStatus) -> None:
    """How it ended, or what it is doing, in a box that says so without its colour."""
    text = plain(status.message or "Working.", 600)
    match status.state:
        case RunState.RUNNING:
            st.info(text, icon=":material/hourglass_top:")
        case RunState.FINISHED if status.failed or status.ungraded:
            st.warning(text, icon=":material/warning:")
        case RunState.FINISHED:
            st.success(text, icon=":material/check_circle:")
        case RunState.STOPPED if status.capped:
            st.warning(text, icon=":material/pause_circle:")
        case RunState.STOPPED:
            st.error(f"Stopped. {text}", icon=":material/error:")
        case RunState.CANCELLED:
            st.warning(text, icon=":material/pause_circle:")
        case RunState.INTERRUPTED:
            st.warning(text, icon=":material/pause_circle:")


def duration(seconds: float | None) -> str:
    """``"42 s"``, ``"3 m 20 s"``, ``"2 h 5 m"``; a dash if unknown."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} m"


def settled_offer(run: Run, status: RunStatus) -> None:
    """Draw it; nothing while the verdict may still move."""
    if run.stop_asked():
        st.caption("Stopping: the calls in flight are finished and graded first.")
        return
    found = _watch(str(run.folder.resolve()), run).check(status)
    if found is None:
        return
    st.success(plain(found.sentence), icon=":material/flag:")
    if may_cancel(run):
        st.button(
            "Stop here and keep what is done",
            icon=":material/flag:",
            key="stop_early",
            on_click=run.stop_early,
            help="Calls in flight are finished and graded. More prompts would narrow the intervals.",
        )


@st.cache_resource(max_entries=16, ttl=3600, show_spinner=False)
def _watch(folder: str, _run: Run) -> SettledWatch:
    """One for all viewers of a run; `folder` is the cache's key."""
    return SettledWatch(_run)
