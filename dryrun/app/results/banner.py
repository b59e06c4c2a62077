"""The verdict: a word, a sign and a sentence, so that it never hangs on colour.

The two quality lines of a GO, or the problem with its causes and what to do about it.

The buttons under the verdict.
"""

from __future__ import annotations

from typing import Literal

import streamlit as st

from dryrun.analysis.figures.statistics import is_valid
from dryrun.analysis.selection import Show
from dryrun.analysis.verdict.document import Diagnosis
from dryrun.analysis.verdict.evidence import Evidence
from dryrun.analysis.verdict.words import PATTERN_TITLES, Action, Quality
from dryrun.app.results.downloads import start_training, try_sft
from dryrun.app.results.inspector import show_group
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.session import ADJUST, RECORDED, RUN, Chosen
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


def title(found: Evidence, *, partial: bool) -> None:
    """The page's title with the verdict beside it."""
    icon, colour = BADGES[found.verdict]
    word = f"{found.verdict} so far" if partial else found.verdict
    if found.conditions:
        word, icon, colour = f"{word}, with conditions", ":material/rule:", "orange"
    word += ", borderline" if found.borderline else ""
    st.title(f"Dry Run Validation :{colour}-badge[{icon} {word}]", anchor=False)


def banner(found: Evidence) -> None:
    """The verdict in one box, with how sure it is and why; below it cause, next step and what is unseen."""
    verdict, document = found.verdict, found.document
    icon, _ = BADGES[verdict]
    pattern = PATTERN_TITLES.get(document.pattern) if document.pattern else None
    sentence = WITH_CONDITIONS if found.conditions else SENTENCES[verdict]
    words = f"**{plain(found.summary, 600)}**  \n{sentence}"
    if verdict != document.verdict:
        words += f" The scores alone would say {document.verdict}; the evidence says otherwise."
    elif pattern:
        words += f" {pattern}."
    show = {"GO": st.success, "NO-GO": st.error, "INVALID": st.warning}[verdict]
    if found.conditions:
        show, icon = st.warning, ":material/rule:"
    show(words, icon=icon)
    if found.sentences:
        st.markdown("\n".join(f"- {plain(sentence, 400)}" for sentence in found.sentences))


def tested(found: Diagnosis) -> None:
    """How much the verdict rests on."""
    coverage = found.coverage
    st.markdown(
        f"Tested: **{plural(coverage.prompts_scored, 'sample')}** "
        f"({plural(coverage.prompts, 'prompt')}, {plural(coverage.responses, 'response')}, "
        f"{coverage.scored:,} with a score)"
    )


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
    elif found.conditions:
        st.markdown("#### :material/rule: Before training")
        lines = [
            f"{number}. **{plain(condition.step[:1].upper() + condition.step[1:])}.** "
            f"{plain(condition.sentence, 400)}"
            for number, condition in enumerate(found.conditions, 1)
        ]
        st.markdown("\n".join(lines))
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


def topic_action_list(found: Evidence) -> None:
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


def verdict_actions(chosen: Chosen, loaded: Loaded, found: Evidence) -> None:
    """What to do next: on a GO read samples and train, else find the cause."""
    verdict = found.verdict
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
        start_training(loaded, found)


def _show(label: str, show: Show) -> None:
    st.button(label, on_click=show_group, args=(show,), key=f"go_{show.value}")


def _adjust(chosen: Chosen) -> None:
    if st.button("Adjust Grader", key="adjust_grader", help="Re-scores the stored responses: no calls."):
        name = RECORDED if chosen.recorded else chosen.run.id
        st.switch_page("pages/configure.py", query_params={RUN: name, ADJUST: name})
