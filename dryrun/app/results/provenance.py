"""Which run figures and files come from, why scores are missing, and what the verdict leaves open."""

from __future__ import annotations

from pathlib import PurePath

import streamlit as st

from dryrun.analysis.verdict.evidence import Evidence
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.loading import BY_VALUE, Loaded
from dryrun.app.shared.looks import look_of_evidence
from dryrun.app.shared.session import DUPLICATE, Chosen, run_link
from dryrun.app.shared.widgets import bullets
from dryrun.core.text import file_stem, plain, short
from dryrun.report.build import missing_reasons
from dryrun.report.fields import Reason

RECORDED_WORDS = (
    "Recorded example: a real run of the past that comes with Dry Run. Nothing was called just now."
)


def provenance(chosen: Chosen, loaded: Loaded) -> None:
    """Draw that a run is the recorded example or shared, and which of its files are left out."""
    if chosen.access.by_link:
        _shared(chosen)
        return
    if chosen.recorded:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f":material/history: {RECORDED_WORDS}", width="content")
            run_link("configure", "Run it yourself", "play_arrow")
    for sentence in loaded.results.skipped:
        st.warning(plain(sentence, 300), icon=":material/warning:")


def _shared(chosen: Chosen) -> None:
    words = "You are viewing a shared run. Read-only."
    if not chosen.access.may(Right.SAMPLES):
        words += " It shows figures only: topics are numbered."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/visibility: **{words}**", width="content")
        if chosen.access.may(Right.COPY):
            st.page_link(
                "pages/configure.py",
                label="Make a copy",
                icon=":material/content_copy:",
                query_params={DUPLICATE: chosen.link},
            )


def empty_state() -> None:
    """Draw the results page while there is no run to show."""
    st.title("Results", anchor=False)
    st.info("There is nothing to show yet. Start a run; its verdict will stand here.", icon=":material/info:")
    run_link("configure", "Start a run", "play_arrow")


def no_run(*, recorded: bool) -> None:
    """Draw the run page while no run is chosen, or while the recorded example is."""
    words = "No run is chosen. Start one on New run, or open a run's link."
    if recorded:
        words = "The recorded example is a run of the past: there is nothing to watch. Start one of your own."
    st.info(words, icon=":material/info:")
    run_link("configure", "Start a run", "play_arrow")


def not_measured(evidence: Evidence) -> None:
    """Draw what the verdict leaves open."""
    if evidence.not_measured:
        with st.expander("What this verdict does not tell", icon=":material/help:"):
            st.markdown(bullets(evidence.not_measured))


def missing_view(loaded: Loaded) -> None:
    """Draw the most common reasons why responses have no score; nothing where every response has one."""
    if reasons := _reasons(loaded):
        lines = "\n".join(f"- {reason.count:,} × {plain(reason.words, 400)}" for reason in reasons)
        st.markdown(f"Why scores are missing\n\n{lines}")


@st.cache_resource(max_entries=32, ttl=3600, show_spinner=False, hash_funcs=BY_VALUE)
def _reasons(loaded: Loaded) -> tuple[Reason, ...]:
    return missing_reasons(loaded.results)


def file_name(loaded: Loaded, evidence: Evidence, ending: str, kind: str = "dry-run") -> str:
    """``dry-run-<dataset>-<verdict>-<run>.<ending>``, in letters that every disk takes.

    For people who came by a read-only link ``shared`` stands in place of the run's first letters.

    Parameters
    ----------
    loaded : Loaded
    evidence : Evidence
    ending : str
        Without a dot.
    kind : str
        What is in the file.
    """
    dataset = PurePath(loaded.results.config.dataset.name).stem
    run = "shared" if loaded.access.by_link else short(loaded.results.run.id)
    return f"{file_stem(kind, dataset, look_of_evidence(evidence), run)}.{ending}"
