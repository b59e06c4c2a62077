"""The form of a new run: three steps, and the bar below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dryrun.app.configure.bar import STEPS, judge_words, missing_bar, start_bar
from dryrun.app.configure.columns import offer_reference
from dryrun.app.configure.dataset import dataset_section, place_in_use
from dryrun.app.configure.fill import PLACES, changed_since, duplicate
from dryrun.app.configure.grader import grader_section, show_findings
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
from dryrun.app.configure.trial import judge_section, trial_section
from dryrun.app.shared.budget import budget_section
from dryrun.app.shared.grader_check import check_section
from dryrun.app.shared.launch import launch
from dryrun.app.shared.session import DUPLICATE, remember, store
from dryrun.app.shared.widgets import show_error
from dryrun.core.config import SamplingConfig
from dryrun.core.errors import DryRunError
from dryrun.dataset import Dataset
from dryrun.engine.estimate import estimate
from dryrun.engine.prepare import Prepared, prepare
from dryrun.graders import GraderSpec
from dryrun.graders.kinds.judge_access import JudgeAccess


@dataclass(frozen=True, slots=True)
class _Settings:
    """The third step: the model and how it is asked and graded."""

    model: ChosenModel | None
    sampling: SamplingConfig
    reward_range: Range | None
    cut: bool


def new_run_form() -> None:
    """Draw the three steps and the bar."""
    if name := st.query_params.get(DUPLICATE):
        duplicate(name)
    _heading("data")
    dataset, compare_rows = dataset_section()
    if dataset is not None:
        changed_since(dataset)
    _steps_below(dataset)
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
