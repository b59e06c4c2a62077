"""The endpoint, the model and the key of a grader's judges."""

from __future__ import annotations

import streamlit as st

from dryrun.app.configure.model import usable_base_url
from dryrun.app.shared.widgets import api_key_input, number_field
from dryrun.core.config import JudgeConfig
from dryrun.core.fingerprint import account_of
from dryrun.core.text import plain
from dryrun.graders import GraderSpec
from dryrun.graders.judge_access import JudgeAccess
from dryrun.graders.kinds.judge_spec import JudgeSpec


def judge_section(
    spec: GraderSpec | None, known: JudgeConfig | None = None, key: str = "judge"
) -> JudgeAccess | None:
    """Draw where judges are asked, and return it; None for a grader that asks no model.

    Parameters
    ----------
    spec : GraderSpec or None
    known : JudgeConfig, optional
        What the fields begin with.
    key : str
        Prefix of the widgets' keys.

    Raises
    ------
    ModelError
        The base URL cannot be used.
    """
    if spec is None or not spec.asks_models:
        return None
    first = known or JudgeConfig()
    named = sorted({part.model for _, part in spec.walk() if isinstance(part, JudgeSpec)})
    with st.container(border=True):
        who = f"It asks {plain(' and '.join(named) or 'an embedding model', 120)}."
        apart = "Each grade is a call, with an endpoint and a key apart from the base model's."
        st.markdown(f"**Judge.** {who} {apart}")
        left, right = st.columns(2)
        with left:
            url = st.text_input(
                "Judge's base URL", value=first.base_url, key=f"{key}_base_url", persist_state="session"
            )
            model = st.text_input(
                "Judge's model",
                value=first.model or "",
                key=f"{key}_model",
                persist_state="session",
                placeholder=", ".join(named)[:80],
                help="Asked instead of the model that the grader names. Empty: the grader's own.",
            )
        with right:
            api_key = api_key_input(f"{key}_key", "Judge's API key")
            calls = number_field("Judge calls at once", f"{key}_concurrency", 1, 256, value=first.concurrency)
    base_url, name = usable_base_url(str(url or "")), str(model or "").strip() or None
    asked = {"base_url": base_url, "model": name, "concurrency": calls, "account": account_of(api_key)}
    config = first.model_copy(update=asked)
    return JudgeAccess(config, api_key)
