"""What the chosen sample will be able to tell, live beside the two numbers that decide it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dryrun.analysis.sample_size import Spread, foresee
from dryrun.app.shared.session import store
from dryrun.app.shared.widgets import draw_chart
from dryrun.core.config import SamplingConfig, Thresholds
from dryrun.core.paths import hosted
from dryrun.core.text import plain
from dryrun.dataset import Dataset
from dryrun.engine.sample_size import assumed_for, assumption_words, earlier_spread, plan_words
from dryrun.graders import GraderSpec
from dryrun.report.charts.sample_size import plan_alt, plan_chart
from dryrun.store.runs import list_runs


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
