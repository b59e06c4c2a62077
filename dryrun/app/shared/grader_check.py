"""The grader check: a button, and the result. No model generates anything."""

from __future__ import annotations

from pathlib import PurePath

import streamlit as st

from dryrun.analysis.probes.profile import Profile
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.session import Chosen, config_of
from dryrun.app.shared.widgets import api_key_input, bullets, download, draw_chart, errors_shown
from dryrun.core.blocking import run_blocking
from dryrun.core.config import SamplingConfig
from dryrun.core.errors import DryRunError
from dryrun.core.records import Prompt
from dryrun.core.text import file_stem, percent, plain, plural, short
from dryrun.dataset import Dataset
from dryrun.dataset.draw import draw
from dryrun.graders import GraderSpec, load_grader
from dryrun.graders.judge_access import JudgeAccess
from dryrun.probes.check import check_spec, ground_of, planned_calls, planned_effort
from dryrun.probes.check_run import PROMPTS, check_run, kept_check
from dryrun.probes.grade import ROWS
from dryrun.probes.reference_scores import ceiling
from dryrun.probes.result import MUST_NOT_EARN, GraderCheck, ProbeFinding
from dryrun.report.charts.intervals import scoreboard, scoreboard_alt

DRAWN = 200
"""Rows that are read: some are probed, the answers of the others serve as wrong ones."""
ROWS_JUDGED = 20
"""Reference answers that are graded where a judge is asked, which costs a call for each."""
SECONDS = 30.0
KEPT = "grader_check"
"""Where the session keeps its newest check, beside what was checked."""
PAID = "grader_check_references"
"""Where the session keeps, beside its newest check, what the reference answers earn."""
PRICED = "grader_check_calls"
"""Where the session keeps how many calls to a judge a check takes, beside what would be checked."""
WHAT = (
    "Grades answers that no model wrote: the reference answers in other forms, wrong answers, worthless "
    "ones, and text that talks to the grader. Nothing is generated."
)
BUSY = "Grading right, wrong and worthless answers …"
SHOWN = 12
ICONS = {"block": ":material/error:", "warn": ":material/warning:", "note": ":material/info:"}


def check_section(dataset: Dataset, spec: GraderSpec, judge: JudgeAccess | None) -> None:
    """Draw the button, and of this grader on these rows four lines and the whole check behind them."""
    field = dataset.ref.reference_field
    about = (dataset.ref.fingerprint, f"{field} {spec.raw}")
    prompts = [dataset.prompt(row) for row in draw(dataset, SamplingConfig(size=DRAWN))]
    with errors_shown():
        hint = WHAT + _price(spec, prompts, field, about)
        if st.button("Check the grader", icon=":material/verified:", key="check_grader", help=hint):
            with st.spinner(BUSY):
                paid = _references(spec, prompts, field, judge)
                checking = check_spec(
                    spec, prompts, field=field, judge_access=judge, dataset=dataset.ref.name
                )
                check = run_blocking(checking)
            st.session_state[KEPT], st.session_state[PAID] = (about, check), paid
    checked, check = st.session_state.get(KEPT, (None, None))
    if checked == about:
        show_word(check)
        st.markdown(bullets([st.session_state.get(PAID, ""), *_worst(check)], 400))
        with st.expander("The whole check", icon=":material/verified:"):
            show_findings_of(check, PurePath(dataset.ref.name).stem)


def _references(spec: GraderSpec, prompts: list[Prompt], field: str | None, judge: JudgeAccess | None) -> str:
    """What the rows' own reference answers earn, in a sentence."""
    rows = prompts if judge is None else prompts[:ROWS_JUDGED]
    try:
        scores = run_blocking(ceiling(spec, rows, field=field, grade_timeout=SECONDS, judge=judge))
    except DryRunError as error:
        return str(error)
    return " ".join(scores.sentences())


