"""The downloads of the results page: report, rows for SFT, the files of a training job."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dryrun.analysis.verdict.evidence import Evidence
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.widgets import download
from dryrun.core.text import plain, short
from dryrun.core.thresholds import Thresholds
from dryrun.report import Report, render_html, render_markdown, report_of
from dryrun.report.training import best_responses, sft_rows, to_jsonl, training_package


def report_downloads(loaded: Loaded, thresholds: Thresholds) -> None:
    """Draw the downloads of the report, under the thresholds on the screen."""
    name = f"dry-run-{short(loaded.results.run.id)}"
    offline = "One file that opens offline, for people who have no Dry Run."

    def written(write: Callable[[Report], str]) -> Callable[[], bytes]:
        return lambda: write(report_of(loaded.results, thresholds, outcome=loaded.outcome)).encode()

    with st.container(horizontal=True):
        download("Report (JSON)", written(Report.to_json), f"{name}.json", "report_json")
        download("Report (Markdown)", written(render_markdown), f"{name}.md", "report_md")
        download("Report (HTML)", written(render_html), f"{name}.html", "report_html", hint=offline)


def try_sft(loaded: Loaded) -> None:
    """Draw the download of best-of-k rows for supervised fine-tuning, with its cut-off."""
    with st.popover("Try SFT", icon=":material/school:"):
        st.markdown(
            "Supervised fine-tuning on the model's own best answers: for each prompt the response with the "
            "highest score, if it reaches the cut-off."
        )
        cutoff = st.slider("Cut-off", 0.0, 1.0, 0.8, 0.05, key="sft_cutoff", persist_state="session")
        count = len(best_responses(loaded.results, cutoff))
        prompts = len(set(loaded.results.keys))
        st.caption(f"{count:,} of {prompts:,} prompts have such a response.")
        download(
            "Download SFT rows (JSONL)",
            lambda: to_jsonl(sft_rows(loaded.results, cutoff)),
            f"sft-{short(loaded.results.run.id)}.jsonl",
            "sft_download",
            disabled=count == 0,
        )


def start_training(loaded: Loaded, evidence: Evidence) -> None:
    """Draw the download of a training job's files, below what should be done before training."""
    verdict = evidence.verdict
    ready = verdict == "GO" and not evidence.conditions
    with st.popover("Start Training →", type="primary" if ready else "secondary"):
        if verdict != "GO":
            words = f"The verdict is {verdict}. Training now is likely to waste its budget."
            st.warning(words, icon=":material/warning:")
        for condition in evidence.conditions:
            words = f"First {condition.step}. {condition.sentence}"
            st.warning(plain(words, 400), icon=":material/rule:")
        st.markdown(
            "A ZIP file with the prompts as training and validation rows, the grader, and a script that "
            "starts the job through the OpenAI SDK. Nothing is sent from here."
        )
        download(
            "Download training files (ZIP)",
            lambda: training_package(loaded.results, verdict),
            f"training-{short(loaded.results.run.id)}.zip",
            "training_download",
        )
