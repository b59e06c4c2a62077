"""What a run may cost: the estimate beforehand, prices and caps. They are the session's, not the run's."""

from __future__ import annotations

import streamlit as st

from dryrun.core.config import ModelKind, RunConfig
from dryrun.core.errors import DryRunError
from dryrun.core.text import plain
from dryrun.engine.budget import Budget, Prices, receipt
from dryrun.engine.estimate import Estimate
from dryrun.store.runs import RunStatus

PRICES = {
    "prompt": "Prompt tokens, $ per million",
    "completion": "Completion tokens, $ per million",
    "judge_prompt": "Judge's prompt tokens, $ per million",
    "judge_completion": "Judge's completion tokens, $ per million",
}
CAPS = {"calls": "Stop after calls", "tokens": "Stop after tokens", "cost": "Stop after US dollars"}


def budget_section(config: RunConfig, worst: Estimate | None = None, expanded: bool = False) -> Budget:
    """Draw it for a run whose calls cost something, with the estimate where there is one.

    Raises
    ------
    DryRunError
        Money is capped and a price it needs is missing.
    """
    if not _paid(config):
        return Budget()
    prices = _prices(config)
    if worst is not None and (worst.calls or worst.judge_calls):
        st.caption(f"Without retries: {plain(worst.words(prices), 400)}")
    with st.expander("Prices and a limit", expanded=expanded, icon=":material/payments:"):
        st.caption(
            "The run stops cleanly at a limit, with a report of what is done; with a higher one it goes on. "
            "Prices are needed for a limit in dollars only, as your provider lists them."
        )
        with st.grid("auto", min_column_width=200):
            for name, label in PRICES.items():
                if name in _needed(config):
                    _number(label, name, 0.0, 0.01)
        with st.grid("auto", min_column_width=200):
            _number(CAPS["calls"], "calls", 1, 1, "no limit")
            _number(CAPS["tokens"], "tokens", 1, 1, "no limit")
            _number(CAPS["cost"], "cost", 0.0001, 0.01, "no limit")
    return chosen_budget(config)


def chosen_budget(config: RunConfig) -> Budget:
    """What the fields say. Raises as `budget_section` does."""
    if not _paid(config):
        return Budget()
    prices = _prices(config)
    caps = {name: st.session_state.get(_key(name)) for name in CAPS}
    if caps["cost"] is not None and any(getattr(prices, name) is None for name in _needed(config)):
        whose = " and the judge's" if config.judge is not None else ""
        raise DryRunError(
            f"A limit in dollars needs the prices of a million tokens: open Prices and a limit, and give "
            f"the model's{whose}; 0 where nothing is charged."
        )
    return Budget(prices=prices, **caps)


def spent_words(config: RunConfig, status: RunStatus) -> None:
    """The receipt so far, of calls that cost something."""
    if _paid(config) and (status.attempts or status.judged):
        st.caption(plain(receipt(status, _prices(config)), 400))


def _paid(config: RunConfig) -> bool:
    return bool(_needed(config))


def _needed(config: RunConfig) -> list[str]:
    """Which prices the run's calls have."""
    endpoint = ["prompt", "completion"] if config.model.kind is ModelKind.ENDPOINT else []
    return endpoint + (["judge_prompt", "judge_completion"] if config.judge is not None else [])


def _prices(config: RunConfig) -> Prices:
    needed = _needed(config)
    known = {name: st.session_state.get(_key(name)) if name in needed else None for name in PRICES}
    if "prompt" not in needed:  # its responses cost nothing
        known |= {"prompt": 0.0, "completion": 0.0}
    return Prices(**known)


def _number(label: str, name: str, low: float, step: float, missing: str = "unknown") -> None:
    st.number_input(
        label,
        min_value=low,
        value=None,
        step=step,
        format="%d" if isinstance(low, int) else "%.4f",
        key=_key(name),
        persist_state="session",
        placeholder=missing,
    )


def _key(name: str) -> str:
    return f"budget_{name}"
