"""The training itself: what it would cost and take, and, from its log, how it went."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from pydantic import ValidationError

from dryrun.analysis.forecast.price import RATES, TrainingPlan, with_rate
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.loading import BY_VALUE, Loaded
from dryrun.app.shared.session import Chosen
from dryrun.app.shared.widgets import (
    Upload,
    bullets,
    draw_chart,
    draw_tables,
    error_kept,
    errors_shown,
    forget_upload,
    kept_upload,
    number_field,
    show_kept_error,
)
from dryrun.core.text import plain, short
from dryrun.core.thresholds import Thresholds
from dryrun.report.forecast.words import Outlook, outlook_figures, outlook_of, outlook_sections
from dryrun.report.outcome.chart import curve_alt, curve_chart
from dryrun.report.outcome.ledger import Entry, entries_of
from dryrun.report.outcome.of_run import add_training
from dryrun.report.outcome.read_log import read_uploaded_log
from dryrun.report.outcome.words import foretold_lines, outcome_line, validation_lines, warnings_of

PLAN: dict[str, tuple[str, float, float]] = {
    "steps": ("Steps", 1, 1),
    "prompts": ("Prompts a step", 1, 1),
    "group": ("Responses to each", 2, 1),
    "limit": ("Limit of tokens", 1, 1),
    "prompt_price": ("$ a million in", 0.0, 0.01),
    "completion_price": ("$ a million out", 0.0, 0.01),
    "hourly_price": ("$ an hour", 0.0, 0.01),
    "tokens_per_second": ("Tokens a second", 0.0, 1.0),
    "seconds_per_step": ("Seconds a step", 0.0, 1.0),
    "judge_price": ("$ a judge's grade", 0.0, 0.001),
}
"""For each field of the plan: its label, the least value, and the step of its buttons."""
HINTS = {
    "limit": "Of a response. Empty: the longest of the run.",
    "prompt_price": "US dollars for a million tokens of prompts. A prompt counts once for each response.",
    "completion_price": "US dollars for a million generated tokens.",
    "judge_price": "US dollars for one grade, where the grader asks a model.",
    "hourly_price": "Of all machines together. It needs a pace.",
    "tokens_per_second": "The pace, as you know it: tokens that all machines together generate.",
    "seconds_per_step": "The pace, where you know only how long a whole step takes. Beside tokens a second: "
    "the part of a step that is not generation.",
}
IN_A_ROW = 5
OPEN = ("What it is made from", "Time and price")
"""Sections that are open: no figure without its inputs beside it."""


def training_forecast(loaded: Loaded) -> None:
    """Draw the form and what it comes to, once it is asked for."""
    if not np.isfinite(loaded.observations.score).any():
        return
    st.subheader("Forecast", anchor=False)
    hint = "Tokens, time and price of a training, and the group size and limit that the run speaks for."
    if st.toggle("Forecast the training", key="forecast_shown", help=hint):
        _form(loaded)


@st.fragment
def _form(loaded: Loaded) -> None:
    plan = _plan()
    if plan is None:
        return
    with errors_shown():
        outlook = _outlook(loaded, plan.model_dump_json())
        for column, (label, value) in zip(st.columns(4), outlook_figures(outlook).items(), strict=True):
            column.metric(label, plain(value))
        for section in outlook_sections(outlook, options=False):
            if section:
                with st.expander(section.title, expanded=section.title in OPEN):
                    st.markdown(bullets("".join(line) for line in section.lines))
                    draw_tables(section)


def _plan() -> TrainingPlan | None:
    """The plan in the form; None, with a message, where the fields make no plan."""
    published = st.selectbox(
        "Published prices",
        ["", *RATES],
        format_func=_rate_label,
        key="plan_published",
        help="Their page and date stand beside the result. A price of your own wins.",
    )
    fields = {}
    for place, (name, (label, least, step)) in enumerate(PLAN.items()):
        if place % IN_A_ROW == 0:
            columns = st.columns(IN_A_ROW)
        with columns[place % IN_A_ROW]:
            fields[name] = _field(name, label, least, step)
    filled = {name: value for name, value in fields.items() if value is not None}
    try:
        return TrainingPlan.model_validate(with_rate(filled, published or ""))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        label = PLAN[str(first["loc"][0])][0] + ": " if first["loc"] else ""
        words = f"{label}{str(first['msg']).removeprefix('Value error, ')}"
        st.warning(plain(f"{words[:1].upper()}{words[1:]}."), icon=":material/edit:")
        return None


def _rate_label(name: str) -> str:
    if not name:
        return "None: those below"
    rate = RATES[name]
    price = f"${rate.prices['hourly_price']:g} an hour" if "hourly_price" in rate.prices else "free"
    return f"{rate.place}: {price}"


def _field(name: str, label: str, least: Any, step: Any) -> Any:
    default = TrainingPlan.model_fields[name].default
    form = None if isinstance(step, int) else "%g"
    return number_field(
        label,
        f"plan_{name}",
        least,
        value=default,
        step=step,
        empty="not given",
        form=form,
        hint=HINTS.get(name),
    )


@st.cache_resource(max_entries=16, ttl=3600, show_spinner="Forecasting …", hash_funcs=BY_VALUE)
def _outlook(loaded: Loaded, plan: str) -> Outlook:
    return outlook_of(loaded.results, TrainingPlan.model_validate_json(plan))


LOG, REWARD, GROUP = "outcome_log", "outcome_reward", "outcome_group"
"""Keys of the form."""
PROBLEM = "outcome_problem"
"""Where the session keeps an error until the page shows it."""
ENDINGS = ["json", "jsonl", "csv", "tsv", "log", "txt"]


def training_outcome(chosen: Chosen, loaded: Loaded) -> None:
    """Draw the newest training, a line for each earlier one, and a form for people who may add one."""
    entries, may_add = entries_of(chosen.run), chosen.access.may(Right.CONTROL)
    if not entries and not may_add:
        return
    st.subheader("How the training went", anchor=False)
    if entries:
        _training(entries[-1], named=chosen.access.may(Right.PAGES))
        if earlier := bullets(outcome_line(entry.kept.course) for entry in entries[-2::-1]):
            st.markdown(f"Earlier trainings:\n{earlier}")
    if may_add:
        _log_form(chosen, loaded)


def _training(entry: Entry, *, named: bool) -> None:
    """Only people who may open the run's own pages see the file's name."""
    st.text(outcome_line(entry.kept.course))
    for line in validation_lines(entry.kept):
        st.text(line)
    st.text(f"Said before: {' '.join(foretold_lines(entry.kept.prediction))}")
    for warning in warnings_of(entry):
        st.warning(plain(warning, 400), icon=":material/compare_arrows:")
    draw_chart(curve_chart, entry.kept, words=curve_alt(entry.kept), key="outcome_curve")
    source = f" of {plain(entry.kept.log)}" if named else ""
    diamonds = " Diamonds: validation." if entry.kept.validation else ""
    st.caption(f"Mean score by step{source}.{diamonds} Grey: the run's mean with its 95 % interval.")


def _log_form(chosen: Chosen, loaded: Loaded) -> None:
    with st.expander(
        "Add a training's log", icon=":material/upload_file:", expanded=PROBLEM in st.session_state
    ):
        st.caption(
            "TRL's trainer_state.json, verl's metrics or console, OpenAI's events or result file, JSON lines "
            "or CSV with a step and a reward. Only its numbers and its name are kept, with the run."
        )
        upload = kept_upload("Log", ENDINGS, _log_key(chosen))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            group = number_field("Responses to each prompt", GROUP, 2, value=Thresholds().group_size)
            reward = st.text_input("Name of the reward", key=REWARD, placeholder="as trainers call it")
        show_kept_error(PROBLEM)
        st.button(
            "Keep with this run",
            key="outcome_keep",
            disabled=upload is None,
            on_click=_keep,
            args=(chosen, loaded, upload, reward.strip(), group),
        )


def _keep(chosen: Chosen, loaded: Loaded, upload: Upload, reward: str, group: int) -> None:
    with error_kept(PROBLEM):
        chosen.access.need(Right.CONTROL)
        add_training(loaded.results, read_uploaded_log(upload.name, upload.content, reward), group)
        forget_upload(_log_key(chosen))


def _log_key(chosen: Chosen) -> str:
    """Each run has a file of its own: what was chosen for one is not offered for another."""
    return f"{LOG}_{short(chosen.run.id)}"
