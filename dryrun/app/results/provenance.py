"""Where the figures come from and what they leave open.

Why responses have no score, on the pages that count them.
"""

from __future__ import annotations

import time

import streamlit as st

from dryrun.analysis.verdict.evidence import Evidence
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.session import RUN, Chosen, model_words
from dryrun.core.text import plain
from dryrun.report.missing import Reason, missing_reasons
from dryrun.store.runs import RunStatus


def provenance(chosen: Chosen, status: RunStatus, loaded: Loaded) -> None:
    """Which run this is; whether it is recorded or partial."""
    config = loaded.results.config
    when = time.strftime("%d %b %Y", time.localtime(status.started))
    sampling = config.sampling
    st.caption(
        f"{plain(config.dataset.name, 80)} · {len(loaded.results.keys):,} prompts × {sampling.rollouts} "
        f"responses by {model_words(config.model)} · {when}"
    )
    if chosen.recorded:
        st.info(
            "Recorded example: a real run of the past that comes with Dry Run. Nothing was called just now.",
            icon=":material/history:",
        )
        st.page_link("pages/configure.py", label="Run it yourself", icon=":material/play_arrow:")
    if loaded.results.pending:
        _partial(chosen, status, loaded)
    for sentence in loaded.results.skipped:
        st.warning(plain(sentence, 300), icon=":material/warning:")


def empty_state() -> None:
    """There is no run to show."""
    st.title("Results")
    st.info("There is nothing to show yet. Start a run; its verdict will stand here.", icon=":material/info:")
    st.page_link("pages/configure.py", label="Start a run", icon=":material/play_arrow:")


def no_run(*, recorded: bool) -> None:
    """There is no run to watch: none was chosen, or only the recorded example, which ended long ago."""
    words = "No run is chosen. Start one on the Configure page, or open a run's link."
    if recorded:
        words = "The recorded example is a run of the past: there is nothing to watch. Start one of your own."
    st.info(words, icon=":material/info:")


def not_measured(found: Evidence) -> None:
    """What the verdict leaves open."""
    if found.not_measured:
        with st.expander("What this verdict does not tell", icon=":material/help:"):
            st.markdown("\n".join(f"- {plain(sentence, 400)}" for sentence in found.not_measured))


def _partial(chosen: Chosen, status: RunStatus, loaded: Loaded) -> None:
    done = loaded.results.rollouts.num_rows
    total = done + loaded.results.pending
    going = "The run is still going on." if status.live else "The run ended before its end."
    st.warning(f"Partial: {done:,} of {total:,} responses are in. {going}", icon=":material/hourglass_top:")
    with st.container(horizontal=True):
        if status.live:
            st.button("Refresh", icon=":material/refresh:", key="refresh")
        st.page_link(
            "pages/run.py",
            label="Watch the run" if status.live else "Resume the run",
            icon=":material/play_circle:",
            query_params={RUN: chosen.run.id},
        )


def missing_view(loaded: Loaded) -> None:
    """The commonest reasons with their counts; nothing where every response has a score."""
    reasons = _reasons(loaded.version, loaded)
    if reasons:
        lines = "\n".join(f"- {reason.count:,} × {plain(reason.words, 400)}" for reason in reasons)
        st.markdown(f"**Why scores are missing**\n\n{lines}")


@st.cache_resource(max_entries=32, ttl=3600, show_spinner=False)
def _reasons(version: tuple[str, ...], _loaded: Loaded) -> tuple[Reason, ...]:
    """`version` is the cache's key."""
    return missing_reasons(_loaded.results)
