"""The grader step's right side: one row, a response to it, and at once what the grader pays and why."""

from __future__ import annotations

from collections import OrderedDict

import streamlit as st

from dryrun.app.configure.columns import selected_row
from dryrun.app.shared.sample import message_text, sub_reward_words
from dryrun.app.shared.widgets import errors_shown
from dryrun.core.blocking import run_blocking
from dryrun.core.errors import DryRunError
from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import GradeOutcome, Prompt
from dryrun.core.text import cut, figure, plain
from dryrun.dataset import Dataset
from dryrun.dataset.fields import reference_of
from dryrun.graders import GraderSpec
from dryrun.graders.judge_access import JudgeAccess
from dryrun.graders.reference_answers import reference_field
from dryrun.graders.trial import Trial, try_out

SECONDS = 30.0
KEPT = 50
"""Trials that the session keeps: the page runs again at every change of any field."""
TRIALS = "trials"
FILLED = 4
"""Filled templates that are shown."""


def trial_section(dataset: Dataset, spec: GraderSpec, judge: JudgeAccess | None) -> None:
    """Draw the row that is selected in the table of first rows, a response, and its score."""
    row = selected_row(dataset)
    prompt = dataset.prompt(row)
    last = message_text(prompt.messages[-1])
    st.caption(f"Try it on row {row + 1:,}. Select another row in the table above.")
    st.code(cut(last, 400), language=None, wrap_lines=True)
    reference = _reference(spec, prompt, dataset.ref.reference_field)
    text = st.text_area(
        "Response (the reference answer: does it earn the maximum?)" if reference else "Response",
        value=reference,
        key=f"trial_text_{dataset.ref.fingerprint[:8]}_{row}",
        height=68,
    )
    with errors_shown():
        if (trial := _trial(spec, str(text or ""), prompt, judge)) is not None:
            _show(trial)


def _reference(spec: GraderSpec, prompt: Prompt, field: str | None) -> str:
    try:
        return reference_of(prompt.item, field or reference_field(spec, [prompt.item])) or ""
    except DryRunError:
        return ""


def _trial(spec: GraderSpec, text: str, prompt: Prompt, judge: JudgeAccess | None) -> Trial | None:
    """The grade of this response, known already or made now; with a judge, which costs a call, when asked."""
    known: OrderedDict[str, Trial] = st.session_state.setdefault(TRIALS, OrderedDict())
    asked = judge.config.model_dump(mode="json") if judge else None
    name = fingerprint([spec.raw, text, prompt.key, prompt.item, asked])
    if name in known:
        return known[name]
    if judge is not None and not st.button("Ask the judge", icon=":material/gavel:", key="trial_grade"):
        return None
    with st.spinner("Grading …"):
        trial = run_blocking(try_out(spec, text, prompt.item, grade_timeout=SECONDS, judge=judge))
    if judge is None or trial.grade.reward is not None:  # a call that failed may be made again
        known[name] = trial
        if len(known) > KEPT:
            known.popitem(last=False)
    return trial


def _show(trial: Trial) -> None:
    grade = trial.grade
    reward = "No reward" if grade.reward is None else f"Reward {figure(grade.reward)}"
    if grade.outcome is GradeOutcome.GRADED_ZERO:
        reward += ", since the grader failed"
    parts = f" · {plain(sub_reward_words(grade), 300)}" if grade.sub_rewards else ""
    st.markdown(f"**{plain(reward)}**{parts} · {grade.seconds * 1000:,.0f} ms")
    for name, detail in grade.errors.items():
        st.warning(plain(f"{name}: {detail}", 500))
    if trial.filled:
        lines = [f"{where} = {cut(text, 120)!r}" for where, text in trial.filled.items()]
        more = [f"... and {len(lines) - FILLED:,} more"] if len(lines) > FILLED else []
        st.code("\n".join(lines[:FILLED] + more), language=None, wrap_lines=True)
    if grade.detail:
        st.caption("What the judge said")
        st.code(cut(grade.detail, 1000), language=None, wrap_lines=True)
