"""What the results page hands out: report, rows for SFT, all a training job needs."""

from __future__ import annotations

import streamlit as st

from dryrun.analysis.verdict.evidence import Evidence
from dryrun.app.shared.loading import Loaded
from dryrun.core.text import plain, short
from dryrun.core.thresholds import Thresholds
from dryrun.report import render_html, render_markdown, report_of
from dryrun.report.training import best_responses, sft_rows, to_jsonl, training_package


def report_downloads(loaded: Loaded, thresholds: Thresholds) -> None:
    """The report under the thresholds and rules on the screen."""
    name = f"dry-run-{short(loaded.results.run.id)}"
    with st.container(horizontal=True):
        st.download_button(
            "Report (JSON)",
            lambda: report_of(loaded.results, thresholds).to_json().encode(),
            file_name=f"{name}.json",
            mime="application/json",
            on_click="ignore",
            icon=":material/download:",
            key="report_json",
        )
        st.download_button(
            "Report (Markdown)",
            lambda: render_markdown(report_of(loaded.results, thresholds)).encode(),
            file_name=f"{name}.md",
            mime="text/markdown",
            on_click="ignore",
            icon=":material/download:",
            key="report_md",
        )
        st.download_button(
            "Report (HTML)",
            lambda: render_html(report_of(loaded.results, thresholds)).encode(),
            file_name=f"{name}.html",
            mime="text/html",
            on_click="ignore",
            icon=":material/download:",
            key="report_html",
            help="One file that opens offline, for people who have no Dry Run.",
        )


def try_sft(loaded: Loaded) -> None:
    """Best-of-k rows for supervised fine-tuning, above a cut-off that is shown."""
    with st.popover("Try SFT", icon=":material/school:"):
        st.markdown(
            "Supervised fine-tuning on the model's own best answers: for each prompt the response with the "
            "highest score, if it reaches the cut-off."
        )
        cutoff = st.slider("Cut-off", 0.0, 1.0, 0.8, 0.05, key="sft_cutoff", persist_state="session")
        count = len(best_responses(loaded.results, cutoff))
        prompts = len(set(loaded.results.keys))
        st.caption(f"{count:,} of {prompts:,} prompts have such a response.")
        st.download_button(
            "Download SFT rows (JSONL)",
            lambda: to_jsonl(sft_rows(loaded.results, cutoff)),
            file_name=f"sft-{short(loaded.results.run.id)}.jsonl",
            mime="application/jsonl",
            on_click="ignore",
            disabled=count == 0,
            icon=":material/download:",
            key="sft_download",
        )


def start_training(loaded: Loaded, found: Evidence) -> None:
    """All a training job needs, as a ZIP file; what stands against training is said first."""
    verdict = found.verdict
    ready = verdict == "GO" and not found.conditions
    with st.popover("Start Training →", type="primary" if ready else "secondary"):
        if verdict != "GO":
            st.warning(
                f"The verdict is {verdict}. Training now is likely to waste its budget.",
                icon=":material/warning:",
            )
        for condition in found.conditions:
            words = f"First {condition.step}. {condition.sentence}"
            st.warning(plain(words, 400), icon=":material/rule:")
        st.markdown(
            "A ZIP file with the prompts as training and validation rows, the grader, and a script that "
            "starts the job through the OpenAI SDK. Nothing is sent from here."
        )
        st.download_button(
            "Download training files (ZIP)",
            lambda: training_package(loaded.results, verdict),
            file_name=f"training-{short(loaded.results.run.id)}.zip",
            mime="application/zip",
            on_click="ignore",
            icon=":material/download:",
            key="training_download",
        )
