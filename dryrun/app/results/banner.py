"""The verdict's card: the word, why, how sure, and the buttons of the next step."""

from __future__ import annotations

import time
from enum import Enum
from typing import Literal

import streamlit as st

from dryrun.analysis.figures.coverage import Coverage
from dryrun.analysis.figures.statistics import is_valid
from dryrun.analysis.forecast.chance import toy_words
from dryrun.analysis.selection import Show
from dryrun.analysis.verdict.evidence import Evidence
from dryrun.analysis.verdict.grounds.obstacles import right_refused
from dryrun.analysis.verdict.tree import NoticeCode
from dryrun.analysis.verdict.validity import TAGS
from dryrun.analysis.verdict.words import ActionKind, GraderQuality
from dryrun.app.results.downloads import export_menu, start_training, try_sft
from dryrun.app.results.figures import BARS, STUDY
from dryrun.app.results.inspector import show_group
from dryrun.app.results.thresholds import VERDICT, current_thresholds
from dryrun.app.shared import jobs
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.links import share_button
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.looks import NOTHING_TO_JUDGE, VerdictLook, current_look, word_of_run
from dryrun.app.shared.session import ADJUST, DUPLICATE, RUN, Chosen, model_words, run_link, tab_title
from dryrun.app.shared.widgets import drawn_again
from dryrun.core.text import plain, plural
from dryrun.store.notes import note_of
from dryrun.store.runs import RunStatus

TAB = "tab"
"""Name of the URL parameter, and of the widget, that says which tab is open."""
SAMPLES = "Samples"
OF_THE_RUN = {NoticeCode.TRUNCATED, NoticeCode.REASONING_ALONE}
"""Conditions that no other grader meets: the model has to answer anew."""
POLL_SECONDS = 2.0
"""Seconds between two looks at a run that is still measured."""


@st.fragment(key=VERDICT)
def verdict_card(chosen: Chosen, status: RunStatus, loaded: Loaded) -> None:
    """Draw the card of the verdict under the thresholds that are set."""
    evidence = loaded.judge(current_thresholds())
    look = current_look(evidence, status, loaded)
    tab_title(chosen.run, word_of_run(look, status))
    with st.container(border=True, key="verdict_card", gap="small"):
        _head(chosen, status, loaded, evidence, look)
        if look in NOTHING_TO_JUDGE:
            st.markdown("There is nothing to judge yet: the verdict needs more responses.")
        else:
            st.markdown(f"**{plain(evidence.short_reason, 600)}**")
            st.markdown(plain(evidence.how_sure, 600))
            _toy_policies(evidence)
        if loaded.results.pending:
            _unfinished(chosen, status, loaded)
        elif status.live:
            st.caption(f":material/hourglass_top: {plain(status.message, 300)} The verdict may change.")
        if look not in NOTHING_TO_JUDGE:
            _next_steps(chosen, loaded, evidence)


def redrawn_at_the_end(chosen: Chosen, status: RunStatus) -> None:
    """Draw the whole page again when the run ends, is resumed, or has many more scores.

    Drawn at the same place in every state.
    """
    pause = None if chosen.recorded else jobs.next_look(status, POLL_SECONDS)
    drawn_again(_follow, pause, chosen, status)


def _follow(chosen: Chosen, before: RunStatus) -> None:
    if not chosen.recorded and jobs.outgrown(before, jobs.status(chosen.run)):
        st.rerun()


def _toy_policies(evidence: Evidence) -> None:
    """Draw how small policies with such figures did in real training, beside how sure the verdict is."""
    index = evidence.measures.signal
    if words := toy_words(evidence.verdict, index.value if index and not evidence.document_only else None):
        st.markdown(f":small[{words} {STUDY}.]")  # a caption is too pale for a link


def _head(chosen: Chosen, status: RunStatus, loaded: Loaded, evidence: Evidence, look: VerdictLook) -> None:
    whole = not (loaded.results.pending or status.live)
    notes = [] if whole or look in NOTHING_TO_JUDGE else ["so far"]
    notes += ["borderline"] if evidence.borderline else []
    beside = f" :small[{', '.join(notes)}]" if notes else ""
    config = loaded.results.config
    when = time.strftime("%d %b %Y", time.localtime(status.started))
    with st.container(horizontal=True, horizontal_alignment="distribute", key="hero"):
        with st.container(gap=None, width="stretch", key="hero_words"):
            st.title(f":small[Dry Run Validation] {look.markdown}{beside}", anchor=False)
            st.markdown(_measured(evidence.document.coverage, len({*loaded.results.keys})))
            own = note_of(chosen.run).name if chosen.access.may(Right.PAGES) else ""
            name = f"{plain(own, 80)} · " if own else ""
            st.caption(f"{name}{plain(config.dataset.name, 80)} · {model_words(config.model)} · {when}")
        with st.container(horizontal=True, width="content", key="hand_on"):
            share_button(chosen)
            export_menu(loaded, evidence)


def _measured(coverage: Coverage, asked: int) -> str:
    responses = (
        f"{coverage.scored:,} of {plural(coverage.responses, 'response')}"
        if coverage.scored != coverage.responses
        else plural(coverage.responses, "response")
    )
    return f"Tested: **{coverage.prompts_scored:,} of {plural(asked, 'sample')}**, {responses} with a score"


