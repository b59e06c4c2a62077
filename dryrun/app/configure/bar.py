"""The bar that is always in view: what the run will call, cost and take, and Start; or what is missing."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from dryrun.app.shared.session import model_words, store
from dryrun.core.config import ModelKind, RunConfig
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.text import plain
from dryrun.core.thresholds import Thresholds
from dryrun.engine.budget import Budget
from dryrun.engine.estimate import Estimate, too_few_words
from dryrun.engine.prepare import Prepared
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
    if config.model.kind is not ModelKind.ENDPOINT and config.judge is None:
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
