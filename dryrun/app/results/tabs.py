"""The tabs below the first level: the URL names the open one, and only that one is computed.

One of them holds everything that a verdict rests on: figures, tree, thresholds, configuration, receipt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dryrun.analysis.verdict.evidence import Evidence
from dryrun.analysis.verdict.tree import Branch
from dryrun.app.results.banner import SAMPLES, TAB
from dryrun.app.results.ceiling import ceiling_section
from dryrun.app.results.distribution import bar_chip, training_signal
from dryrun.app.results.figures import (
    bins_table,
    checks_table,
    data_table,
    ruler,
    statistics_table,
    topics_section,
)
from dryrun.app.results.inspector import inspector
from dryrun.app.results.labels import label_section
from dryrun.app.results.profile import training_set
from dryrun.app.results.provenance import not_measured
from dryrun.app.results.thresholds import DEFAULTS, FIELDS, FOLLOWING_TAB, current_thresholds
from dryrun.app.results.training import training_forecast, training_outcome
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.budget import spent_words
from dryrun.app.shared.grader_check import run_check_section
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.looks import VerdictLook
from dryrun.app.shared.session import Chosen
from dryrun.app.shared.widgets import bullets
from dryrun.core.text import figure, plain
from dryrun.core.thresholds import Thresholds
from dryrun.store.runs import RunStatus

WIDEST = 300
"""Pixels that a table needs to stand beside another."""
ENDS = {
    Branch.MEAN_TOO_LOW: "Dataset too hard or grader too strict",
    Branch.MEAN_TOO_HIGH: "Dataset too easy or grader lenient",
    Branch.LOW_VARIANCE: "Grader can't differentiate",
    Branch.PROCEED: "Proceed to training",
}
LIT = "fill:#2f7fc1,stroke:#2f7fc1,color:#ffffff,font-weight:bold"


@st.fragment(key="tab_details")
def details(status: RunStatus, loaded: Loaded) -> None:
    """Draw the tab."""
    evidence = loaded.judge(current_thresholds())
    if loaded.results.rollouts.num_rows:
        _judgement(evidence)
    _heading("Thresholds")
    _thresholds(evidence.thresholds)
    if loaded.access.may(Right.COPY):
        _heading("Configuration")
        st.json(loaded.results.config.model_dump(mode="json"), expanded=1)
    spent_words(loaded.results.config, status)


def _judgement(evidence: Evidence) -> None:
    halves = st.grid(2, min_column_width=WIDEST, gap="large")
    with halves.cell():
        _why(evidence)
        _heading("Decision tree")
        _tree(evidence)
        not_measured(evidence)
    with halves.cell():
        _heading("Key metrics")
        checks_table(evidence.document.checks)
        with st.grid(2, min_column_width=150):
            statistics_table(evidence.document)
            bins_table(evidence.document)


def _why(evidence: Evidence) -> None:
    _heading("Why")
    st.markdown(bullets([evidence.summary, *evidence.sentences], 700))


def _tree(evidence: Evidence) -> None:
    figures, limits = evidence.document.statistics, evidence.thresholds
    branch = evidence.measures.branch
    if branch is None or figures.mean is None or figures.std is None:
        st.caption("Too little was measured to walk down the tree.")
        return
    path = f"The path taken ends at: {ENDS[branch]}."
    if branch is Branch.PROCEED and evidence.verdict != "GO":
        path += f" It reads mean and std alone; the verdict is {evidence.verdict} for the reasons under Why."
    elif branch is Branch.PROCEED and evidence.conditions:
        path += " It reads mean and std alone; what to mend first is said under Why."
    st.mermaid_chart(tree_diagram(branch, figures.mean, figures.std, limits), alt=f"Decision tree. {path}")
    st.caption(path)


def tree_diagram(branch: Branch, mean: float, std: float, limits: Thresholds) -> str:
    """The design document's decision tree in Mermaid, with the path taken lit.

    Parameters
    ----------
    branch : Branch
        Where it ended.
    mean, std : float
    limits : Thresholds
    """
    steps = [
        (Branch.MEAN_TOO_LOW, f"Mean {figure(mean, limits.mean_low)} &lt; {figure(limits.mean_low)}?"),
        (Branch.MEAN_TOO_HIGH, f"Mean {figure(mean, limits.mean_high)} &gt; {figure(limits.mean_high)}?"),
        (Branch.LOW_VARIANCE, f"Std {figure(std, limits.std_low)} &lt; {figure(limits.std_low)}?"),
    ]
    lines, lit, reached = ["flowchart TD"], [], True
    for number, (end, question) in enumerate(steps):
        follows = f"q{number + 1}" if number + 1 < len(steps) else "go"
        lines += [f'q{number}["{question}"]', f'{end.value}["{ENDS[end]}"]']
        lines += [f"q{number} -->|Yes| {end.value}", f"q{number} -->|No| {follows}"]
        lit += [f"q{number}"] if reached else []
        lit += [end.value] if branch is end else []
        reached = reached and branch is not end
    lines.append(f'go["{VerdictLook.GO.value}: {ENDS[Branch.PROCEED].lower()}"]')
    lit += ["go"] if branch is Branch.PROCEED else []
    return "\n".join([*lines, *(f"style {name} {LIT}" for name in lit)])


def _thresholds(limits: Thresholds) -> None:
    rows = [
        {
            "Threshold": FIELDS[name].title or name,
            "Value": f"{getattr(limits, name):g}",
            "Default": f"{DEFAULTS[name]:g}",
            "Changed": "changed" if getattr(limits, name) != DEFAULTS[name] else "",
            "What it does": (FIELDS[name].description or "").replace("`", ""),
        }
        for name in FIELDS
    ]
    rows.sort(key=lambda row: not row["Changed"])
    data_table(rows, "All thresholds, the changed ones first")
    if limits.without and not limits.document_only:
        st.caption(plain(f"Ignored: {', '.join(limits.without)}.".replace("_", " ")))


def _heading(words: str) -> None:
    st.subheader(words, anchor=False)


CHECK_SAYS = "The grader check "
"""Beginning of the evidence's sentence that weighs the grader check."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The run that the tabs are about."""

    chosen: Chosen
    status: RunStatus
    loaded: Loaded


