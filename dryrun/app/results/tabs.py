"""The tabs below the first level: the URL names the open one, and only that one is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dryrun.app.results.banner import SAMPLES, TAB
from dryrun.app.results.details import details
from dryrun.app.results.distribution import bar_chip
from dryrun.app.results.figures import ruler, topics_section
from dryrun.app.results.inspector import inspector
from dryrun.app.results.labels import label_section
from dryrun.app.results.paid_for import training_signal
from dryrun.app.results.profile import training_set
from dryrun.app.results.provenance import ceiling_section
from dryrun.app.results.thresholds import FOLLOWING_TAB, current_thresholds
from dryrun.app.results.training import training_forecast, training_outcome
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.grader_check import run_check_section
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.session import Chosen
from dryrun.app.shared.widgets import bullets
from dryrun.core.text import figure
from dryrun.store.runs import RunStatus

CHECK_SAYS = "The grader check says"
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
    for (draw, follows), container in zip(allowed.values(), containers, strict=True):
        if container.open:
            st.session_state[FOLLOWING_TAB] = follows
            with container:
                draw(shown)


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
    if shown.chosen.access.may(Right.PAGES):
        run_check_section(shown.chosen)
    if lines := bullets(line for line in evidence.sentences if line.startswith(CHECK_SAYS)):
        st.markdown(lines)


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
