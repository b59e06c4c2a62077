"""Beside the distribution: four figures, then what is good, or causes and what to do."""

from __future__ import annotations

import streamlit as st

from dryrun.analysis.verdict.evidence import Evidence
from dryrun.analysis.verdict.warnings import fewer_topics
from dryrun.analysis.verdict.words import Quality, cause_name
from dryrun.app.results.figures import factor_words, index_help
from dryrun.app.results.provenance import missing_view
from dryrun.app.results.thresholds import FINDINGS, current_thresholds
from dryrun.app.shared.budget import cost_words
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.looks import NOTHING_TO_JUDGE, current_look
from dryrun.app.shared.widgets import bullets
from dryrun.core.text import figure, number, percent, plain, plural, stopped
from dryrun.store.runs import RunStatus

NARROWEST = 128
"""Pixels of a figure: two stand side by side on a phone."""


@st.fragment(key=FINDINGS)
def findings(status: RunStatus, loaded: Loaded) -> None:
    """Draw the four figures, and what they say about dataset and grader under the current thresholds."""
    evidence = loaded.judge(current_thresholds())
    figures, healthy = evidence.document.statistics, evidence.thresholds.healthy_std
    with st.grid(2, min_column_width=NARROWEST):
        _metric("Mean", number(figures.mean), mean_interval_words(evidence))
        _metric("Std", number(figures.std), f"healthy above {healthy:.2f}")
        _signal(evidence)
        _metric("Cost", *cost_words(loaded.results.config, status))
    if evidence.verdict == "GO":
        _quality("Dataset quality", evidence.dataset_line, good=evidence.dataset_quality == "good")
        _quality("Grader quality", evidence.grader_line, good=evidence.grader_quality == "good")
    _conditions(evidence)
    if current_look(evidence, status, loaded) not in NOTHING_TO_JUDGE:
        with st.container(gap="xsmall"):
            _problem(evidence)
    _missing(evidence, loaded)
    _warnings(evidence)


def mean_interval_words(evidence: Evidence) -> str:
    """The mean's bootstrap interval: ``"95 %: 0.15 to 0.29"``."""
    held = evidence.stability
    return f"95 %: {held.mean.low:.2f} to {held.mean.high:.2f}" if held else "no interval"


def _signal(evidence: Evidence) -> None:
    index, groups = evidence.measures.signal, evidence.groups
    if evidence.document_only or (index is None and groups is None):
        _metric("Signal", number(None), "not measured")
    elif index is None and groups is not None:
        _metric("Groups that teach", percent(groups.usable), f"groups of {groups.group}")
    elif index is not None:
        hint = f"{figure(index.value)} = {factor_words(index)}. {index_help()}"
        _metric("Signal Index", figure(index.value), f"weakest: {index.weakest}", hint)


def _metric(label: str, value: str, beside: str, hint: str | None = None) -> None:
    st.metric(label, value, beside, delta_color="off", delta_arrow="off", help=hint)


def _quality(title: str, quality: Quality, *, good: bool) -> None:
    """Draw the quality of dataset or grader: a check mark where it is good, a word, a sentence."""
    mark = "✓" if good else "?" if quality.word == "Unknown" else ":material/warning:"
    with st.container(gap=None, key=f"quality_{title.split()[0].lower()}"):
        st.markdown(f"{mark} **{title}: {plain(quality.word)}**")
        st.caption(plain(quality.sentence))


def _conditions(evidence: Evidence) -> None:
    """Draw what to mend before training, where there is more than the one thing that the card says."""
    if len(evidence.conditions) > 1:
        lines = [
            f"{number}. **{plain(condition.step[:1].upper() + condition.step[1:])}.** "
            f"{plain(condition.sentence, 400)}"
            for number, condition in enumerate(evidence.conditions, 1)
        ]
        st.markdown("**:material/rule: Before training**")
        st.markdown("\n".join(lines))


def _problem(evidence: Evidence) -> None:
    """Draw likely causes with their effects and solutions, and what to do; nothing on a clean GO."""
    title = ""
    if evidence.verdict != "GO":
        title = "Not enough to judge" if evidence.verdict == "INVALID" else "Problem detected"
    elif evidence.causes and not evidence.conditions:
        title = "Worth fixing first"
    if title:
        st.markdown(f"**:material/warning: {title}**" + (". Likely causes:" if evidence.causes else ""))
    actions = [stopped(action.sentence) for action in evidence.actions if action.topic is None]
    if evidence.causes:
        lines = []
        for number, cause in enumerate(evidence.causes, 1):
            solution = stopped(cause.solution)
            advice = "" if solution in actions else f" {plain(solution)}"
            title = plain(cause_name(cause.part, cause.title))
            lines.append(f"{number}. **{title}**  \n→ {plain(cause.effect)}.{advice}")
        st.markdown("\n".join(lines))
    if actions:
        st.markdown(f"Recommended actions:\n{bullets(actions)}")


def _missing(evidence: Evidence, loaded: Loaded) -> None:
    coverage = evidence.document.coverage
    if coverage.scored < coverage.responses:
        count = f"{plural(coverage.responses - coverage.scored, 'response')} without a score"
        with st.expander(count, icon=":material/help:", expanded=evidence.verdict == "INVALID"):
            missing_view(loaded)


def _warnings(evidence: Evidence) -> None:
    """Draw everything else that a person should know before believing the verdict; conditions stand apart."""
    named = {condition.code for condition in evidence.conditions}
    sentences = [notice.sentence for notice in fewer_topics(evidence.warnings) if notice.code not in named]
    if sentences:
        count = plural(len(sentences), "warning")
        folded = st.expander(count, icon=":material/info:", key="warnings", on_change="rerun")
        if folded.open:
            folded.markdown(bullets(sentences))
