"""The verdict: a word, a sign and a sentence, so that it never hangs on colour."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from dryrun.analysis.verdict.document import Diagnosis
from dryrun.analysis.verdict.evidence import Evidence
from dryrun.analysis.verdict.words import PATTERN_TITLES, plural
from dryrun.core.config import Verdict
from dryrun.core.text import plain
from dryrun.probes.result import GraderCheck

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
WITH_CAUTION = "The scores allow training."
"""In place of a GO's sentence, where the grader check found something that blocks."""


def headline(
    verdict: Verdict, *, partial: bool, borderline: bool = False, check: GraderCheck | None = None
) -> None:
    """The page's title with the verdict beside it, and the grader check's word where something blocks."""
    icon, colour = BADGES[verdict]
    word = f"{verdict} so far" if partial else verdict
    word += ", borderline" if borderline else ""
    beside = ""
    if check is not None and check.caution:
        beside = f" :orange-badge[:material/warning: Grader: {plain(check.profile)}]"
    st.title(f"Dry Run Validation :{colour}-badge[{icon} {word}]{beside}", anchor=False)


def banner(found: Evidence, check: GraderCheck | None = None) -> None:
    """The verdict in one box, with how sure it is and why; below it cause, next step and what is unseen.

    What checking the grader found stands in the same box; it never changes the verdict.
    """
    verdict, document = found.verdict, found.document
    icon, _ = BADGES[verdict]
    pattern = PATTERN_TITLES.get(document.pattern) if document.pattern else None
    caution = check.caution if check is not None else ""
    sentence = WITH_CAUTION if verdict == "GO" and caution else SENTENCES[verdict]
    words = f"**{plain(found.summary, 600)}**  \n{sentence}"
    if verdict != document.verdict:
        words += f" The scores alone would say {document.verdict}; the evidence says otherwise."
    elif pattern:
        words += f" {pattern}."
    if caution:
        words += f"  \n:material/warning: **{plain(caution, 300)}**"
    show = {"GO": st.success, "NO-GO": st.error, "INVALID": st.warning}[verdict]
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
