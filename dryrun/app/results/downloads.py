"""The downloads of the results page: report, rows for SFT, the files of a training job.

Each stands in a menu that is filled when it opens: a moved threshold then has less to redraw.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Literal

import streamlit as st

from dryrun.analysis.verdict.evidence import Evidence
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.looks import look_of_evidence
from dryrun.app.shared.widgets import download
from dryrun.core.text import plain, short
from dryrun.report import Report, render_html, render_markdown, report_of
from dryrun.report.training import best_responses, sft_rows, to_jsonl, training_package

LONGEST = 40
"""Characters of a dataset's name in a file's."""


def export_menu(loaded: Loaded, evidence: Evidence) -> None:
    """Draw the downloads of the report, under the thresholds on the screen."""
    if not loaded.access.may(Right.EXPORT):
        return
    menu = st.popover("Export", icon=":material/download:", key="export", on_change="rerun")
    if menu.open:
        with menu:
            _reports(loaded, evidence)


def _reports(loaded: Loaded, evidence: Evidence) -> None:
    def written(write: Callable[[Report], str]) -> Callable[[], bytes]:
        return lambda: write(viewers_report(loaded, evidence)).encode()

    offline = "One file that opens offline, for people who have no Dry Run."
    st.caption("The report under the thresholds on this page.")
    for kind, write in (("HTML", render_html), ("Markdown", render_markdown), ("JSON", Report.to_json)):
        ending = {"Markdown": "md"}.get(kind, kind.lower())
        name = file_name(loaded, evidence, ending)
        hint = offline if kind == "HTML" else None
        download(f"Report ({kind})", written(write), name, f"report_{ending}", hint=hint)


def viewers_report(loaded: Loaded, evidence: Evidence) -> Report:
    """The report; for who came by a read-only link without the id of this run and of its ceiling."""
    report = report_of(loaded.results, evidence.thresholds, outcome=loaded.outcome)
    if not loaded.access.by_link:
        return report
    return report.model_copy(update={"run": report.run.model_copy(update={"id": "", "ceiling": ""})})


def file_name(loaded: Loaded, evidence: Evidence, ending: str, kind: str = "dry-run") -> str:
    """``dry-run-<dataset>-<verdict>-<run>.<ending>``, in letters that every disk takes.

    Who came by a read-only link reads ``shared`` instead of the run's first letters.

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
    words = (kind, dataset, look_of_evidence(evidence), run)
    return "-".join(filter(None, map(_plain_letters, words))) + f".{ending}"


def _plain_letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:LONGEST].strip("-")


def try_sft(loaded: Loaded, evidence: Evidence) -> None:
    """Draw the download of best-of-k rows for supervised fine-tuning, with its cut-off."""
    menu = st.popover("Try SFT", icon=":material/school:", key="try_sft", on_change="rerun")
    if menu.open:
        with menu:
            _sft(loaded, evidence)


def _sft(loaded: Loaded, evidence: Evidence) -> None:
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
        file_name(loaded, evidence, "jsonl", "sft"),
        "sft_download",
        disabled=count == 0,
    )


def start_training(loaded: Loaded, evidence: Evidence) -> None:
    """Draw the download of a training job's files, below what should be done before training."""
    ready = evidence.verdict == "GO" and not evidence.conditions
    kind: Literal["primary", "secondary"] = "primary" if ready else "secondary"
    menu = st.popover("Start Training →", type=kind, key="start_training", on_change="rerun")
    if menu.open:
        with menu:
            _training_files(loaded, evidence)


def _training_files(loaded: Loaded, evidence: Evidence) -> None:
    verdict = evidence.verdict
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
        file_name(loaded, evidence, "zip", "training"),
        "training_download",
    )
