"""The form of a new run: three steps, and below them the bar with what the run will call, cost and take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dryrun.app.configure.columns import offer_reference
from dryrun.app.configure.dataset import dataset_section, place_in_use
from dryrun.app.configure.draft import keep_draft, restore_draft
from dryrun.app.configure.fill import PLACES, changed_since, duplicate
from dryrun.app.configure.grader import grader_section, show_findings
from dryrun.app.configure.judge import judge_section
from dryrun.app.configure.model import ChosenModel, model_label, model_section
from dryrun.app.configure.sample import (
    Range,
    cut_reasoning,
    other_sizes,
    planner,
    range_section,
    sampling_section,
    size_section,
)
from dryrun.app.configure.trial import trial_section
from dryrun.app.shared.budget import budget_section
from dryrun.app.shared.grader_check import check_section
from dryrun.app.shared.launch import launch
from dryrun.app.shared.session import DUPLICATE, model_words, remember, store
from dryrun.app.shared.widgets import show_error
from dryrun.core.config import ModelKind, RunConfig, SamplingConfig
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.text import plain
from dryrun.core.thresholds import Thresholds
from dryrun.dataset import Dataset
from dryrun.engine.budget import Budget
from dryrun.engine.estimate import Estimate, estimate, too_few_words
from dryrun.engine.prepare import Prepared, prepare
from dryrun.graders import GraderSpec
from dryrun.graders.judge_access import JudgeAccess
from dryrun.store.partition import Store
from dryrun.store.runs import list_runs

STEPS = {"data": "1. Data", "grader": "2. Grader", "model": "3. Model and size"}
"""The anchor of each step and its heading."""
LOOKED_AT = 20
"""Earlier runs among which one of the same model tells how long a call takes."""
LEAST_CALLS = 20


def missing_bar(missing: list[str]) -> None:
    """Say which steps are not done, each with a link to it. `missing` holds keys of `STEPS`."""
    links = " · ".join(f"[{STEPS[step]}](#{step})" for step in missing)
    with st.bottom:
        _row(f"**Still needed:** {links}")


def start_bar(prepared: Prepared, counts: Estimate, budget: Budget) -> bool:
    """Say what the run comes to; whether Start was clicked."""
    facts = [
        _calls(prepared.config, counts),
        _cost(prepared.config, counts, budget),
        _time(prepared.config, counts),
    ]
    few = too_few_words(len(prepared.prompts), Thresholds())
    with st.bottom:
        return _row(" · ".join(fact for fact in facts if fact), few, startable=True)


def _row(words: str, warning: str = "", startable: bool = False) -> bool:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(gap=None, width="stretch"):
            st.markdown(words)
            if warning:
                st.markdown(f":material/warning: {plain(warning)}")
        return st.button(
            "Start", type="primary", icon=":material/play_arrow:", key="start", disabled=not startable
        )


def _calls(config: RunConfig, counts: Estimate) -> str:
    product, model = f"{counts.prompts:,} × {counts.rollouts} =", model_words(config.model)
    if not counts.stored and 0 < counts.calls < counts.responses:
        return (
            f"{product} {counts.responses:,} responses by **{counts.calls:,} calls** to {model}: "
            "rows of one prompt share them"
        )
    words = f"{product} **{counts.responses:,} calls** to {model}"
    if not counts.stored:
        return words
    left = f"**{counts.calls:,} left**: the others are stored" if counts.calls else "all stored"
    return f"{words}, {left}"


def judge_words(config: RunConfig, counts: Estimate) -> str:
    """The number of calls to a judge, and its address; ``""`` for a grader without one. Safe for Markdown."""
    if config.judge is None:
        return ""
    where = plain(urlsplit(config.judge.base_url).netloc, 80)
    return (
        f"{counts.responses:,} grades, each at least **one call** to a judge at {where}; "
        "equal ones are asked once."
    )


def _cost(config: RunConfig, counts: Estimate, budget: Budget) -> str:
    if not counts.judge_calls and (config.model.kind is not ModelKind.ENDPOINT or not counts.calls):
        return "no cost"
    prices = budget.prices
    model = prices.worst(counts.size, batch=counts.batch) if counts.calls else 0.0
    judge = prices.worst_of_judge(counts.judge_size) if counts.judge_calls else 0.0
    cap = f" (cap {_caps(budget)})" if budget.capped else ""
    if model is None or judge is None:
        return f"[cost not known](#model){cap}"
    return f"at most \\${model + judge:,.2f}{cap}"


def _caps(budget: Budget) -> str:
    caps = [
        f"\\${budget.cost:,.2f}" if budget.cost is not None else "",
        f"{budget.calls:,} calls" if budget.calls is not None else "",
        f"{budget.tokens:,} tokens" if budget.tokens is not None else "",
    ]
    return ", ".join(cap for cap in caps if cap)


def _time(config: RunConfig, counts: Estimate) -> str:
    """How long the calls take at the pace of an earlier run of this model; ``""`` where there is none."""
    if config.model.batch is not None:
        return "up to 24 h"
    if hosted():  # earlier runs belong to others
        return ""
    newest = tuple(run.id for run in list_runs(store())[:1])
    pace = _pace(store(), newest, config.model.kind, config.model.name, config.model.base_url)
    calls = counts.responses if counts.stored is None else counts.calls
    if pace is None or not calls:
        return ""
    minutes = calls / pace / 60
    return f"about {minutes:,.0f} min" if minutes >= 1.5 else f"about {max(calls / pace, 1):,.0f} s"


@st.cache_resource(max_entries=32, ttl=600, show_spinner=False)
def _pace(
    store: Store, newest: tuple[str, ...], kind: ModelKind, name: str, base_url: str | None
) -> float | None:
    """Calls a second in the newest earlier run of this model; `newest` is part of the cache's key."""
    for run in list_runs(store)[:LOOKED_AT]:
        try:
            model, status = run.config().model, run.status()
        except DryRunError:
            continue
        same = (model.kind, model.name, model.base_url) == (kind, name, base_url) and model.batch is None
        if same and status.attempts >= LEAST_CALLS and status.seconds > 0:
            return status.attempts / status.seconds
    return None


