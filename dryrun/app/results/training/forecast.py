"""What a training on this would cost and take: a short form, and the forecast below it."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from pydantic import ValidationError

from dryrun.analysis.forecast.price import TrainingPlan
from dryrun.analysis.forecast.rates import RATES, with_rate
from dryrun.app.shared.loading import BY_VALUE, Loaded
from dryrun.app.shared.widgets import bullets, draw_tables, errors_shown, number_field
from dryrun.core.text import plain
from dryrun.report.forecast.words import Outlook, outlook_figures, outlook_of, outlook_sections

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
