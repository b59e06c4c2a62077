"""The verdict: a word, a sign and a sentence, so that it never hangs on colour."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from dryrun.analysis.diagnosis import Diagnosis
from dryrun.analysis.evidence import Evidence
from dryrun.analysis.wording import PATTERN_TITLES, plural
from dryrun.app.labels import plain
from dryrun.config import Verdict

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


def headline(verdict: Verdict, *, partial: bool, borderline: bool = False) -> None:
    """The page's title with the verdict beside it."""
    icon, colour = BADGES[verdict]
    word = f"{verdict} so far" if partial else verdict
    word += ", borderline" if borderline else ""
    st.title(f"Dry Run Validation :{colour}-badge[{icon} {word}]", anchor=False)


def banner(found: Evidence) -> None:
    """The verdict in one box, with how sure it is and why; below it cause, next step and what is unseen."""
    verdict, document = found.verdict, found.document
    icon, _ = BADGES[verdict]
    pattern = PATTERN_TITLES.get(document.pattern) if document.pattern else None
    words = f"**{plain(found.summary, 600)}**  \n{SENTENCES[verdict]}"
    if verdict != document.verdict:
        words += f" The scores alone would say {document.verdict}; the evidence says otherwise."
    elif pattern:
        words += f" {pattern}."
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
