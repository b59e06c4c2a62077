"""Which run the figures come from, why scores are missing, and what the verdict leaves open."""

from __future__ import annotations

import time

import streamlit as st

from dryrun.analysis.verdict.evidence import Evidence
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.session import Chosen, model_words, run_link
from dryrun.app.shared.widgets import bullets
from dryrun.core.text import plain
from dryrun.report.fields import Reason
from dryrun.report.missing import missing_reasons
from dryrun.store.runs import RunStatus


def provenance(chosen: Chosen, status: RunStatus, loaded: Loaded) -> None:
    """Draw which run this is, whether it is the recorded example, and what of it is still missing."""
    config = loaded.results.config
    when = time.strftime("%d %b %Y", time.localtime(status.started))
    st.caption(
        f"{plain(config.dataset.name, 80)} · {len(loaded.results.keys):,} prompts × "
        f"{config.sampling.rollouts} responses by {model_words(config.model)} · {when}"
    )
    if chosen.recorded:
        st.info(
            "Recorded example: a real run of the past that comes with Dry Run. Nothing was called just now.",
            icon=":material/history:",
        )
        run_link("configure", "Run it yourself", "play_arrow")
    if loaded.results.pending:
        _partial(chosen, status, loaded)
    for sentence in loaded.results.skipped:
        st.warning(plain(sentence, 300), icon=":material/warning:")


def empty_state() -> None:
    """Draw the results page while there is no run to show."""
    st.title("Results")
    st.info("There is nothing to show yet. Start a run; its verdict will stand here.", icon=":material/info:")
    run_link("configure", "Start a run", "play_arrow")


def no_run(*, recorded: bool) -> None:
    """Draw the run page while no run is chosen, or while the recorded example is."""
    words = "No run is chosen. Start one on New run, or open a run's link."
    if recorded:
        words = "The recorded example is a run of the past: there is nothing to watch. Start one of your own."
    st.info(words, icon=":material/info:")
    run_link("configure", "Configure a run", "tune")


def not_measured(evidence: Evidence) -> None:
    """Draw what the verdict leaves open."""
    if evidence.not_measured:
        with st.expander("What this verdict does not tell", icon=":material/help:"):
            st.markdown(bullets(evidence.not_measured))


def _partial(chosen: Chosen, status: RunStatus, loaded: Loaded) -> None:
    done = loaded.results.rollouts.num_rows
    total = done + loaded.results.pending
    going = "The run is still going on." if status.live else "The run stopped before its end."
    st.warning(f"Partial: {done:,} of {total:,} responses are in. {going}", icon=":material/hourglass_top:")
    with st.container(horizontal=True):
        if status.live:
            st.button("Refresh", icon=":material/refresh:", key="refresh")
        words = "Watch the run" if status.live else "Resume the run"
        run_link("run", words, "play_circle", chosen.run.id)


def missing_view(loaded: Loaded) -> None:
    """Draw the most common reasons why responses have no score; nothing where every response has one."""
    if reasons := _reasons(loaded):
        lines = "\n".join(f"- {reason.count:,} × {plain(reason.words, 400)}" for reason in reasons)
        st.markdown(f"**Why scores are missing**\n\n{lines}")


@st.cache_resource(
    max_entries=32, ttl=3600, show_spinner=False, hash_funcs={Loaded: lambda loaded: loaded.version}
)
def _reasons(loaded: Loaded) -> tuple[Reason, ...]:
    return missing_reasons(loaded.results)
