"""The size of the sample, what it can tell, and the scale of the grader."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dryrun.analysis.sample_size import Foresight, Spread, foresee
from dryrun.app.shared.session import store
from dryrun.app.shared.widgets import draw_chart, number_field
from dryrun.core.config import (
    DEFAULT_ROLLOUTS,
    DEFAULT_SAMPLE_SIZE,
    MAX_ROLLOUTS,
    SamplingConfig,
    SamplingMethod,
)
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.text import plain, plural
from dryrun.core.thresholds import Thresholds
from dryrun.dataset import Dataset
from dryrun.engine.estimate import assumed_for, assumption_words, earlier_spread, plan_words
from dryrun.graders import GraderSpec
from dryrun.graders.reward_scale import reward_scale
from dryrun.report.charts.precision import plan_alt, plan_chart
from dryrun.store.partition import Store
from dryrun.store.runs import list_runs

Range = tuple[float, float]


def size_section() -> tuple[int, int]:
    """Draw and return how many prompts to ask, and how many responses to each."""
    size = number_field("Prompts (200 to 500)", "sample_size", 1, value=DEFAULT_SAMPLE_SIZE, step=50)
    rollouts = number_field("Responses per prompt", "rollouts", 1, MAX_ROLLOUTS, value=DEFAULT_ROLLOUTS)
    return size, rollouts


def sampling_section(dataset: Dataset | None, size: int, rollouts: int) -> SamplingConfig:
    """Draw how prompts are drawn, and return it with their numbers."""
    seed_help = "The same seed draws the same prompts."
    seed = number_field("Sampling seed", "sampling_seed", value=0, hint=seed_help)
    method = _method(dataset)
    return SamplingConfig(size=size, rollouts=rollouts, seed=seed, method=method)


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
    """Draw the choice of the grader's scale and return it; None where the grader's own is used.

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
            least = number_field("Lowest reward", f"{key}_low", value=low, step=0.01)
            most = number_field("Highest reward", f"{key}_high", value=high, step=0.01)
    if least >= most:
        raise DryRunError(f"The lowest reward ({least:g}) must be below the highest ({most:g}).")
    return least, most


def cut_reasoning(before: bool = False, key: str = "cut_reasoning") -> bool:
    """Draw and return the choice whether only what follows the reasoning in a response is graded."""
    return st.checkbox(
        "Grade what follows the reasoning",
        value=before,
        key=key,
        persist_state="session",
        help="Cuts a response after </think>, </reasoning> and the like before it is graded. What is stored "
        "stays whole, so that it can be graded the other way again without a call.",
    )


def planner(size: int, rollouts: int, dataset: Dataset | None, grader: GraderSpec | None) -> None:
    """Say in one sentence what the sample can tell."""
    plan, _ = _foreseen(size, rollouts, dataset, grader)
    st.markdown(f":material/query_stats: {plain(plan_words(plan, Thresholds()), 400)}")
    if dataset is not None and size > len(dataset):
        st.caption(f"The dataset has no more than {plural(len(dataset), 'row')}; all are used.")


def other_sizes(size: int, rollouts: int, dataset: Dataset | None, grader: GraderSpec | None) -> None:
    """Draw what the sentence rests on, and the curves for other sizes, folded."""
    folded = st.expander("Other sizes", icon=":material/query_stats:", key="sizes_fold", on_change="rerun")
    if folded.open:  # folded away the chart would cost a browser as much as an eighth of the page
        plan, spread = _foreseen(size, rollouts, dataset, grader)
        with folded:
            st.caption(plain(assumption_words(spread), 400))
            draw_chart(plan_chart, spread, plan, words=plan_alt(plan), key="plan_chart")


def _foreseen(
    size: int, rollouts: int, dataset: Dataset | None, grader: GraderSpec | None
) -> tuple[Foresight, Spread]:
    prompts = min(size, len(dataset)) if dataset is not None else size
    spread = _spread(dataset, grader.raw if grader else None)
    return foresee(prompts, rollouts, spread), spread


def _spread(dataset: Dataset | None, grader: dict[str, Any] | None) -> Spread:
    """How scores spread: as in an earlier run, else assumed. On a shared server runs belong to others."""
    if dataset is None or grader is None or hosted():
        return assumed_for(grader)
    newest = tuple(run.id for run in list_runs(store())[:1])
    return _earlier(store(), newest, dataset.ref.fingerprint, grader)


@st.cache_resource(max_entries=32, ttl=600, show_spinner=False)
def _earlier(store: Store, newest: tuple[str, ...], dataset: str, grader: dict[str, Any]) -> Spread:
    """`newest` is part of the cache's key: a new run counts."""
    earlier = earlier_spread(store, dataset, grader)
    return assumed_for(grader) if earlier is None else earlier[1]
