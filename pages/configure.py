"""Choose data, grader, model and sample size, then start a run."""

import streamlit as st

from dryrun.app.configure.dataset import dataset_section
from dryrun.app.configure.grader import grader_section, show_findings
from dryrun.app.configure.judge import judge_section
from dryrun.app.configure.model import model_section
from dryrun.app.configure.regrade import regrade_form
from dryrun.app.configure.sample import cut_reasoning, planner, range_section, sampling_section
from dryrun.app.configure.start import call_summary, few_prompts, still_missing
from dryrun.app.configure.trial import trial_section
from dryrun.app.shared.budget import budget_section
from dryrun.app.shared.frame import ensure_frame
from dryrun.app.shared.grader_check import check_section
from dryrun.app.shared.launch import launch
from dryrun.app.shared.session import ADJUST, store
from dryrun.app.shared.widgets import show_error
from dryrun.core.errors import DryRunError
from dryrun.engine.estimate import estimate
from dryrun.engine.prepare import prepare

ensure_frame()

st.title("New run")
if adjusted := st.query_params.get(ADJUST):
    regrade_form(adjusted)
    st.stop()

st.header("1. Dataset")
dataset = dataset_section()

st.header("2. Grader")
grader = grader_section()
try:
    judge = judge_section(grader)
except DryRunError as error:
    show_error(error)
    judge, grader = None, None
trial_section(dataset, grader, judge)
check_section(dataset, grader, judge)

st.header("3. Base model")
model = model_section()

st.header("4. Sample")
try:
    sampling = sampling_section(dataset)
    planner(sampling, dataset, grader)
    reward_range = range_section(grader)
    cut = cut_reasoning()

    st.header("5. Start")
    if dataset is None or grader is None or model is None:
        still_missing(dataset=dataset, grader=grader, base_model=model)
        st.stop()
    prepared = prepare(
        dataset,
        grader.raw,
        model=model.config,
        sampling=sampling,
        reward_range=reward_range,
        judge=judge.config if judge else None,
        cut_reasoning=cut,
    )
    show_findings(prepared.findings)
    counts = estimate(store(), prepared)
    call_summary(prepared, counts)
    budget = budget_section(prepared.config, counts)
    few_prompts(prepared)
    if st.button("Start run", type="primary", icon=":material/play_arrow:", key="start"):
        launch(prepared, model.api_key, judge, budget=budget)
except DryRunError as error:
    show_error(error)
