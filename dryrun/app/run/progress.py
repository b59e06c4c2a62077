"""A live run: its progress, and the offer to stop once the verdict has settled."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.budget import spent_words
from dryrun.app.shared.session import Chosen, config_of, may_cancel
from dryrun.core.config import ModelKind
from dryrun.core.records import RunState
from dryrun.core.text import plain
from dryrun.engine.early_stop import SettledWatch
from dryrun.store.runs import Run, RunStatus

POLL_SECONDS = 1.0
PROMPT_TOKEN_SECONDS, TOKEN_SECONDS = 0.002, 0.02
"""What the embedded model takes, at most, to read a token and to write one on two idle cores."""
FIRST_ANSWERS, WORTH_SAYING = 6, 90.0
"""Answers to judge the pace by, and seconds left that make it worth a word."""
IDLE_SECONDS = 5.0
"""Seconds between two looks at a run that ended: another person may resume it."""


def live_progress(chosen: Chosen) -> None:
    """Draw progress that follows the run; when it ends or is resumed, the whole page runs again."""
    status = jobs.status(chosen.run)
    follow = st.fragment(run_every=_pause(status))(_follow)
    with st.container():  # of its own: a timed fragment could draw over what stands after it
        follow(chosen, status.live)


def _pause(status: RunStatus) -> float | None:
    """Seconds to the next look; None where nothing is left to do."""
    if status.live:
        return POLL_SECONDS
    done = status.state is RunState.FINISHED and not (status.failed or status.ungraded)
    return None if done else IDLE_SECONDS


def _follow(chosen: Chosen, was_live: bool) -> None:
    run = chosen.run
    status = jobs.status(run)
    if was_live != status.live:
        st.rerun()
    if status.live:
        end_words(status)
    _show_progress(status, config_of(run).responses)
    if status.first:
        st.text(status.first)
    spent_words(config_of(run), status)
    if status.live:
        _offer_to_stop(chosen, status)


def _show_progress(status: RunStatus, asked: int) -> None:
    """`asked` stands for the total until the run has counted its responses."""
    total = max(status.total or asked, 1)
    reused = f", {status.reused:,} of them reused" if status.reused else ""
    st.progress(min(status.sampled / total, 1.0), f"Responses: {status.sampled:,} of {total:,}{reused}")
    st.progress(min(status.graded / total, 1.0), f"Grades: {status.graded:,} of {total:,}")
    with st.grid("auto", min_column_width=130):
        if status.live:
            st.metric("Rate", f"{status.rate:.1f} / s" if status.rate else "–")
            st.metric("Time left", _duration(status.remaining))
        st.metric("Time so far" if status.live else "Time", _duration(status.seconds))
        st.metric("Failed calls", f"{status.failed:,}")
        st.metric("Without a grade", f"{status.ungraded:,}")


def end_words(status: RunStatus) -> None:
    """Draw how the run ended, or what it is doing. Icon and words say as much as the colour."""
    text = plain(status.message or "Working.", 600)
    match status.state:
        case RunState.RUNNING:
            st.info(text, icon=":material/hourglass_top:")
        case RunState.FINISHED if status.failed or status.ungraded:
            st.warning(text, icon=":material/warning:")
        case RunState.FINISHED:
            st.success(text, icon=":material/check_circle:")
        case RunState.STOPPED if not status.capped:
            st.error(f"Stopped. {text}", icon=":material/error:")
        case _:
            st.warning(text, icon=":material/pause_circle:")


def _duration(seconds: float | None) -> str:
    """``"42 s"``, ``"3 m 20 s"``, ``"2 h 5 m"``; a dash if unknown."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} m"


def _offer_to_stop(chosen: Chosen, status: RunStatus) -> None:
    """Draw the offer to stop, once the verdict has settled or where the embedded model is slow."""
    run = chosen.run
    if run.stop_asked():
        st.caption("Stopping: the calls in flight are finished and graded first.")
        return
    settled = _watch(run).check(status)
    slow = slow_words(status) if config_of(run).model.kind is ModelKind.EMBEDDED else None
    if settled is not None:
        st.success(plain(settled.sentence), icon=":material/flag:")
    elif slow is not None:
        st.info(slow, icon=":material/hourglass_bottom:")
    else:
        return
    if may_cancel(chosen):
        st.button(
            "Stop here and keep what is done",
            icon=":material/flag:",
            key="stop_early",
            on_click=_stop_early,
            args=(chosen,),
            help="Calls in flight are finished and graded. More prompts would narrow the intervals.",
        )


def _stop_early(chosen: Chosen) -> None:
    if may_cancel(chosen):
        chosen.run.stop_early()


def slow_words(status: RunStatus) -> str | None:
    """What to say where the embedded model takes twice its usual time, with minutes to go; else None."""
    usual = PROMPT_TOKEN_SECONDS * status.prompt_tokens + TOKEN_SECONDS * status.completion_tokens
    left = (status.total - status.sampled - status.failed) * status.seconds / max(status.answers, 1)
    if status.answers < FIRST_ANSWERS or status.seconds < 2 * usual or left < WORTH_SAYING:
        return None
    return f"Slower than usual: about {left / 60:.0f} min at this pace. Is this machine busy?"


@st.cache_resource(max_entries=16, ttl=3600, show_spinner=False)
def _watch(run: Run) -> SettledWatch:
    """One for all viewers of the run."""
    return SettledWatch(run)
