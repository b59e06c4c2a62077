"""The verdict with its reasons, and the buttons below it. Words and icons say as much as colours."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from dryrun.analysis.figures.statistics import is_valid
from dryrun.analysis.selection import Show
from dryrun.analysis.verdict.document import Diagnosis
from dryrun.analysis.verdict.evidence import Evidence
from dryrun.analysis.verdict.words import PATTERN_TITLES, Quality
from dryrun.app.results.downloads import start_training, try_sft
from dryrun.app.results.inspector import show_group
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.session import ADJUST, RECORDED, RUN, Chosen
from dryrun.app.shared.widgets import bullets
from dryrun.core.config import Verdict
from dryrun.core.text import plain, plural

BADGES: dict[Verdict, tuple[str, Literal["green", "red", "orange"]]] = {
    "GO": (":material/check_circle:", "green"),
    "NO-GO": (":material/cancel:", "red"),
    "INVALID": (":material/help:", "orange"),
}
SENTENCES: dict[Verdict, str] = {
    "GO": "Proceed to training.",
    "NO-GO": "Do not train yet.",
    "INVALID": "No verdict: too little was measured.",
}
WITH_CONDITIONS = "The scores allow training. Mend what stands under *Before training* first."


def title(evidence: Evidence, *, partial: bool) -> None:
    """Draw the page's title with the verdict beside it."""
    icon, colour = BADGES[evidence.verdict]
    word = f"{evidence.verdict} so far" if partial else evidence.verdict
    if evidence.conditions:
        word, icon, colour = f"{word}, with conditions", ":material/rule:", "orange"
    word += ", borderline" if evidence.borderline else ""
    st.title(f"Dry Run Validation :{colour}-badge[{icon} {word}]", anchor=False)


def banner(evidence: Evidence) -> None:
    """Draw the verdict in a box, with how sure it is and why; the reasons stand below the box."""
    verdict, document = evidence.verdict, evidence.document
    icon, _ = BADGES[verdict]
    sentence = WITH_CONDITIONS if evidence.conditions else SENTENCES[verdict]
    words = f"**{plain(evidence.summary, 600)}**  \n{sentence}"
    if verdict != document.verdict:
        words += f" The scores alone would say {document.verdict}; the evidence says otherwise."
    elif document.pattern:
        words += f" {PATTERN_TITLES[document.pattern]}."
    show = {"GO": st.success, "NO-GO": st.error, "INVALID": st.warning}[verdict]
    if evidence.conditions:
        show, icon = st.warning, ":material/rule:"
    show(words, icon=icon)
    if reasons := bullets(evidence.sentences):
        st.markdown(reasons)


def tested(diagnosis: Diagnosis) -> None:
    """Draw how many prompts, responses and scores the verdict rests on."""
    coverage = diagnosis.coverage
    st.markdown(
        f"Tested: **{plural(coverage.prompts_scored, 'sample')}** "
        f"({plural(coverage.prompts, 'prompt')}, {plural(coverage.responses, 'response')}, "
        f"{coverage.scored:,} with a score)"
    )


def quality_lines(evidence: Evidence) -> None:
    """Draw the quality of dataset and grader: a word, a check mark where it is good, a sentence."""
    _line("Dataset quality", evidence.dataset_line, good=evidence.dataset_quality == "good")
    _line("Grader quality", evidence.grader_line, good=evidence.grader_quality == "good")


def _line(title: str, quality: Quality, *, good: bool) -> None:
    mark = "✓" if good else "?" if quality.word == "Unknown" else ":material/warning:"
    with st.container(gap=None):
        st.markdown(f"{mark} **{title}: {plain(quality.word)}**")
        st.caption(plain(quality.sentence))


def problem(evidence: Evidence) -> None:
    """Draw likely causes with their effects and solutions, and what to do; nothing on a clean GO."""
    if evidence.verdict != "GO":
        heading = "Not enough to judge" if evidence.verdict == "INVALID" else "Problem detected"
        st.markdown(f"#### :material/warning: {heading}")
    elif evidence.conditions:
        st.markdown("#### :material/rule: Before training")
        lines = [
            f"{number}. **{plain(condition.step[:1].upper() + condition.step[1:])}.** "
            f"{plain(condition.sentence, 400)}"
            for number, condition in enumerate(evidence.conditions, 1)
        ]
        st.markdown("\n".join(lines))
    elif evidence.causes:
        st.markdown("#### :material/warning: Worth fixing first")
    if evidence.causes:
        lines = [
            f"{number}. **{cause.part.capitalize()}:** {plain(cause.title)}  \n→ {plain(cause.effect)}  \n"
            f"Solution: {plain(cause.solution)}"
            for number, cause in enumerate(evidence.causes, 1)
        ]
        st.markdown("Likely causes:\n\n" + "\n".join(lines))
    if general := bullets(action.sentence for action in evidence.actions if action.topic is None):
        st.markdown(f"Recommended actions:\n\n{general}")


def topic_action_list(evidence: Evidence) -> None:
    """Draw what to do topic by topic, folded away: the list may be long."""
    if actions := bullets(action.sentence for action in evidence.actions if action.topic is not None):
        with st.expander("What to do about the problem topics", icon=":material/checklist:"):
            st.markdown(actions)


def warning_list(evidence: Evidence) -> None:
    """Draw everything else that a person should know before believing the verdict; conditions stand apart."""
    named = {condition.code for condition in evidence.conditions}
    if warnings := bullets(one.sentence for one in evidence.warnings if one.code not in named):
        st.markdown(f"**Warnings**\n\n{warnings}")


def verdict_actions(chosen: Chosen, loaded: Loaded, evidence: Evidence) -> None:
    """Draw the buttons of the next step: on a GO read samples and train, else find the cause."""
    verdict = evidence.verdict
    with st.container(horizontal=True):
        if verdict == "GO":
            _show("View High Scores", Show.HIGHEST)
            _show("View Low Scores", Show.LOWEST)
            _adjust(chosen)
        else:
            if verdict == "INVALID" and not is_valid(loaded.observations.score).all():
                _show("View Responses Without a Score", Show.WITHOUT_SCORE)
            _show("Review Samples", Show.LOWEST)
            _show("View High Scores", Show.HIGHEST)
            _adjust(chosen)
            if verdict == "NO-GO":  # without a verdict nothing says that the model needs teaching
                try_sft(loaded)
        start_training(loaded, evidence)


def _show(label: str, show: Show) -> None:
    st.button(label, on_click=show_group, args=(show,), key=f"go_{show.value}")


def _adjust(chosen: Chosen) -> None:
    if st.button("Adjust Grader", key="adjust_grader", help="Re-scores the stored responses: no calls."):
        name = RECORDED if chosen.recorded else chosen.run.id
        st.switch_page("pages/configure.py", query_params={RUN: name, ADJUST: name})
