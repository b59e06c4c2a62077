"""Try the grader before a run: on one response that is typed in, and on the reference answers."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.sample import sub_reward_words
from dryrun.app.shared.widgets import errors_shown
from dryrun.core.blocking import run_blocking
from dryrun.core.config import SamplingConfig
from dryrun.core.errors import DryRunError
from dryrun.core.records import Prompt
from dryrun.core.text import figure, plain
from dryrun.dataset import Dataset
from dryrun.dataset.draw import draw
from dryrun.dataset.fields import reference_of
from dryrun.graders import GraderSpec
from dryrun.graders.kinds.judge_access import JudgeAccess
from dryrun.graders.reference_answers import reference_field
from dryrun.graders.trial import try_out
from dryrun.probes.reference_scores import ceiling

CEILING_ROWS = 200
"""Reference answers that are graded at most."""
CEILING_ROWS_JUDGED = 20
"""The same with a judge, where each costs a call."""
SECONDS = 30.0


def trial_section(dataset: Dataset | None, spec: GraderSpec | None, judge: JudgeAccess | None) -> None:
    """Draw the section; nothing while there is no grader or no row to try it on."""
    if dataset is None or spec is None:
        return
    with st.expander("Try the grader on a row", icon=":material/science:"):
        row = st.number_input("Row", 1, len(dataset), 1, key="trial_row", help="Line of the dataset, from 1.")
        prompt = dataset.prompt(int(row) - 1)
        st.code(str(prompt.messages[-1].get("content"))[:1000], language=None, wrap_lines=True)
        text = st.text_area(
            "Response to grade",
            value=_reference(spec, prompt, dataset.ref.reference_field),
            key=f"trial_text_{dataset.ref.fingerprint[:8]}_{row}",
            help="Begins with the reference answer: does the right answer earn the maximum?",
        )
        with st.container(horizontal=True):
            graded = st.button("Grade this", icon=":material/play_arrow:", key="trial_grade")
            rows = min(len(dataset), CEILING_ROWS if judge is None else CEILING_ROWS_JUDGED)
            calls = "" if judge is None else f" ({rows} judge calls)"
            all_graded = st.button(
                f"Grade {rows:,} reference answers{calls}",
                icon=":material/vertical_align_top:",
                key="trial_ceiling",
                help="What a perfect model would earn. Less than the maximum: mend grader or reference.",
            )
        with errors_shown():
            if graded:
                _try_one(spec, str(text or ""), prompt, judge)
            if all_graded:
                _try_references(dataset, spec, rows, judge)


def _reference(spec: GraderSpec, prompt: Prompt, field: str | None) -> str:
    try:
        return reference_of(prompt.item, field or reference_field(spec, [prompt.item])) or ""
    except DryRunError:
        return ""


def _try_one(spec: GraderSpec, text: str, prompt: Prompt, judge: JudgeAccess | None) -> None:
    with st.spinner("Grading …"):
        trial = run_blocking(try_out(spec, text, prompt.item, grade_timeout=SECONDS, judge=judge))
    grade = trial.grade
    reward = "No reward" if grade.reward is None else f"Reward {figure(grade.reward)}"
    st.markdown(f"**{plain(reward)}** in {grade.seconds * 1000:,.0f} ms")
    if grade.sub_rewards:
        st.text(sub_reward_words(grade))
    for name, detail in grade.errors.items():
        st.warning(plain(f"{name}: {detail}", 500))
    if trial.filled:
        st.caption("The templates, filled")
        lines = [f"{where} = {text[:500]!r}" for where, text in trial.filled.items()]
        st.code("\n".join(lines), language=None)
    if grade.detail:
        st.caption("What the judge said")
        st.code(grade.detail, language=None, wrap_lines=True)


def _try_references(dataset: Dataset, spec: GraderSpec, rows: int, judge: JudgeAccess | None) -> None:
    prompts = [dataset.prompt(row) for row in draw(dataset, SamplingConfig(size=rows))]
    field = dataset.ref.reference_field
    with st.spinner("Grading the reference answers …"):
        scores = run_blocking(ceiling(spec, prompts, field=field, grade_timeout=SECONDS, judge=judge))
    show = st.success if scores.sound else st.warning
    show(plain(" ".join(scores.sentences()), 1500))
