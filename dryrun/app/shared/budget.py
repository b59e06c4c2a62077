"""What a run may cost: an estimate, prices and limits.

The session keeps limits, and prices too where strangers share the server. On one's own machine the prices of
a model are kept in the data directory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from dryrun.app.shared.session import recall, recall_all, remember
from dryrun.app.shared.widgets import number_field
from dryrun.core.config import ModelKind, RunConfig
from dryrun.core.errors import DryRunError
from dryrun.core.text import plain, plural
from dryrun.engine.budget import Budget, Prices, receipt, tokens_of
from dryrun.engine.estimate import Estimate
from dryrun.store.runs import RunStatus

PRICE = "prices"
"""The kind of entry that holds a model's prices."""
PRICES = {
    "prompt": "Prompt tokens, $ per million",
    "completion": "Completion tokens, $ per million",
    "judge_prompt": "Judge's prompt tokens, $ per million",
    "judge_completion": "Judge's completion tokens, $ per million",
}


def budget_section(config: RunConfig, worst: Estimate | None = None, expanded: bool = False) -> Budget:
    """Draw prices and limits for a run whose calls cost something, below the estimate where there is one.

    Raises
    ------
    DryRunError
        Money is limited and a price that it needs is missing.
    """
    if not _needed(config):
        return Budget()
    _recall_prices(config)
    if worst is not None and (worst.calls or worst.judge_calls):
        st.caption(f"Without retries: {plain(worst.words(_prices(config)), 400)}")
    with st.expander("Prices and a limit", expanded=expanded, icon=":material/payments:"):
        st.caption(
            "The run stops cleanly at a limit, with a report of what is done; with a higher one it goes on. "
            "Prices are needed for a limit in dollars only, as your provider lists them."
        )
        with st.grid("auto", min_column_width=200):
            for name in _needed(config):
                number_field(PRICES[name], _key(name), 0.0, step=0.01, form="%.4f", empty="unknown")
        with st.grid("auto", min_column_width=200):
            number_field("Stop after calls", _key("calls"), 1, empty="no limit")
            number_field("Stop after tokens", _key("tokens"), 1, empty="no limit")
            number_field(
                "Stop after US dollars", _key("cost"), 1e-4, step=0.01, form="%.4f", empty="no limit"
            )
    _keep_prices(config)
    return chosen_budget(config)


def _priced(config: RunConfig) -> dict[str, str]:
    """For each price of the run, the name of its model."""
    judge = f"{config.judge.base_url} {config.judge.model or config.grader_name}" if config.judge else ""
    model = f"{config.model.base_url} {config.model.name}"
    return {name: judge if name.startswith("judge") else model for name in _needed(config)}


def _recall_prices(config: RunConfig) -> None:
    """Fill in what the models of this run cost when they were last priced, wherever the model has changed."""
    state = st.session_state
    for name, model in _priced(config).items():
        if state.get(f"{_key(name)}_of") != model:
            first = f"{_key(name)}_of" not in state
            state[f"{_key(name)}_of"] = model
            known = (recall(PRICE, model) or {}).get(name)
            if isinstance(known, int | float) or not first:
                state[_key(name)] = None if known is None else float(known)


def _keep_prices(config: RunConfig) -> None:
    for name, model in _priced(config).items():
        if (value := st.session_state.get(_key(name))) is not None:
            remember(PRICE, model, (recall(PRICE, model) or {}) | {name: value})


def chosen_budget(config: RunConfig) -> Budget:
    """The prices and limits in the fields. Raises as `budget_section` does."""
    needed = _needed(config)
    if not needed:
        return Budget()
    prices = _prices(config)
    caps = {name: st.session_state.get(_key(name)) for name in ("calls", "tokens", "cost")}
    if caps["cost"] is not None and any(getattr(prices, name) is None for name in needed):
        whose = " and the judge's" if config.judge is not None else ""
        raise DryRunError(
            f"A limit in dollars needs the prices of a million tokens: open Prices and a limit, and give "
            f"the model's{whose}; 0 where nothing is charged."
        )
    return Budget(prices=prices, **caps)


