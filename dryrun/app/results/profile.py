"""The training set on the results page: how the prompts do, sliders for a choice, and what it leaves."""

from __future__ import annotations

import contextlib
from functools import partial

import numpy as np
import streamlit as st

from dryrun.analysis.training.choice import Curriculum, Preference, SetChoice, TrainingSet, choose_rows
from dryrun.analysis.training.profile import DatasetProfile
from dryrun.app.results.provenance import file_name
from dryrun.app.results.thresholds import current_thresholds
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.loading import BY_VALUE, Loaded
from dryrun.app.shared.widgets import bullets, download, errors_shown, number_field
from dryrun.core.errors import DryRunError
from dryrun.core.text import plain
from dryrun.engine.profile.count import run_profile
from dryrun.report.training_set.chosen import choice_lines, rows_of_run, set_archive, set_files
from dryrun.report.training_set.profile_table import profile_bytes, profile_lines
from dryrun.store.results import Results

MOST_TOPICS = 12
PREFERENCES = {
    Preference.HARDEST: "Hardest learnable first (few rows)",
    Preference.HALF: "Around one half (little compute)",
}
CURRICULA = {
    Curriculum.SHUFFLED: "Shuffled",
    Curriculum.EASY_FIRST: "Easy first",
    Curriculum.HARD_FIRST: "Hard first",
}
SFT_CUTOFF = 0.8
CHOSEN_SET = "chosen_set"
"""Run, profile and training set of the choice on the screen, in the session."""


def training_set(loaded: Loaded) -> None:
    """Draw the profile of the run's prompts and the choice of a training set, once it is asked for.

    Reading every response takes seconds in a large run: no page waits for it unasked.
    """
    if not np.isfinite(loaded.observations.score).any():
        return
    st.subheader("Training set", anchor=False)
    hint = "Each prompt's pass rate, its class, and which rows are worth training on. No call is made."
    if not st.toggle("Profile the prompts", key="profile_shown", help=hint):
        return
    profile = _profile(loaded, loaded.access.may(Right.CONTROL))
    st.markdown(bullets(profile_lines(profile)))
    evidence = loaded.judge(current_thresholds())
    with st.container(horizontal=True):
        hint = "A row a prompt: pass rate with its interval, class, chance of a mixed group, flags."
        for ending, label in (("parquet", "Profile (Parquet)"), ("csv", "Profile (CSV)")):
            name = file_name(loaded, evidence, ending, "profile")
            content = partial(profile_bytes, profile, f".{ending}")
            download(label, content, name, f"profile_{ending}", hint=hint)
    _choose(profile, loaded.results, file_name(loaded, evidence, "zip", "training-set"))


@st.cache_resource(max_entries=8, ttl=3600, show_spinner="Profiling the prompts …", hash_funcs=BY_VALUE)
def _profile(loaded: Loaded, references: bool) -> DatasetProfile:
    """With what reference answers earn, where they may be graded. A judge is not asked."""
    if references:
        with contextlib.suppress(DryRunError):  # the grader cannot run here; the responses are graded
            return run_profile(loaded.results, loaded.outcome)
    return run_profile(loaded.results, loaded.outcome, references=False)


@st.fragment
def _choose(profile: DatasetProfile, results: Results, name: str) -> None:
    """The choice, and what is left of the prompts under it, as a file of this name."""
    with errors_shown():
        choice = _choice(profile)
        chosen = choose_rows(profile, choice)
        st.session_state[CHOSEN_SET] = (results.run.id, profile, chosen)
        _counted(profile, chosen)
        download(
            "Training set (ZIP)",
            lambda: set_archive(
                set_files(profile, chosen, choice, rows_of_run(results), [results], SFT_CUTOFF)
            ),
            name,
            "training_set_download",
            disabled=not len(chosen.train),
            hint="Rows for training, validation and a control of equal size without any filter, the profile "
            "of each, and rows for supervised fine-tuning.",
        )


def _choice(profile: DatasetProfile) -> SetChoice:
    low, high = st.slider(
        "Band of pass rates",
        0.0,
        1.0,
        (0.1, 0.9),
        0.05,
        key="set_band",
        help="After shrinkage, ends included.",
    )
    prefer = st.radio(
        "Where not all rows are taken",
        list(PREFERENCES),
        format_func=PREFERENCES.__getitem__,
        key="set_prefer",
    )
    left, right = st.columns(2)
    with left:
        size = number_field("Training rows at most", "set_size", 1, empty="All that fit")
        curriculum = st.selectbox(
            "Order of the rows", list(CURRICULA), format_func=CURRICULA.__getitem__, key="set_curriculum"
        )
    with right:
        validation = st.slider("Share for validation", 0.0, 0.5, 0.1, 0.05, key="set_validation")
        near = st.toggle("Let near-duplicates in", key="set_near")
        broken = st.toggle("Let broken references and noisy rows in", key="set_broken")
    return SetChoice(
        low=low,
        high=high,
        prefer=prefer or Preference.HARDEST,
        size=size,
        topics=_topics(profile),
        curriculum=curriculum or Curriculum.SHUFFLED,
        validation=validation,
        near_duplicates=near,
        broken=broken,
        noisy=broken,
    )


def _topics(profile: DatasetProfile) -> dict[str, float]:
    """Weights of the topics; empty where they stay as the band has them."""
    names = [name for name in profile.counts.topics if name]
    if not 1 < len(names) <= MOST_TOPICS or not st.toggle("Mix topics by weight", key="set_mix"):
        return {}
    return {name: st.slider(plain(name, 60), 0.0, 4.0, 1.0, 0.5, key=f"set_topic_{name}") for name in names}


def _counted(profile: DatasetProfile, chosen: TrainingSet) -> None:
    with st.container(horizontal=True):
        st.metric("Train", f"{len(chosen.train):,}")
        st.metric("Validation", f"{len(chosen.validation):,}")
        st.metric("Control, unfiltered", f"{len(chosen.control):,}")
    st.markdown(bullets(choice_lines(profile, chosen)))
