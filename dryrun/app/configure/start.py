"""Starting a run: the quick run on the sample data, or the run that the form describes."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from dryrun.app.shared.session import (
    model_words,
)
from dryrun.core.text import plain
from dryrun.core.thresholds import Thresholds
from dryrun.engine.estimate import Estimate
from dryrun.engine.prepare import Prepared
from dryrun.engine.sample_size import too_few_words


def still_missing(**parts: object) -> None:
    """Say which of these parts of a run are None: not chosen, or not usable."""
    names = [name.replace("_", " ") for name, part in parts.items() if part is None]
    st.caption(f"Still needed, above: {', '.join(names)}.")


def call_summary(prepared: Prepared, counts: Estimate) -> None:
    """Say how many calls the run will make, and to what."""
    model = model_words(prepared.config.model)
    lines = f"{counts.prompts:,} prompts × {counts.rollouts} responses = **{counts.responses:,} calls** "
    lines += f"to {model}"
    if counts.stored:
        lines += f", of which {counts.stored:,} are stored already: **{counts.calls:,} calls** are left"
    grader = plain(prepared.config.grader_name, 60)
    st.markdown(f"{lines}.  \n{counts.responses:,} grades by the grader {grader}, {_graded_where(prepared)}.")


def few_prompts(prepared: Prepared) -> None:
    """Say that the run is too small for a verdict, where it is."""
    if words := too_few_words(len(prepared.prompts), Thresholds()):
        st.warning(words, icon=":material/warning:")


def _graded_where(prepared: Prepared) -> str:
    judge = prepared.config.judge
    if judge is None:
        return "computed on this machine"
    return f"each at least **one call** to a judge at {plain(urlsplit(judge.base_url).netloc, 80)}"