def _unfinished(chosen: Chosen, status: RunStatus, loaded: Loaded) -> None:
    done = loaded.results.rollouts.num_rows
    total = done + loaded.results.pending
    going = "The run is still going on." if status.live else "The run stopped before its end."
    st.progress(done / total, f"{done:,} of {total:,} responses are in. {going}")
    if not status.live and chosen.access.may(Right.PAGES):
        st.caption(plain(status.message, 600))
    with st.container(horizontal=True, vertical_alignment="center"):
        if status.live:
            st.button("Refresh", icon=":material/refresh:", key="refresh", on_click=st.rerun)
        if not chosen.access.may(Right.PAGES):
            return
        if status.live or not chosen.access.may(Right.CONTROL):
            run_link("run", "Watch the run", "play_circle", chosen.link)
        elif st.button("Resume the run", type="primary", icon=":material/play_arrow:", key="go_on"):
            st.switch_page("pages/run.py", query_params={RUN: chosen.link})


def _next_steps(chosen: Chosen, loaded: Loaded, evidence: Evidence) -> None:
    """Draw the document's buttons: on a GO read samples and train, else find the cause."""
    if not chosen.access.may(Right.SAMPLES):
        return
    verdict, scored = evidence.verdict, bool(is_valid(loaded.observations.score).all())
    whole = not loaded.results.pending  # else to resume comes first
    first = next_button(evidence, scored=scored) if whole else None
    with st.container(horizontal=True, key="next_steps"):
        if first is Step.CHANGE:
            _change(chosen)
        if verdict == "GO":
            _show("View High Scores", Show.HIGHEST)
            _show("View Low Scores", Show.LOWEST)
            _adjust(chosen, first=first is Step.ADJUST)
        else:
            if verdict == "INVALID" and not scored:
                bare = first is Step.VIEW_UNSCORED
                _show("View Responses Without a Score", Show.WITHOUT_SCORE, first=bare)
            _show("Review Samples", telling_samples(evidence), first=first is Step.REVIEW)
            _adjust(chosen, first=first is Step.ADJUST)
            if verdict == "NO-GO":  # without a verdict nothing says that the model needs teaching
                try_sft(loaded, evidence)
            _show("View High Scores", Show.HIGHEST)
        if chosen.access.may(Right.PAGES):
            start_training(loaded, evidence)


class Step(Enum):
    """The step that comes first after a verdict: its button stands out. `TRAIN` is *Start Training*'s own."""

    CHANGE, REVIEW, VIEW_UNSCORED, ADJUST, TRAIN = range(5)


def next_button(evidence: Evidence, *, scored: bool) -> Step:
    """What comes first after a whole run, as the first recommended action has it.

    `scored` says whether every response has a score.
    """
    if scored and asks_for_another_run(evidence):
        return Step.CHANGE
    if evidence.verdict == "GO":
        return Step.ADJUST if evidence.conditions else Step.TRAIN
    if evidence.verdict == "INVALID":
        return Step.REVIEW if scored else Step.VIEW_UNSCORED
    kinds = [action.kind for action in evidence.actions if action.topic is None]
    return Step.ADJUST if kinds[:1] == [ActionKind.ADJUST_GRADER] else Step.REVIEW


def asks_for_another_run(evidence: Evidence) -> bool:
    """Whether what is to be mended first is the run's own: too few prompts, or too low a token limit."""
    if evidence.verdict == "INVALID":
        few = any(reason.code == NoticeCode.TOO_FEW_PROMPTS for reason in evidence.document.reasons)
        return few or TAGS[NoticeCode.TRUNCATED] in evidence.tags
    return bool(evidence.conditions) and evidence.conditions[0].code in OF_THE_RUN


def telling_samples(evidence: Evidence) -> Show:
    """The samples that show why there is no GO: right answers that go unpaid where these are the cause."""
    strict = evidence.grader_quality is GraderQuality.TOO_STRICT and not evidence.document_only
    refused = strict and right_refused(evidence.measures, evidence.thresholds)
    return Show.UNPAID if refused else Show.LOWEST


def _change(chosen: Chosen) -> None:
    if chosen.access.may(Right.PAGES) and st.button("Change it on New run", key="change", type="primary"):
        st.switch_page("pages/configure.py", query_params={DUPLICATE: chosen.link})


def _show(label: str, show: Show, *, first: bool = False) -> None:
    kind = _type(first)
    st.button(label, on_click=open_samples, args=(show,), key=f"go_{show.value}", type=kind)


def _type(first: bool) -> Literal["primary", "secondary"]:
    """The button of the step that comes next stands out."""
    return "primary" if first else "secondary"


def open_samples(show: Show, bars: str = "") -> None:
    """Open the samples at a group, of these bars alone where some are named.

    A callback: it ends by running the whole page again.
    """
    show_group(show)
    st.query_params.pop(BARS, None)
    if bars:
        st.query_params[BARS] = bars
    st.session_state[TAB] = SAMPLES
    st.rerun()


def _adjust(chosen: Chosen, *, first: bool = False) -> None:
    if not chosen.access.may(Right.PAGES):
        return
    kind = _type(first)
    hint = "Re-scores the stored responses: no calls."
    if st.button("Adjust Grader", key="adjust_grader", help=hint, type=kind):
        st.switch_page("pages/configure.py", query_params={ADJUST: chosen.link})