def tabs(chosen: Chosen, status: RunStatus, loaded: Loaded) -> None:
    """Draw the row of tabs and the open one."""
    shown = Shown(chosen, status, loaded)
    allowed = {name: tab[1:] for name, tab in TABS.items() if chosen.access.may(tab[0])}
    containers = st.tabs(list(allowed), key=TAB, bind="query-params")
    for (name, (draw, follows)), container in zip(allowed.items(), containers, strict=True):
        if container.open:
            st.session_state[FOLLOWING_TAB] = follows
            with container:
                if name in WITHOUT_RESPONSES or loaded.results.rollouts.num_rows:
                    draw(shown)
                else:
                    st.caption("No response is in yet.")


def _samples(shown: Shown) -> None:
    bar_chip()
    inspector(shown.loaded)


@st.fragment(key="tab_topics")
def _topics(shown: Shown) -> None:
    evidence = shown.loaded.judge(current_thresholds())
    if not evidence.document.topics:
        st.caption("The rows of this dataset name no topic. A field `topic` in each row tells them apart.")
        return
    st.subheader("Scores by topic", anchor=False)
    topics_section(evidence)
    if actions := bullets(action.sentence for action in evidence.actions if action.topic is not None):
        with st.expander("What to do about the problem topics", icon=":material/checklist:"):
            st.markdown(actions)


def _grader(shown: Shown) -> None:
    evidence = shown.loaded.judge(current_thresholds())
    ruler(evidence)
    if evidence.measures.noise is not None:
        st.markdown(f"The same response graded again moves by **{figure(evidence.measures.noise)}** (std).")
    ceiling_section(shown.chosen, shown.loaded, evidence.document.statistics.mean)
    if lines := bullets(line for line in evidence.sentences if line.startswith(CHECK_SAYS)):
        st.markdown(lines)  # what it weighs is read before the check's own colours
    if shown.chosen.access.may(Right.PAGES):
        run_check_section(shown.chosen)


def _training(shown: Shown) -> None:
    training_signal(shown.loaded)
    training_outcome(shown.chosen, shown.loaded)
    if shown.chosen.access.may(Right.PAGES):
        training_forecast(shown.loaded)
        training_set(shown.loaded)


Draw = Callable[[Shown], None]
TABS: dict[str, tuple[Right, Draw, str | None]] = {
    SAMPLES: (Right.SAMPLES, _samples, ""),
    "Topics": (Right.FIGURES, _topics, "tab_topics"),
    "Grader": (Right.SAMPLES, _grader, ""),
    "Training signal": (Right.FIGURES, _training, "tab_training"),
    "Labels": (Right.LABEL, lambda shown: label_section(shown.loaded, current_thresholds()), None),
    "Details": (Right.FIGURES, lambda shown: details(shown.status, shown.loaded), "tab_details"),
}
"""Who sees each tab, what it draws, and the key of the fragment in it that follows from the thresholds.

``""``: nothing in it does. None: it does, and labels change the verdict, so all of the page is redrawn.
"""
WITHOUT_RESPONSES = ("Grader", "Details")
"""Tabs that have something to show before the first response."""
