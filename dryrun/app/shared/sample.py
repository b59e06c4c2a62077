"""One sample: prompt, response, reference, reward and its parts: text from outside throughout."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from dryrun.core.config import RunConfig
from dryrun.core.records import Grade, Prompt, Sample, SampleOutcome
from dryrun.core.text import cut, figure, number, one_line, plain, plural, visible
from dryrun.dataset.fields import REFERENCES
from dryrun.store.results import Inspected

COLUMN = 220
"""Pixels that prompt, response and reference need each to stand side by side."""

HEAD = 160
"""Characters of a text that its cell in a table holds."""

LONG, MANY_LINES = 1_200, 20
"""Characters, and lines, above which a text gets a box that scrolls."""

CUT = 4_000
"""Characters that are shown of a text before somebody asks for all."""


def blind_view(inspected: Inspected, config: RunConfig) -> None:
    """Draw one sample as a card without its grade, for people who judge the response themselves."""
    prompt, place = inspected.prompt, f"card_{inspected.sample.key}_{inspected.prompt.row}"
    facts = [f"row {prompt.row + 1:,}", *sample_facts(inspected.sample, config)]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            if prompt.topic:
                st.text(visible(cut(prompt.topic, 80)))
            st.caption(plain(" · ".join(facts)), width="content")
        texts = st.grid(3, min_column_width=COLUMN)
        with texts.cell():
            prompt_view(prompt, place)
        with texts.cell():
            st.caption("Response" if inspected.sample.returned else "No response: the call failed")
            response_view(inspected.sample, place)
        with texts.cell():
            others = _reference(prompt, place)
        other_fields_view(others, place)


def sample_facts(sample: Sample, config: RunConfig) -> list[str]:
    """Which response it is, how it ended where that is not an answer, and its tokens; not escaped."""
    facts = [f"response {sample.rollout + 1} of {config.sampling.rollouts}"]
    if sample.outcome is not SampleOutcome.ANSWERED:
        facts.append(sample.outcome.value)
    if sample.completion_tokens is not None:
        facts.append(plural(sample.completion_tokens, "token"))
    return facts


def reward_words(grade: Grade | None, score: float, config: RunConfig) -> str:
    """``"reward 0.35"``; beside it the score on 0..1 where the grader has another scale."""
    words = "no reward" if grade is None or grade.reward is None else f"reward {figure(grade.reward)}"
    if config.reward_range != (0.0, 1.0) and not math.isnan(score):
        words += f" (score {figure(score)})"
    return words


def prompt_view(prompt: Prompt, place: str) -> None:
    """Draw the last message of a prompt, the earlier ones folded; `place` names the widgets."""
    *before, last = prompt.messages
    _message(last, f"{place}_prompt")
    if before:
        with st.expander(f"{plural(len(before), 'earlier message')}"):
            for count, message in enumerate(before):
                _message(message, f"{place}_message_{count}")


def _message(message: Mapping[str, Any], place: str) -> None:
    st.caption(f"Prompt ({plain(message.get('role', ''), 20)})")
    text_block(message_text(message), place)


def response_view(sample: Sample, place: str) -> None:
    """Draw what the model answered, text and tool calls, or why it did not; `place` names the widgets."""
    if sample.text:
        text_block(sample.text, f"{place}_response")
    elif not sample.tool_calls:
        text_block(sample.error or "(nothing)", f"{place}_response")
    if sample.tool_calls:
        text_block(indented_json([dict(call) for call in sample.tool_calls]), f"{place}_calls")
    if sample.note:
        st.caption(plain(sample.note, 300))


def sub_reward_words(grade: Grade) -> str:
    """The parts of a reward on one line; plain text, for `st.text`."""
    return ", ".join(f"{visible(name)}: {number(value)}" for name, value in grade.sub_rewards.items())


def remarks_view(grade: Grade, place: str) -> None:
    """Draw the errors of a grade, and what a judge said, folded; `place` names the widgets."""
    for name, detail in grade.errors.items():
        st.warning(plain(f"{name}: {detail}", 500))
    if grade.detail:
        with st.expander("What the judge said", icon=":material/gavel:"):
            text_block(grade.detail, f"{place}_judge")


def other_fields_view(fields: Mapping[str, Any], place: str) -> None:
    """Draw fields of a row, folded; nothing where there are none."""
    if fields:
        with st.expander("Other fields of the row"):
            text_block(indented_json(fields), f"{place}_fields")


def _reference(prompt: Prompt, place: str) -> dict[str, Any]:
    """Draw the reference answer and return the row's other fields."""
    others = {key: value for key, value in prompt.item.items() if key not in ("messages", "topic")}
    name = next((key for key in REFERENCES if key in others), None)
    if name is not None:
        st.caption(plain(name.replace("_", " ").capitalize()))
        value = others.pop(name)
        text_block(value if isinstance(value, str) else indented_json(value), f"{place}_reference")
    return others


def message_text(message: Mapping[str, Any]) -> str:
    """What a message says: its text, text parts as lines; whatever else it holds as indented JSON."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list) and content and all(map(_is_text, content)):
        return "\n".join(part["text"] for part in content)
    return indented_json(content if content is not None else message.get("tool_calls"))


def _is_text(part: object) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "text" and isinstance(part.get("text"), str)


def table_cell(text: object, limit: int = HEAD) -> str:
    """A text for a cell: one line, cut; behind a word joiner no spreadsheet runs it as a formula."""
    words = one_line(visible(str(text)[: 8 * limit]), limit)
    return f"\u2060{words}" if words[:1] in ("=", "+", "-", "@") else words


def indented_json(value: object) -> str:
    """Any value as indented JSON, for people."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def box_height(text: str) -> int | Literal["content"]:
    """Pixels of the box that a long text scrolls in; a short one takes what it needs."""
    return 320 if len(text) > LONG or text.count("\n") > MANY_LINES else "content"


def text_block(text: str, place: str) -> None:
    """Draw a text letter by letter; of a long one the beginning, with a button for the whole.

    `place` names the button: unique on the page.
    """
    key = f"whole_{place}"
    whole = len(text) <= CUT or st.session_state.get(f"{key}_asked", False)
    shown = visible(text if whole else text[:CUT])
    st.code(shown, language=None, wrap_lines=True, height=box_height(shown))
    if not whole:
        st.button(
            f"Show all {len(text):,} characters",
            key=key,
            type="tertiary",
            icon=":material/unfold_more:",
            on_click=_ask_for_all,
            args=(key,),
        )


def _ask_for_all(key: str) -> None:
    st.session_state[f"{key}_asked"] = True