def spent_words(config: RunConfig, status: RunStatus) -> None:
    """Show what the calls of a run have cost so far, where they cost something."""
    if _needed(config) and status.all_calls:
        st.caption(plain(receipt(status, _known_prices(config)), 400))


def cost_words(config: RunConfig, status: RunStatus) -> tuple[str, str]:
    """What a run has cost, and for what: ``("$0.42", "1,200 calls")``; tokens where prices are not known."""
    calls = plural(status.all_calls, "call")
    calls += f", {status.abandoned:,} of unknown price" if status.abandoned else ""
    if not _needed(config):
        return "$0", "imported" if config.model.kind is ModelKind.IMPORTED else "on this machine"
    if not status.all_calls:
        return "$0", "no call has ended" if status.live else "nothing was asked anew"
    cost = _known_prices(config).cost(status)
    return (f"{tokens_of(status):,}", f"tokens, {calls}") if cost is None else (f"${cost:,.2f}", calls)


def costs(runs: Iterable[tuple[RunConfig, RunStatus]]) -> list[float | None]:
    """What each run has cost in US dollars; None where a price or the number of tokens is not known."""
    kept = recall_all(PRICE)
    return [_cost(config, status, _known_prices(config, kept)) for config, status in runs]


def _cost(config: RunConfig, status: RunStatus, prices: Prices) -> float | None:
    # A server that counts no tokens is not one that charges nothing.
    uncounted = config.model.kind is ModelKind.ENDPOINT and status.answers and not status.prompt_tokens
    return None if uncounted else prices.cost(status)


def cost_of_cap(config: RunConfig, status: RunStatus, budget: Budget) -> tuple[str, str]:
    """What a run has cost, and its cap: ``("$0.12", "of $1.00")``; without a cap as `cost_words`.

    `budget` is the live run's own.
    """
    cost = budget.prices.cost(status)
    if budget.cost is not None and cost is not None:
        return _dollars(cost), f"of {_dollars(budget.cost)}"
    if budget.calls is not None:
        return f"{status.all_calls:,}", f"of {plural(budget.calls, 'call')}"
    if budget.tokens is not None:
        return f"{tokens_of(status):,}", f"of {plural(budget.tokens, 'token')}"
    return cost_words(config, status)


def _dollars(amount: float) -> str:
    """``"$0.12"``; of less than a dime, hundredths of a cent too."""
    return f"${amount:,.2f}" if amount == 0 or amount >= 0.1 else f"${amount:.4f}"


def _needed(config: RunConfig) -> list[str]:
    """The names of the prices that the run's calls have."""
    endpoint = ["prompt", "completion"] if config.model.kind is ModelKind.ENDPOINT else []
    return endpoint + (["judge_prompt", "judge_completion"] if config.judge is not None else [])


def _known_prices(config: RunConfig, kept: Mapping[str, Any] | None = None) -> Prices:
    """What the run's own models cost: as this session typed it for them, else as it was kept."""
    kept, state = recall_all(PRICE) if kept is None else kept, st.session_state
    known: dict[str, Any] = {}
    for name, model in _priced(config).items():
        typed = state.get(_key(name)) if state.get(f"{_key(name)}_of") == model else None
        known[name] = (kept.get(model) or {}).get(name) if typed is None else typed
    return Prices(**(_free(config) | known))


def _free(config: RunConfig) -> dict[str, float]:
    """Prices of responses that no endpoint generates."""
    return {} if config.model.kind is ModelKind.ENDPOINT else {"prompt": 0.0, "completion": 0.0}


def _prices(config: RunConfig) -> Prices:
    known = {name: st.session_state.get(_key(name)) for name in _needed(config)}
    return Prices(**(_free(config) | known))


def _key(name: str) -> str:
    return f"budget_{name}"
