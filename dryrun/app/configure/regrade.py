"""Adjust Grader: the same prompts and responses as a run, under a changed grader."""

from __future__ import annotations

import streamlit as st

from dryrun.app.configure.fill import fill_form
from dryrun.app.configure.grader import edit, grader_editor, pretty, show_findings
from dryrun.app.configure.judge import judge_section
from dryrun.app.configure.sample import cut_reasoning, range_section
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.budget import budget_section
from dryrun.app.shared.launch import launch
from dryrun.app.shared.session import ADJUST, Chosen, config_of, model_words, open_by_name, store
from dryrun.app.shared.widgets import api_key_input, errors_shown, show_error
from dryrun.core.config import ModelKind, RunConfig
from dryrun.core.errors import DryRunError
from dryrun.core.text import plain, plural, short
from dryrun.engine.estimate import Estimate, estimate
from dryrun.engine.prepare import Prepared, regraded
from dryrun.graders.judge_access import JudgeAccess
from dryrun.store.texts import borrow_samples


def regrade_form(name: str) -> None:
    """Draw the form for the run with this id, or for the recorded example."""
    try:
        chosen = open_by_name(name, Right.PAGES)
        config = config_of(chosen.run)
    except DryRunError as error:
        show_error(error)
        st.button("Begin a new run", on_click=_leave)
        return
    st.header("Adjust the grader", anchor=False)
    if st.session_state.get("adjusting") != name:
        st.session_state["adjusting"] = name
        edit(pretty(config.grader))
    _kept(chosen, config)
    with errors_shown():
        if spec := grader_editor():
            reward_range = range_section(spec, "regrade_range")
            cut = cut_reasoning(config.cut_reasoning, "regrade_cut")
            judge = judge_section(spec, config.judge, "regrade_judge")
            asked = judge.config if judge else None
            prepared = regraded(chosen.run, spec.raw, reward_range, judge=asked, cut_reasoning=cut)
            _offer(chosen, prepared, judge)
    st.button("Change dataset, model or sample too", on_click=_leave_with, args=(config,), type="tertiary")


def _leave() -> None:
    st.session_state.pop("adjusting", None)
    st.query_params.pop(ADJUST, None)


def _leave_with(config: RunConfig) -> None:
    _leave()
    fill_form(config)


def _kept(chosen: Chosen, config: RunConfig) -> None:
    which = "the recorded example" if chosen.recorded else f"run {short(chosen.run.id)}"
    sampling = config.sampling
    st.markdown(
        f"Kept from {which}: its prompts ({plain(config.dataset.name, 60)}), and its responses by "
        f"{model_words(config.model)}, {sampling.rollouts} to each prompt. Only grading is done again."
    )


def _offer(chosen: Chosen, prepared: Prepared, judge: JudgeAccess | None) -> None:
    show_findings(prepared.findings)
    counts = estimate(chosen.run.store, prepared)
    api_key = _words_and_key(prepared, counts)
    budget = budget_section(prepared.config) if counts.calls or judge else None
    if st.button("Re-score", type="primary", icon=":material/play_arrow:", key="rescore"):
        if chosen.recorded:
            borrow_samples(chosen.run, store())
        launch(prepared, api_key, judge, chosen.run, budget)


def _words_and_key(prepared: Prepared, counts: Estimate) -> str:
    if not counts.calls or counts.stored is None:
        st.markdown(f"**{plural(counts.responses, 'grade')}, no calls to the model.**")
        return ""
    st.markdown(
        f"{counts.responses:,} grades. **{counts.calls:,} responses are not stored** and will be asked of "
        f"{model_words(prepared.config.model)}."
    )
    return api_key_input("regrade_key") if prepared.config.model.kind is ModelKind.ENDPOINT else ""
