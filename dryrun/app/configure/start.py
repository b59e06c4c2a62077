"""Starting a run: the quick run on the sample data, or the run that the form describes."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from dryrun.app.configure.dataset import sample_dataset, sample_dataset_path
from dryrun.app.configure.grader import sample_graders
from dryrun.app.shared import jobs
from dryrun.app.shared.session import (
    LAUNCH_ERROR,
    RECORDED,
    RUN,
    model_words,
    owner,
    recorded_run,
    run_link,
    store,
)
from dryrun.app.shared.widgets import error_kept, errors_shown
from dryrun.core.config import SamplingConfig, SamplingMethod
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.text import plain
from dryrun.core.thresholds import Thresholds
from dryrun.engine.budget import Budget
from dryrun.engine.estimate import Estimate
from dryrun.engine.prepare import Prepared, prepare, start
from dryrun.engine.sample_size import too_few_words
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
    """Start the run and go to its page; a run of the same configuration that is not finished is resumed.

    `source` is the run whose responses are graded anew: people's labels of them are taken over.
    """
    run = _unfinished(prepared) or start(store(), prepared)
    if source is not None:
        carry(source, run)
    judge_key = judge.api_key if judge else ""
    batch = prepared.config.model.batch
    with error_kept(LAUNCH_ERROR):
        jobs.start_job(run, api_key=api_key, judge_key=judge_key, owner=owner(), batch=batch, budget=budget)
    st.switch_page("pages/run.py", query_params={RUN: run.id})


def _unfinished(prepared: Prepared) -> Run | None:
    mine = [Run(store(), job.dryrun_id) for job in jobs.live() if not hosted() or job.owner == owner()]
    for run in mine:
        if run.folder.is_dir() and run.config().asks_the_same(prepared.config):
            return run
    # Where strangers share a server, nobody is given another person's run.
    return None if hosted() else unfinished_run(store(), prepared.config)


def still_missing(**parts: object) -> None:
    """Say which of these parts of a run are None: not chosen, or not usable."""
    names = [name.replace("_", " ") for name, part in parts.items() if part is None]
    st.caption(f"Still needed, above: {', '.join(names)}.")


def call_summary(prepared: Prepared, counts: Estimate) -> None:
    """Say how many calls the run will make, and to what."""
    model = model_words(prepared.config.model)
    lines = f"{counts.prompts:,} prompts × {counts.rollouts} responses = **{counts.responses:,} calls** "
    lines += f"to {model}"
    if counts.stored:
        lines += f", of which {counts.stored:,} are stored already: **{counts.calls:,} calls** are left"
    grader = plain(prepared.config.grader_name, 60)
    st.markdown(f"{lines}.  \n{counts.responses:,} grades by the grader {grader}, {_graded_where(prepared)}.")


def few_prompts(prepared: Prepared) -> None:
    """Say that the run is too small for a verdict, where it is."""
    if words := too_few_words(len(prepared.prompts), Thresholds()):
        st.warning(words, icon=":material/warning:")


def _graded_where(prepared: Prepared) -> str:
    judge = prepared.config.judge
    if judge is None:
        return "computed on this machine"
    return f"each at least **one call** to a judge at {plain(urlsplit(judge.base_url).netloc, 80)}"


QUICK = SamplingConfig(size=60, rollouts=2, method=SamplingMethod.STRATIFIED)
DEFAULT_GRADER = "combined"
"""The sample grader of the quick run; the first one where there is none of this name."""


def quick_start() -> None:
    """Draw the first thing a newcomer sees: what Dry Run is for, and one button that tries it."""
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
                run_link("results", "Or see a recorded result first", "insights", RECORDED)
        st.caption(
            f"{QUICK.size} prompts × {QUICK.rollouts} responses by a small model on this machine. "
            "No account, no key, about a minute. The first time its weights (93 MB) are fetched once."
        )
    if clicked:
        with errors_shown():
            launch(_quick_prepared())


def _quick_prepared() -> Prepared:
    graders = sample_graders()
    if not graders or not sample_dataset_path().is_file():
        raise DryRunError("This copy of Dry Run came without its sample data. Use your own below.")
    grader = graders.get(DEFAULT_GRADER) or next(iter(graders.values()))
    return prepare(sample_dataset(), grader.read_text(encoding="utf-8"), sampling=QUICK)
