"""What can be done with a run: cancel, resume, go to its results."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.budget import budget_section, chosen_budget
from dryrun.app.shared.session import FLASH, RUN, config_of, may_cancel, owner
from dryrun.app.shared.widgets import api_key_input, show_error
from dryrun.core.config import BatchConfig, ModelConfig, ModelKind
from dryrun.core.errors import DryRunError
from dryrun.core.records import RunState
from dryrun.core.text import plain
from dryrun.engine.batch_records import under_way
from dryrun.store.runs import Run, RunStatus

GO_ON = "resume_batch"
KEY = "resume_key"
JUDGE_KEY = "resume_judge_key"


def run_controls(run: Run, status: RunStatus) -> None:
    """The buttons that make sense in this state."""
    if problem := st.session_state.pop(FLASH, ""):
        st.error(plain(problem, 400), icon=":material/error:")
    if status.live:
        _while_live(run)
    else:
        _after(run, status)


def _while_live(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if may_cancel(run):
            st.button("Cancel run", on_click=jobs.cancel, args=(run,), icon=":material/stop:", key="cancel")
        st.page_link(
            "pages/results.py",
            label="Results so far",
            icon=":material/insights:",
            query_params={RUN: run.id},
        )
    if jobs.find(run) is None:
        st.caption("Another process on this machine is working on this run; it can be cancelled there.")
    st.caption("The run goes on when you leave this page or close the tab. Its link brings you back.")


def _after(run: Run, status: RunStatus) -> None:
    finished = status.state is RunState.FINISHED
    left = not finished or status.failed or status.ungraded
    waiting = 0
    if left and config_of(run).model.kind is ModelKind.ENDPOINT:
        waiting = _resume_choice(run, config_of(run).model)
        api_key_input(KEY)
    if left and config_of(run).judge is not None:
        api_key_input(JUDGE_KEY, "Judge's API key")
    if left:
        try:
            budget_section(config_of(run), expanded=status.capped)
        except DryRunError as error:
            show_error(error)
    with st.container(horizontal=True):
        if status.graded and st.button(
            "See the results" if finished else "See the results so far",
            type="primary" if finished else "secondary",
            icon=":material/insights:",
            key="to_results",
        ):
            st.switch_page("pages/results.py", query_params={RUN: run.id})
        if left:
            begun = "Resume" if status.sampled or waiting else "Start"
            again = "Try the failed ones again" if finished else begun
            st.button(
                again,
                type="secondary" if finished else "primary",
                icon=":material/play_arrow:",
                key="resume",
                on_click=_resume,
                args=(run,),
            )
    if left and not finished:
        st.caption("What was done is kept: no answered call is made again.")


def _resume_choice(run: Run, model: ModelConfig) -> int:
    """Draw how to go on with a run that may have begun with batches; how many requests are in one."""
    waiting = under_way(run)
    if waiting:
        st.caption(
            f"{waiting:,} requests are in a batch at the endpoint and go on there. Resume collects them; "
            "the API key must be of the same project."
        )
    if model.batch is not None:
        st.toggle(
            "Ask for what is left through the Batch API",
            value=True,
            key=GO_ON,
            help="Off: call by call, at the full price and at once. A batch under way is collected first "
            "in either case, so nothing is paid for twice.",
        )
    return waiting


def _chosen_batch(model: ModelConfig) -> BatchConfig | None:
    """What `_resume_choice` was set to."""
    return model.batch if st.session_state.get(GO_ON, True) else None


def _resume(run: Run) -> None:
    key, judge_key = (str(st.session_state.get(name) or "") for name in (KEY, JUDGE_KEY))
    try:
        config = config_of(run)
        batch, budget = _chosen_batch(config.model), chosen_budget(config)
        jobs.start_job(run, api_key=key, judge_key=judge_key, owner=owner(), batch=batch, budget=budget)
    except DryRunError as error:
        st.session_state[FLASH] = str(error)
