"""From a checked configuration to a live run and its page.

The first thing a newcomer sees: one sentence, one button.
"""

from __future__ import annotations

import streamlit as st

from dryrun.app.configure.dataset import sample_dataset, sample_dataset_path
from dryrun.app.configure.grader import sample_graders
from dryrun.app.shared import jobs
from dryrun.app.shared.session import FLASH, RECORDED, RUN, look_at, model_words, owner, recorded_run, store
from dryrun.app.shared.widgets import show_error
from dryrun.core.config import SamplingConfig, SamplingMethod
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.text import plain
from dryrun.engine.budget import Budget
from dryrun.engine.estimate import Estimate
from dryrun.engine.prepare import Prepared, prepare, start
from dryrun.graders.kinds.judge_access import JudgeAccess
from dryrun.store.labels import carry
from dryrun.store.runs import Run, unfinished_run


def launch(
    prepared: Prepared,
    api_key: str = "",
    judge: JudgeAccess | None = None,
    source: Run | None = None,
    budget: Budget | None = None,
) -> None:
    """Start the run and go to its page. A run with just this configuration is gone on with, not doubled.

    `source` is the run whose responses are graded anew: people's labels of them hold on.
    """
    run = _known(prepared) or start(store(), prepared)
    if source is not None:
        carry(source, run)
    try:
        batch, judge_key = prepared.config.model.batch, judge.api_key if judge else ""
        jobs.start_job(run, api_key=api_key, judge_key=judge_key, owner=owner(), batch=batch, budget=budget)
    except DryRunError as error:
        st.session_state[FLASH] = str(error)
    look_at(run.id)
    st.switch_page("pages/run.py", query_params={RUN: run.id})


def _known(prepared: Prepared) -> Run | None:
    mine = [Run(store(), job.dryrun_id) for job in jobs.live() if not hosted() or job.owner == owner()]
    for run in mine:
        if run.folder.is_dir() and run.config().asks_the_same(prepared.config):
            return run
    # Where strangers share a server nobody is handed somebody else's run.
    return None if hosted() else unfinished_run(store(), prepared.config)


def still_missing(**parts: object) -> None:
    """Say which of these parts of a run are not chosen yet, or not usable as they are."""
    names = [name.replace("_", " ") for name, part in parts.items() if part is None]
    st.caption(f"Still needed, above: {', '.join(names)}.")


def call_summary(prepared: Prepared, counts: Estimate) -> None:
    """Say what will be called, and how often."""
    model = model_words(prepared.config.model)
    lines = f"{counts.prompts:,} prompts × {counts.rollouts} responses = **{counts.responses:,} calls** "
    lines += f"to {model}"
    if counts.stored:
        lines += f", of which {counts.stored:,} are stored already: **{counts.calls:,} calls** are left"
    grader = plain(prepared.config.grader_name, 60)
    st.markdown(f"{lines}.  \n{counts.responses:,} grades by the grader {grader}, {_graded_where(prepared)}.")


def _graded_where(prepared: Prepared) -> str:
    judge = prepared.config.judge
    if judge is None:
        return "computed on this machine"
    host = judge.base_url.split("://")[-1].split("/")[0]
    return f"each at least **one call** to a judge at {plain(host, 80)}"


QUICK = SamplingConfig(size=60, rollouts=2, method=SamplingMethod.STRATIFIED)
DEFAULT_GRADER = "combined"
"""The sample grader the quick run uses, where there is one of this name; else the first."""


def quick_start() -> None:
    """Draw it."""
    st.markdown(
        "Before you pay for reinforcement fine-tuning: let the base model answer a sample of your prompts, "
        "grade the answers, and read **GO** or **NO-GO** with the reasons."
    )
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            clicked = st.button(
                "Quick run on the sample data", type="primary", icon=":material/play_arrow:", key="quick"
            )
            if recorded_run() is not None:
                st.page_link(
                    "pages/results.py",
                    label="Or see a recorded result first",
                    icon=":material/insights:",
                    query_params={RUN: RECORDED},
                )
        st.caption(
            f"{QUICK.size} prompts × {QUICK.rollouts} responses by a small model on this machine. "
            "No account, no key, one to two minutes. The first time its weights (93 MB) are fetched once."
        )
    if clicked:
        _go()


def quick_prepared() -> Prepared:
    """The quick run, checked.

    Raises
    ------
    DryRunError
        The sample data is not there.
    """
    graders = sample_graders()
    if not graders or not sample_dataset_path().is_file():
        raise DryRunError("This copy of Dry Run came without its sample data. Use your own below.")
    grader = graders.get(DEFAULT_GRADER) or next(iter(graders.values()))
    return prepare(sample_dataset(), grader.read_text(encoding="utf-8"), sampling=QUICK)


def _go() -> None:
    try:
        prepared = quick_prepared()
    except DryRunError as error:
        show_error(error)
        return
    launch(prepared)
