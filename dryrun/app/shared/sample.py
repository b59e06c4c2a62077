"""One sample: prompt, response, reference, reward and its parts. All of it is text from outside."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from dryrun.core.config import RunConfig
from dryrun.core.records import Grade, Prompt, Sample, SampleOutcome
from dryrun.core.text import figure, number, plain, plural
from dryrun.dataset.fields import REFERENCES
from dryrun.store.results import Inspected

COLUMN = 220
"""Pixels that prompt, response and reference need each to stand side by side."""

LONG = 1200
"""Characters above which a text gets a box that scrolls."""


def sample_view(
    inspected: Inspected,
    score: float,
    config: RunConfig,
    *,
    blind: bool = False,
    below: Callable[[Inspected], None] | None = None,
) -> None:
    """Draw one sample as a card.

    Parameters
    ----------
    inspected : Inspected
    score : float
        Its score on 0..1; NaN if it has none.
    config : RunConfig
    blind : bool
        Hide the grade, for people who judge the response themselves.
    below : callable, optional
        Draws more at the end of the card.
    """
    prompt, grade = inspected.prompt, None if blind else inspected.grade
    with st.container(border=True):
        _head(inspected, score, config, blind)
        texts = st.grid(3, min_column_width=COLUMN)
        with texts.cell():
            _prompt(prompt)
        with texts.cell():
            _response(inspected.sample)
        with texts.cell():
            others = _reference(prompt)
        if grade is not None:
            for name, detail in grade.errors.items():
                st.warning(plain(f"{name}: {detail}", 500))
            if grade.detail:
                with st.expander("What the judge said", icon=":material/gavel:"):
                    _block(grade.detail)
        if others:
            with st.expander("Other fields of the row"):
                _block(_json(others))
        if below is not None:
            below(inspected)


def _head(inspected: Inspected, score: float, config: RunConfig, blind: bool) -> None:
    prompt, sample, grade = inspected.prompt, inspected.sample, inspected.grade
    reward = "no reward" if grade is None or grade.reward is None else f"reward {figure(grade.reward)}"
    if config.reward_range != (0.0, 1.0) and not math.isnan(score):
        reward += f" (score {figure(score)})"
    facts = [f"row {prompt.row + 1:,}", f"response {sample.rollout + 1} of {config.sampling.rollouts}"]
    if sample.outcome is not SampleOutcome.ANSWERED:
        facts.append(sample.outcome.value)
    if sample.completion_tokens is not None:
        facts.append(plural(sample.completion_tokens, "token"))
    with st.container(horizontal=True, vertical_alignment="center"):
        if not blind:
            st.markdown(f"**{plain(reward)}**", width="content")
        if prompt.topic:
            st.text(prompt.topic[:80])
        st.caption(plain(" · ".join(facts)), width="content")
        if grade is not None and grade.sub_rewards and not blind:
            st.text(sub_reward_words(grade))


def _prompt(prompt: Prompt) -> None:
    *before, last = prompt.messages
    _message(last)
    if before:
        with st.expander(f"{plural(len(before), 'earlier message')}"):
            for message in before:
                _message(message)


def _message(message: Mapping[str, Any]) -> None:
    st.caption(f"Prompt ({plain(message.get('role', ''), 20)})")
    _block(_content(message))


def _response(sample: Sample) -> None:
    st.caption("Response" if sample.gradable else "No response: the call failed")
    if sample.text:
        _block(sample.text)
    elif not sample.tool_calls:
        _block(sample.error or "(nothing)")
    if sample.tool_calls:
        _block(_json([dict(call) for call in sample.tool_calls]))
    if sample.note:
        st.caption(plain(sample.note, 300))


def sub_reward_words(grade: Grade) -> str:
    """The parts of a reward on one line; plain text, for `st.text`."""
    return "   ".join(f"{name}: {number(value)}" for name, value in grade.sub_rewards.items())


def _reference(prompt: Prompt) -> dict[str, Any]:
    """Draw the reference answer and return the row's other fields."""
    others = {key: value for key, value in prompt.item.items() if key not in ("messages", "topic")}
    name = next((key for key in REFERENCES if key in others), None)
    if name is not None:
        st.caption(plain(name.replace("_", " ").capitalize()))
        value = others.pop(name)
        _block(value if isinstance(value, str) else _json(value))
    return others


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return _json(content if content is not None else message.get("tool_calls"))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _block(text: str) -> None:
    st.code(text, language=None, wrap_lines=True, height=320 if len(text) > LONG else "content")