@dataclass(frozen=True, slots=True)
class _Settings:
    """The third step: the model and how it is asked and graded."""

    model: ChosenModel | None
    sampling: SamplingConfig
    reward_range: Range | None
    cut: bool


def new_run_form() -> None:
    """Draw the three steps and the bar."""
    restore_draft()
    if name := st.query_params.get(DUPLICATE):
        duplicate(name)
    _heading("data")
    dataset, compare_rows = dataset_section()
    if dataset is not None:
        changed_since(dataset)
    _steps_below(dataset)
    keep_draft()
    compare_rows()


def _steps_below(dataset: Dataset | None) -> None:
    _heading("grader")
    grader, judge, below = _grader_step(dataset)
    _heading("model")
    settings = _model_step(dataset, grader)
    if dataset is not None and grader is not None and settings is not None and settings.model is not None:
        with below:
            prepared = _prepared(dataset, grader, judge, settings, settings.model)
        if prepared is not None:
            _offer(dataset, prepared, settings.model, judge)
        return
    model = settings.model if settings is not None else None
    done: dict[str, Any] = {"data": dataset, "grader": grader, "model": model}
    missing_bar([step for step, value in done.items() if value is None])


def _heading(step: str) -> None:
    st.header(STEPS[step], anchor=step)


def _grader_step(dataset: Dataset | None) -> tuple[GraderSpec | None, JudgeAccess | None, DeltaGenerator]:
    """Draw the second step; the container at the end is for what is wrong with the grader on these rows."""
    left, right = st.columns([3, 2], gap="medium")
    judge = None
    with left:
        grader = grader_section()
        below = st.container()
        try:
            judge = judge_section(grader)
        except DryRunError as error:
            show_error(error)
            return None, None, below
    with right:
        if grader is None or dataset is None:
            what = "a dataset" if dataset is None else "a grader without errors"
            st.caption(f"Here the grader is tried on a row as soon as there is {what}.")
            return grader, judge, below
        with st.container(gap="xsmall"):
            trial_section(dataset, grader, judge)
        check_section(dataset, grader, judge)
    return grader, judge, below


def _model_step(dataset: Dataset | None, grader: GraderSpec | None) -> _Settings | None:
    """Draw the third step; None where its fields contradict each other."""
    fields, words = st.columns([2, 3], gap="medium", vertical_alignment="bottom")
    with fields, st.grid(2, min_column_width=150):
        size, rollouts = size_section()
    with words:
        planner(size, rollouts, dataset, grader)
    open_first = model_label() == "not chosen yet"
    with st.expander(
        f"Model: {model_label()}. Sampling, scale, other sizes",
        key="model_fold",
        expanded=open_first,
        icon=":material/tune:",
    ):
        model = model_section()
        sampling = sampling_section(dataset, size, rollouts)
        cut = cut_reasoning()
        try:
            reward_range = range_section(grader)
        except DryRunError as error:
            show_error(error)
            return None
        other_sizes(size, rollouts, dataset, grader)
    return _Settings(model, sampling, reward_range, cut)


def _prepared(
    dataset: Dataset, grader: GraderSpec, judge: JudgeAccess | None, settings: _Settings, model: ChosenModel
) -> Prepared | None:
    """Dataset, grader and settings checked together; None, with a message, where they do not fit."""
    try:
        prepared = prepare(
            dataset,
            grader.raw,
            model=model.config,
            sampling=settings.sampling,
            reward_range=settings.reward_range,
            judge=judge.config if judge else None,
            cut_reasoning=settings.cut,
        )
    except DryRunError as error:
        show_error(error)
        offer_reference(dataset, grader)
        missing_bar(["grader"])
        return None
    show_findings(prepared.findings)
    offer_reference(dataset, grader)
    return prepared


def _offer(dataset: Dataset, prepared: Prepared, model: ChosenModel, judge: JudgeAccess | None) -> None:
    """Say what the run comes to, and start it on a click."""
    try:
        counts = estimate(store(), prepared)
        if words := judge_words(prepared.config, counts):
            st.caption(words)
        budget = budget_section(prepared.config, counts)
    except DryRunError as error:
        show_error(error)
        missing_bar(["model"])
        return
    if start_bar(prepared, counts, budget):
        if place := place_in_use():
            remember(PLACES, dataset.ref.fingerprint, place)
        launch(prepared, model.api_key, judge, budget=budget)
