"""Where the texts of two graders differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from dryrun.core.difference import MOST_LINES, line_differences
from dryrun.core.text import visible

LONG = 40
"""Lines above which the difference gets a box that scrolls."""


def grader_difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    """Draw the lines that differ, letter by letter; nothing for equal graders."""
    before, after = grader_text(first), grader_text(second)
    if before == after:
        return
    st.header(":small[The graders' texts]", anchor=False)
    st.caption("− only in the first grader, + only in the second")
    changed = line_differences(before, after) or "(They differ after the lines that are compared.)"
    long = changed.count("\n") > LONG
    st.code(visible(changed), language="diff", wrap_lines=True, height=480 if long else "content")
    if max(before.count("\n"), after.count("\n")) >= MOST_LINES:
        st.caption(f"Only the first {MOST_LINES:,} lines of both are compared.")


def grader_text(grader: Mapping[str, Any]) -> str:
    """A grader as people read it: its JSON, and below it each text of several lines as lines."""
    texts: list[tuple[str, str]] = []
    shown = _outlined(grader, "", texts)
    parts = [json.dumps(shown, indent=2, ensure_ascii=False)]
    parts += [f"\n{path}:\n{text}" for path, text in texts]
    return "\n".join(parts)


def _outlined(value: Any, path: str, texts: list[tuple[str, str]]) -> Any:
    """The value with a note in place of each text of several lines, which goes to `texts` with its path."""
    if isinstance(value, Mapping):
        return {
            name: _outlined(part, f"{path}.{name}" if path else str(name), texts)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_outlined(part, f"{path}[{number}]", texts) for number, part in enumerate(value)]
    if isinstance(value, str) and "\n" in value:
        texts.append((path, value))
        return "(its lines stand below)"
    return value
