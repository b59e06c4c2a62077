"""Check the grader: its own button, and what the probes found. Nothing is generated."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.session import Chosen, config_of
from dryrun.app.shared.widgets import draw_chart, show_error
from dryrun.core.blocking import run_blocking
from dryrun.core.config import SamplingConfig
from dryrun.core.errors import DryRunError
from dryrun.core.records import Prompt
from dryrun.core.text import plain
from dryrun.dataset import Dataset
from dryrun.dataset.draw import draw
from dryrun.graders import GraderSpec
from dryrun.graders.kinds.judge_access import JudgeAccess
from dryrun.probes.check import check_spec, ground_of, planned_calls, planned_effort
from dryrun.probes.check_run import check_run, kept_check
from dryrun.probes.grade import ROWS
from dryrun.probes.result import GraderCheck, ProbeFinding
from dryrun.report.charts.probes import scoreboard, scoreboard_alt

DRAWN = 200
"""Rows that are read: some are probed, the others lend their answers."""
KEPT = "grader_check"
"""The session's newest check, with what it was made of."""
PRICED = "grader_check_calls"
"""What the newest check of a judge would cost, with what it was counted for."""
WHAT = (
    "Grades answers that no model wrote: the reference answers in other forms, wrong answers, worthless "
    "ones, and text that talks to the grader. Nothing is generated."
)
BUSY = "Grading right, wrong and worthless answers …"
SHOWN = 12
ICONS = {"block": ":material/error:", "warn": ":material/warning:", "note": ":material/info:"}


def check_section(dataset: Dataset | None, spec: GraderSpec | None, judge: JudgeAccess | None) -> None:
    """Draw the button and what it found, when there is a grader and rows to probe it on."""
    if dataset is None or spec is None:
        return
    about = (dataset.ref.fingerprint, str(spec.raw))
    with st.expander("Check the grader on wrong and worthless answers", icon=":material/verified:"):
        prompts = [dataset.prompt(row) for row in draw(dataset, SamplingConfig(size=DRAWN))]
        st.caption(WHAT + _price(spec, prompts, about))
        try:
            if st.button("Check the grader", icon=":material/play_arrow:", key="check_grader"):
                with st.spinner(BUSY):
                    found = run_blocking(check_spec(spec, prompts, judge_access=judge))
                st.session_state[KEPT] = (about, found)
        except DryRunError as error:
            show_error(error)
        kept = st.session_state.get(KEPT)
        if kept is not None and kept[0] == about:
            show_check(kept[1])


def run_check_section(chosen: Chosen) -> None:
    """The same for a run's own grader, its prompts and its responses; kept with the run, and in its report.

    Raises
    ------
    DryRunError
        The grader cannot run here.
    """
    st.subheader("Grader check", anchor="grader-check")
    config = config_of(chosen.run)
    if config.judge is not None:
        st.caption("This grader asks a judge: check it on Configure, where the judge's key is typed in.")
        return
    st.caption(WHAT)
    if st.button("Check the grader", icon=":material/verified:", key="check_run_grader"):
        with st.spinner(BUSY):
            found = run_blocking(check_run(chosen.run, keep=not chosen.recorded))
        st.session_state[KEPT] = (chosen.run.id, found)
        st.rerun()  # the banner above speaks of it
    known = known_check(chosen)
    if known is not None:
        show_check(known)


def known_check(chosen: Chosen) -> GraderCheck | None:
    """What checking this run's grader found: just now in this session, or kept with the run."""
    kept = st.session_state.get(KEPT)
    return kept[1] if kept is not None and kept[0] == chosen.run.id else kept_check(chosen.run)


def _price(spec: GraderSpec, prompts: list[Prompt], about: tuple[str, str]) -> str:
    """What a judge is asked; counted once, since every probe is made for it."""
    if not spec.asks_models:
        return ""
    known = st.session_state.get(PRICED)
    if known is None or known[0] != about:
        calls = planned_calls(spec, ground_of(spec, prompts, rows=ROWS), planned_effort(spec))
        st.session_state[PRICED] = known = (about, calls)
    return f" The judge is asked {known[1]:,} times at most."


def show_check(found: GraderCheck) -> None:
    """The word, the findings with their evidence, the scoreboard, and what was not seen."""
    show = st.success if found.sound else st.error
    icon = ":material/check_circle:" if found.sound else ":material/error:"
    show(f"**{found.profile.capitalize()}.** {plain(found.meaning)} {found.graded:,} grades.", icon=icon)
    for number, finding in enumerate(found.findings[:SHOWN]):
        _finding(number, finding)
    if found.behaviours:
        st.markdown("What answers earn")
        draw_chart(scoreboard, found, told=scoreboard_alt(found), key="scoreboard")
    with st.expander("What this check could not see", icon=":material/visibility_off:"):
        for one in found.missing:
            st.markdown(f"- {plain(one, 300)}")
        if not found.blocking:
            st.markdown(f"- a hole that opens on less than {found.unseen:.0%} of the rows")
    st.download_button(
        "Check (JSON)",
        found.to_json(),
        "grader-check.json",
        "application/json",
        icon=":material/download:",
        key="check_json",
        on_click="ignore",
    )


def _finding(number: int, finding: ProbeFinding) -> None:
    title = f"**{finding.flaw.replace('_', ' ').capitalize()}.** {plain(finding.sentence, 300)}"
    with st.container(border=True):
        st.markdown(f"{ICONS.get(finding.weight, '')} {title}")
        if finding.row is not None:
            score = "has no score" if finding.score is None else f"earns {finding.score:.2f}"
            st.caption(f"Row {finding.row}: this answer {score}")
            st.code(finding.text or "(empty)", language=None, wrap_lines=True)
        if finding.detail:
            st.text(finding.detail)
        st.markdown(f"Fix: {plain(finding.fix, 400)}")
        if finding.also:
            st.caption(plain("Also: " + ", ".join(finding.also), 300))
        if finding.repro:
            with st.expander("See it again on the command line", key=f"repro_{number}"):
                st.code(finding.repro, language=None, wrap_lines=True)
