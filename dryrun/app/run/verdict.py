"""How a run ended: the reason first where it did not get to its end, then the verdict in place."""

from __future__ import annotations

import streamlit as st

from dryrun.analysis.figures.coverage import Coverage
from dryrun.app.shared.loading import Loaded, load_run
from dryrun.app.shared.looks import NOTHING_TO_JUDGE, VerdictLook, current_look, word_of_run
from dryrun.app.shared.session import Chosen, tab_title
from dryrun.core.records import RunState
from dryrun.core.text import plain, plural
from dryrun.core.thresholds import Thresholds
from dryrun.store.runs import RunStatus

WATCHED = "watched_run"
"""Where the session keeps the run that it saw being measured, until its end has been announced."""


def ended_run(chosen: Chosen, status: RunStatus, thresholds: Thresholds) -> Loaded:
    """Draw how the run ended and its verdict; the figures that it was judged by are returned."""
    clean = status.state is RunState.FINISHED and not (status.failed or status.ungraded)
    if not clean:
        end_words(status)
    loaded = load_run(chosen)[1]
    evidence = loaded.judge(thresholds)
    look = current_look(evidence, status, loaded)
    word = word_of_run(look, status)
    tab_title(chosen.run, word)
    _announce(chosen, status, look, word)
    if look not in NOTHING_TO_JUDGE:
        with st.container(border=True, key="verdict_card", gap="small"):
            beside = " :small[so far]" if loaded.results.pending else ""
            st.header(f"{look.markdown}{beside}", anchor=False)
            st.markdown(f"**{plain(evidence.short_reason, 600)}**")
            st.markdown(plain(evidence.how_sure, 600))
            st.caption(_measured(evidence.document.coverage, len({*loaded.results.keys})))
    return loaded


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


def watch(chosen: Chosen) -> None:
    """Remember that this session sees the run being measured."""
    st.session_state[WATCHED] = chosen.run.id


def _announce(chosen: Chosen, status: RunStatus, look: VerdictLook, word: str) -> None:
    """Announce the end once, to the person who watched the run."""
    if st.session_state.get(WATCHED) == chosen.run.id:
        del st.session_state[WATCHED]
        what = "The run has ended; its verdict stands on this page."
        if status.state is not RunState.FINISHED:
            what = "The run has stopped before its end."
        st.toast(f"**{plain(word)}**. {what}", icon=look.icon)


def _measured(coverage: Coverage, asked: int) -> str:
    return (
        f"{coverage.prompts_scored:,} of {plural(asked, 'prompt')}, "
        f"{coverage.scored:,} of {plural(coverage.responses, 'response')} with a score"
    )