def _worst(check: GraderCheck) -> list[str]:
    """The most that answers earn which should earn nothing, and what to mend first."""
    empty = [line for line in check.behaviours if line.family in MUST_NOT_EARN]
    most = max(empty, key=lambda line: line.mean, default=None)
    paid = "No wrong or worthless answer could be made."
    if most is not None:
        paid = f"Wrong and worthless answers earn {most.mean:.2f} at most ({most.kind.replace('_', ' ')})."
    if not check.findings:
        return [
            paid,
            f"Nothing to mend. A hole on less than {percent(check.unseen)} of the rows can go unseen.",
        ]
    first, others = check.findings[0], len(check.findings) - 1
    more = f" And {plural(others, 'other finding')}." if others else ""
    return [paid, f"{first.sentence} Fix: {first.fix}{more}"]


def run_check_section(chosen: Chosen) -> None:
    """Draw the check of a run's own grader, on its prompts and responses; kept with the run.

    There is a button where the run did not check it by itself: with a judge, whose calls cost, or if it
    ended early. Not for people who may not change the run: what a check finds enters the verdict.

    Raises
    ------
    DryRunError
        The grader cannot run here.
    """
    st.subheader("Grader check", anchor="grader-check")
    known = known_check(chosen)
    unchecked = known is None or config_of(chosen.run).judge is not None
    if unchecked and (chosen.recorded or chosen.access.may(Right.CONTROL)):
        _check_button(chosen)
    if known is not None:
        show_word(known)
        run = "shared"
        if not chosen.access.by_link:
            run, known = short(chosen.run.id), known.model_copy(update={"run": chosen.run.id})
        show_findings_of(known, PurePath(config_of(chosen.run).dataset.name).stem, run)


def _check_button(chosen: Chosen) -> None:
    config = config_of(chosen.run)
    spec, judge = load_grader(config.grader), None
    prompts, field = chosen.run.prompts()[:PROMPTS], config.dataset.reference_field
    price = _price(spec, prompts, field, (chosen.run.id, str(spec.raw)))
    st.caption(f"{WHAT}{price}")
    if config.judge is not None:
        judge = JudgeAccess(config.judge, api_key_input("check_judge_key", "Judge's API key"))
    if st.button("Check the grader", icon=":material/verified:", key="check_run_grader"):
        with st.spinner(BUSY):
            check = run_blocking(check_run(chosen.run, judge, keep=not chosen.recorded))
        st.session_state[KEPT] = (chosen.run.id, check)
        st.rerun()  # the banner above names the check


def known_check(chosen: Chosen) -> GraderCheck | None:
    """The newest check of this run's grader, from this session or kept with the run."""
    checked, check = st.session_state.get(KEPT, (None, None))
    return check if checked == chosen.run.id else kept_check(chosen.run)


def _price(spec: GraderSpec, prompts: list[Prompt], field: str | None, about: tuple[str, str]) -> str:
    """The number of calls to a judge. Counted once a grader and dataset: counting makes every probe."""
    if not spec.asks_models:
        return ""
    counted, calls = st.session_state.get(PRICED, (None, 0))
    if counted != about:
        calls = planned_calls(spec, ground_of(spec, prompts, field=field, rows=ROWS), planned_effort(spec))
        st.session_state[PRICED] = (about, calls)
    return f" The judge is asked {calls:,} times at most."


def show_word(check: GraderCheck) -> None:
    """Draw the grader in one word, and what the word means."""
    show, icon = st.error, "error"
    if check.sound:
        show, icon = st.success, "check_circle"
    elif check.profile == Profile.UNKNOWN:
        show, icon = st.info, "help"
    show(
        f"**{check.profile.capitalize()}.** {plain(check.meaning)} {check.graded:,} grades.",
        icon=f":material/{icon}:",
    )


def show_findings_of(check: GraderCheck, *about: str) -> None:
    """Draw the findings, what answers earn, what was not checked, and a file named for what it is about."""
    for number, finding in enumerate(check.findings[:SHOWN]):
        _finding(number, finding)
    if check.behaviours:
        st.markdown("What answers earn")
        draw_chart(scoreboard, check, words=scoreboard_alt(check), key="scoreboard")
    with st.expander("What this check could not see", icon=":material/visibility_off:"):
        unseen = (
            [] if check.blocking else [f"a hole that opens on less than {percent(check.unseen)} of the rows"]
        )
        st.markdown(bullets([*([check.why] * bool(check.why)), *check.missing, *unseen], 300))
    name = f"{file_stem('grader-check', *about)}.json"
    download("Check (JSON)", check.to_json().encode(), name, "check_json")


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
