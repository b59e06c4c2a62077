"""How many prompts, how many responses to each, which ones; and the grader's scale.

What the chosen sample will be able to tell, live beside the two numbers that decide it.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from dryrun.analysis.sample_size import Spread, foresee
from dryrun.app.shared.session import store
from dryrun.app.shared.widgets import draw_chart
from dryrun.core.config import DEFAULT_ROLLOUTS, DEFAULT_SAMPLE_SIZE, SamplingConfig, SamplingMethod
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.text import plain
from dryrun.core.thresholds import Thresholds
from dryrun.dataset import Dataset
from dryrun.engine.sample_size import assumed_for, assumption_words, earlier_spread, plan_words
from dryrun.graders import GraderSpec
from dryrun.graders.format.reward_scale import reward_scale
from dryrun.report.charts.sample_size import plan_alt, plan_chart
from dryrun.store.runs import list_runs

Range = tuple[float, float]


def sampling_section(dataset: Dataset | None) -> SamplingConfig:
    """Draw the section; which prompts to draw, and how many responses to each."""
    with st.grid(3):
        size = st.number_input(
            "Prompts",
            min_value=1,
            value=DEFAULT_SAMPLE_SIZE,
            step=50,
            key="sample_size",
            persist_state="session",
            help="200 to 500 are recommended. A larger number later pays only for the difference.",
        )
        rollouts = st.number_input(
            "Responses per prompt",
            min_value=1,
            max_value=64,
            value=DEFAULT_ROLLOUTS,
            step=1,
            key="rollouts",
            persist_state="session",
            help="Rollouts: training compares several responses to one prompt, so look at several here.",
        )
        seed = st.number_input(
            "Sampling seed",
            value=0,
            step=1,
            key="sampling_seed",
            persist_state="session",
            help="The same seed draws the same prompts.",
        )
    method = _method(dataset)
    if dataset is not None and size > len(dataset):
        st.caption(f"The dataset has {len(dataset):,} rows; all of them are used.")
    return SamplingConfig(size=int(size), rollouts=int(rollouts), seed=int(seed), method=method)


def _method(dataset: Dataset | None) -> SamplingMethod:
    if dataset is None or len(dataset.topics) < 2:
        return SamplingMethod.SIMPLE
    stratified = st.toggle(
        "Every topic keeps its share",
        key="stratified",
        persist_state="session",
        help="Stratified by topic. Off: every row has the same chance.",
    )
    return SamplingMethod.STRATIFIED if stratified else SamplingMethod.SIMPLE


def range_section(spec: GraderSpec | None, key: str = "range") -> Range | None:
    """The advanced choice of the grader's scale; None where the grader's own is used.

    Raises
    ------
    DryRunError
        The two ends are in the wrong order.
    """
    low, high = reward_scale(spec) if spec is not None else (0.0, 1.0)
    with st.expander("Reward range (advanced)", icon=":material/straighten:"):
        own = st.toggle(
            "Set the grader's scale by hand",
            key=f"{key}_own",
            persist_state="session",
            help="Thresholds compare rewards mapped to 0 to 1. Rewards themselves are stored as they are.",
        )
        if not own:
            st.caption(f"Rewards are read on the scale {low:g} to {high:g}.")
            return None
        with st.grid(3):
            least = st.number_input("Lowest reward", value=low, key=f"{key}_low", persist_state="session")
            most = st.number_input("Highest reward", value=high, key=f"{key}_high", persist_state="session")
    if least >= most:
        raise DryRunError(f"The lowest reward ({least:g}) must be below the highest ({most:g}).")
    return float(least), float(most)


def cut_reasoning(before: bool = False, key: str = "cut_reasoning") -> bool:
    """Whether the grader is given only what follows the reasoning in a response."""
    return st.checkbox(
        "Grade what follows the reasoning",
        value=before,
        key=key,
        persist_state="session",
        help="Cuts a response after </think>, </reasoning> and the like before it is graded. What is stored "
        "stays whole, so that it can be graded the other way again without a call.",
    )


def planner(sampling: SamplingConfig, dataset: Dataset | None, grader: GraderSpec | None) -> None:
    """One sentence, and the curves behind it. Others' runs teach nothing on a shared server."""
    prompts = min(sampling.size, len(dataset)) if dataset is not None else sampling.size
    spread = _spread(dataset, grader.raw if grader else None)
    found = foresee(prompts, sampling.rollouts, spread)
    st.markdown(f":material/query_stats: {plain(plan_words(found, Thresholds()), 400)}")
    with st.expander("Why, and other sizes", icon=":material/show_chart:"):
        st.caption(plain(assumption_words(spread), 400))
        draw_chart(plan_chart, spread, found, told=plan_alt(found), key="plan_chart")


def _spread(dataset: Dataset | None, grader: dict[str, Any] | None) -> Spread:
    if dataset is None or grader is None or hosted():
        return assumed_for(grader)
    newest = tuple(run.id for run in list_runs(store())[:1])
    return _learned(str(store().root), newest, dataset.ref.fingerprint, str(grader), grader)


@st.cache_resource(max_entries=32, ttl=600, show_spinner=False)
def _learned(
    root: str, newest: tuple[str, ...], dataset: str, grader: str, _grader: dict[str, Any]
) -> Spread:
    """From an earlier run if there is one; `newest` makes a new run count."""
    found = earlier_spread(store(), dataset, _grader)
    return found[1] if found is not None else assumed_for(_grader)
