"""The two quality lines of a GO, or the problem with its causes and what to do about it."""

from __future__ import annotations

import streamlit as st

from dryrun.analysis.verdict.evidence import Evidence
from dryrun.analysis.verdict.words import Action, Quality
from dryrun.core.text import plain


def quality_lines(found: Evidence) -> None:
    """Dataset and grader, each with a check mark where it is good and its sentence below."""
    _line("Dataset quality", found.dataset_line, good=found.dataset_quality == "good")
    _line("Grader quality", found.grader_line, good=found.grader_quality == "good")


def _line(title: str, quality: Quality, *, good: bool) -> None:
    mark = "✓" if good else "?" if quality.word == "Unknown" else ":material/warning:"
    with st.container(gap=None):
        st.markdown(f"{mark} **{title}: {plain(quality.word)}**")
        st.caption(plain(quality.sentence))


def problem(found: Evidence) -> None:
    """Likely causes, numbered, each with its effect; then what to do. Nothing where there is no problem."""
    if found.verdict != "GO":
        st.markdown(
            "#### :material/warning: Problem detected"
            if found.causes
            else "#### :material/warning: Not enough to judge"
        )
    elif found.causes:
        st.markdown("#### :material/warning: Worth fixing first")
    if found.causes:
        lines = [
            f"{number}. **{cause.part.capitalize()}:** {plain(cause.title)}  \n→ {plain(cause.effect)}  \n"
            f"Solution: {plain(cause.solution)}"
            for number, cause in enumerate(found.causes, 1)
        ]
        st.markdown("Likely causes:\n\n" + "\n".join(lines))
    general = [action for action in found.actions if action.topic is None]
    if general:
        st.markdown("Recommended actions:\n\n" + _bullets(general))


def topic_actions(found: Evidence) -> None:
    """What is recommended topic by topic, folded away: there may be many."""
    about = [action for action in found.actions if action.topic is not None]
    if about:
        with st.expander("What to do about the problem topics", icon=":material/checklist:"):
            st.markdown(_bullets(about))


def warning_list(found: Evidence) -> None:
    """Everything else a person should know before believing the verdict."""
    if found.warnings:
        st.markdown("**Warnings**\n\n" + "\n".join(f"- {plain(w.sentence, 400)}" for w in found.warnings))


def _bullets(actions: list[Action]) -> str:
    return "\n".join(f"- {plain(action.sentence, 400)}" for action in actions)
