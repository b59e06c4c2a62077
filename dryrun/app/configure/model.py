"""Choosing the base model and how it is sampled. What is left empty is not sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import streamlit as st
from pydantic import ValidationError

from dryrun.app.shared.widgets import api_key_input, errors_shown, number_field
from dryrun.core.blocking import run_blocking
from dryrun.core.config import (
    EMBEDDED_MODEL,
    OPENAI_URL,
    RETIRED_DEFAULT_MODEL,
    BatchConfig,
    ModelConfig,
    ModelKind,
)
from dryrun.core.errors import DryRunError
from dryrun.core.fingerprint import account_of
from dryrun.core.paths import hosted
from dryrun.core.text import plain, plural
from dryrun.models.model_list import ModelInfo, list_models
from dryrun.models.urls import check_public, host_of, known_for_batches, normalise_base_url

BATCH = "model_batch"
EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh"]

NAME_HELP = (
    f"Any name the endpoint knows. The design document's default, {RETIRED_DEFAULT_MODEL}, was retired by "
    "OpenAI on 2026-10-23; it can still be typed where another host serves it."
)


class Where(StrEnum):
    """Which kind of model."""

    EMBEDDED = "Embedded, no account needed"
    ENDPOINT = "OpenAI-compatible endpoint"


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """The model's configuration, and apart from it the key, which is never stored.

    Attributes
    ----------
    config : ModelConfig
    api_key : str
    """

    config: ModelConfig
    api_key: str = field(default="", repr=False)


def model_label() -> str:
    """The model that the form names, for the heading of the fold that it is chosen in; safe for Markdown."""
    if st.session_state.get("model_where") != Where.ENDPOINT:
        return f"{EMBEDDED_MODEL} on this machine"
    name = str(st.session_state.get("model_name") or "").strip()
    return plain(name, 60) if name else "not chosen yet"


def model_section() -> ChosenModel | None:
    """Draw the section and return the model; None while none is chosen or it cannot be used."""
    where = st.segmented_control(
        "Model",
        list(Where),
        default=Where.EMBEDDED,
        required=True,
        key="model_where",
        persist_state="session",
        label_visibility="collapsed",
    )
    with errors_shown():
        return _endpoint() if where == Where.ENDPOINT else _embedded()
    return None


def fill_in(config: ModelConfig) -> None:
    """Put a configuration into the form."""
    state = st.session_state
    state["model_where"] = Where.EMBEDDED if config.kind is ModelKind.EMBEDDED else Where.ENDPOINT
    if config.kind is ModelKind.ENDPOINT:
        state["base_url"], state["model_name"] = config.base_url or "", config.name
        state[BATCH] = config.batch is not None
    for name in ("temperature", "top_p", "max_completion_tokens", "reasoning_effort", "seed"):
        state[f"model_{name}"] = getattr(config, name)
    state["model_response_format"] = json.dumps(config.response_format) if config.response_format else ""


def _embedded() -> ChosenModel:
    st.caption(
        f"{EMBEDDED_MODEL} runs on this machine: 135 million parameters, so it solves easy tasks only. "
        "Its weights, 93 MB, are fetched once."
    )
    return ChosenModel(_config(kind=ModelKind.EMBEDDED, name=EMBEDDED_MODEL, **_sampling_values()))


def _endpoint() -> ChosenModel | None:
    left, right = st.columns(2)
    url = left.text_input(
        "Base URL",
        value=OPENAI_URL,
        key="base_url",
        persist_state="session",
        help="Ends before /chat/completions.",
    )
    with right:
        key = api_key_input("api_key")
    base_url = ""
    with left, errors_shown():  # at its field; the others stay, with what was typed
        base_url = usable_base_url(str(url or ""))
    name = _model_name(base_url, key)
    values = _sampling_values()
    values |= {"batch": _batch_switch(base_url), "account": account_of(key)}
    if not base_url:
        return None
    if not name:
        st.caption("Type the model's name to go on.")
        return None
    return ChosenModel(_config(kind=ModelKind.ENDPOINT, name=name, base_url=base_url, **values), key)


def usable_base_url(url: str) -> str:
    """The URL in its usual spelling; where strangers share the server, it must be on the public internet.

    Raises
    ------
    ModelError
        It is not a base URL, or a hosted app does not call it.
    """
    base_url = normalise_base_url(url)
    if hosted():
        _refuse_private(base_url)
    return base_url


@st.cache_resource(max_entries=64, ttl=300, show_spinner=False)
def _refuse_private(base_url: str) -> None:
    run_blocking(check_public(base_url))


def _batch_switch(base_url: str) -> BatchConfig | None:
    """How batches are made, or None for a call per response."""
    chosen = st.toggle(
        "Generate through the Batch API (half the price, up to 24 h)",
        key=BATCH,
        persist_state="session",
        help="All requests go out at once and come back within 24 hours, most often sooner. You can close "
        "this page meanwhile: the batch goes on at the endpoint, and resuming the run collects it. Judges "
        "are asked call by call when the responses are there.",
    )
    if not chosen:
        return None
    if base_url and not known_for_batches(base_url):
        host = plain(host_of(base_url), 80)
        st.caption(
            f"{host} is not known to have a Batch API. If it has none, the run says so at once, "
            "and nothing is paid for."
        )
    return BatchConfig()


def _model_name(base_url: str, api_key: str) -> str:
    left, right = st.columns(2, vertical_alignment="bottom")
    name = left.text_input(
        "Model name", key="model_name", persist_state="session", help=NAME_HELP, placeholder="gpt-5-mini"
    )
    if right.button(
        "List models", icon=":material/list:", help="Asks the endpoint for its models.", disabled=not base_url
    ):
        with errors_shown(), st.spinner("Asking the endpoint …"):  # the fields stay, with what was typed
            st.session_state["model_list"] = (base_url, run_blocking(list_models(base_url, api_key)))
    listed_for, models = st.session_state.get("model_list", ("", []))
    if listed_for and listed_for == base_url:
        _pick(models)
    return str(name or "").strip()


def _pick(models: list[ModelInfo]) -> None:
    if not models:
        st.caption("The endpoint lists no models; type the name.")
        return
    dates = {model.id: model.shutdown_date for model in models}
    st.selectbox(
        plural(len(models), "model"),
        list(dates),
        index=None,
        key="model_pick",
        format_func=lambda name: f"{name} (retires {dates[name]})" if dates[name] else name,
        placeholder="Pick one",
        on_change=_take_pick,
    )


def _take_pick() -> None:
    if picked := st.session_state.get("model_pick"):
        st.session_state["model_name"] = picked


def _sampling_values() -> dict[str, Any]:
    seed_help = "Rollout i is asked with this seed plus i."
    with st.expander("Sampling parameters", icon=":material/tune:"):
        st.caption("What is left empty is not sent; the model's own default holds.")
        with st.grid(3):
            values = {
                "temperature": _number("temperature", 0.0, 2.0, 0.1),
                "top_p": _number("top_p", 0.01, 1.0, 0.05),
                "max_completion_tokens": _number("max_completion_tokens", 1),
                "seed": _number("seed", hint=seed_help),
                "reasoning_effort": st.selectbox(
                    "Reasoning effort",
                    EFFORTS,
                    index=None,
                    key="model_reasoning_effort",
                    persist_state="session",
                    accept_new_options=True,
                    placeholder="not sent",
                ),
            }
        values["response_format"] = _response_format()
    return values


def _number(
    name: str, low: float | None = None, high: float | None = None, step: float = 1, hint: str | None = None
) -> Any:
    label = name.replace("_", " ").capitalize()
    return number_field(label, f"model_{name}", low, high, step=step, empty="not sent", hint=hint)


def _response_format() -> dict[str, Any] | None:
    text = st.text_area(
        "Response format (JSON)",
        key="model_response_format",
        persist_state="session",
        placeholder='{"type": "json_object"}',
        height=80,
    )
    if not (text or "").strip():
        return None
    try:
        value = json.loads(text or "")
    except ValueError as error:
        raise DryRunError(f"The response format is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise DryRunError('The response format must be an object, e.g. {"type": "json_object"}.')
    return value


def _config(**values: Any) -> ModelConfig:
    try:
        return ModelConfig(**values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "model"
        raise DryRunError(f"{field}: {first['msg']}.") from error
