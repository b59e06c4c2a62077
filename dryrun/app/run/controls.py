"""The buttons of a run: cancel, resume, go to its results."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.access.account import may_start, visitor
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.access.spent import check_calls, note_calls
from dryrun.app.shared.budget import budget_section, chosen_budget
from dryrun.app.shared.session import DUPLICATE, LAUNCH_ERROR, RUN, Chosen, config_of, may_cancel, run_link
from dryrun.app.shared.widgets import api_key_input, error_kept, errors_shown, show_kept_error
from dryrun.core.config import ModelKind, RunConfig
from dryrun.core.paths import hosted
from dryrun.core.records import RunState
from dryrun.engine.batch_records import under_way
from dryrun.store.runs import RunStatus
from dryrun.store.shared.registry import held_elsewhere

ELSEWHERE = "{who} is working on this run; it can be cancelled there."
BATCH = "resume_batch"
KEY = "resume_key"
JUDGE_KEY = "resume_judge_key"


def run_controls(chosen: Chosen, status: RunStatus) -> None:
    """Draw the buttons that make sense in the run's state."""
    show_kept_error(LAUNCH_ERROR)
    if status.live:
        _while_live(chosen)
    else:
        _after(chosen, status)


def _while_live(chosen: Chosen) -> None:
    run = chosen.run
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        run_link("results", "Results so far", "insights", run.id)
        if may_cancel(chosen):
            st.button("Cancel run", on_click=_cancel, args=(chosen,), icon=":material/stop:", key="cancel")
        if jobs.find(run) is None:
            away = held_elsewhere(run.folder)
            who = "Another machine" if away else "Another process on this machine"
            st.caption(ELSEWHERE.format(who=who))


def _cancel(chosen: Chosen) -> None:
    if may_cancel(chosen):
        jobs.cancel(chosen.run)


def _after(chosen: Chosen, status: RunStatus) -> None:
    run, finished = chosen.run, status.state is RunState.FINISHED
    left = status.worth_resuming and chosen.access.may(Right.CONTROL)
    waiting = under_way(run) if left else 0
    if left:
        _resume_fields(config_of(run), waiting, expanded=status.capped)
    with st.container(horizontal=True, vertical_alignment="center"):
        if status.graded and st.button(
            "See the results" if finished else "See the results so far",
            type="primary" if finished else "secondary",
            icon=":material/insights:",
            key="to_results",
        ):
            st.switch_page("pages/results.py", query_params={RUN: run.id})
        if left:
            gave_up = status.state is RunState.STOPPED
            begun = "Resume" if status.sampled or waiting or gave_up else "Start"
            st.button(
                "Try the failed ones again" if finished else begun,
                type="secondary" if finished else "primary",
                icon=":material/play_arrow:",
                key="resume",
                on_click=_resume,
                args=(chosen,),
            )
            if gave_up and not status.capped:  # the endpoint, model or grader it names may have to be another
                st.page_link(
                    "pages/configure.py",
                    label="Change it on New run",
                    icon=":material/edit:",
                    query_params={DUPLICATE: chosen.link},
                )
    if status.worth_resuming and not left:
        st.caption("Only the person who started this run can resume it.")
    if status.sampled and left and not finished:
        st.caption("What was done is kept: no answered call is made again.")


def _resume_fields(config: RunConfig, waiting: int, *, expanded: bool) -> None:
    """Draw keys, prices and limits; `waiting` requests are in a batch at the endpoint."""
    if waiting:
        st.caption(
            f"{waiting:,} requests are in a batch at the endpoint and go on there. Resume collects them; "
            "the API key must be of the same project."
        )
    if config.model.batch is not None:
        st.toggle(
            "Ask for what is left through the Batch API",
            value=True,
            key=BATCH,
            help="Off: call by call, at the full price and at once. A batch under way is collected first "
            "in either case, so nothing is paid for twice.",
        )
    if config.model.kind is ModelKind.ENDPOINT:
        api_key_input(KEY)
    if config.judge is not None:
        api_key_input(JUDGE_KEY, "Judge's API key")
    with errors_shown():
        budget_section(config, expanded=expanded)


def _resume(chosen: Chosen) -> None:
    run = chosen.run
    key, judge_key = (str(st.session_state.get(name) or "") for name in (KEY, JUDGE_KEY))
    config = config_of(run)
    batch = config.model.batch if st.session_state.get(BATCH, True) else None
    with error_kept(LAUNCH_ERROR):
        chosen.access.need(Right.CONTROL)
        may_start()
        calls = _calls_left(chosen)
        if hosted():
            check_calls(visitor(), calls)
        budget = chosen_budget(config)
        jobs.start_job(run, api_key=key, judge_key=judge_key, owner=visitor(), batch=batch, budget=budget)
        note_calls(visitor(), calls)


def _calls_left(chosen: Chosen) -> int:
    status, asks = chosen.run.status(), config_of(chosen.run).judge is not None
    return status.total - status.sampled + (status.total - status.graded if asks else 0)
