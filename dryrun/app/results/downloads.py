"""The downloads of the results page: report, rows for SFT, the files of a training job.

Each stands in a menu that is filled when it opens: a moved threshold then has less to redraw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import streamlit as st

from dryrun.analysis.verdict.evidence import Evidence
from dryrun.app.results.profile import CHOSEN_SET
from dryrun.app.results.provenance import file_name
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.widgets import bullets, download, errors_shown
from dryrun.core.text import plain, plural
from dryrun.graders.format.findings import Severity
from dryrun.report import Report, render_html, render_markdown, report_of
from dryrun.report.export.material import Split, material_of_run, split_of_choice, split_prompts
from dryrun.report.export.place import Export, export_to
from dryrun.report.export.places import PLACES, file_tree, written_for
from dryrun.report.pictures import Form, histogram_picture
from dryrun.report.training_set.chosen import best_responses, set_archive, sft_rows, to_jsonl

FORMS: tuple[Form, ...] = ("png", "svg")


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
    st.caption("The score distribution as a picture, dark on white.")
    none = evidence.document.statistics.mean is None
    for form in FORMS:
        name = file_name(loaded, evidence, form, "scores")
        content = _picture(loaded, evidence, form)
        download(f"Histogram ({form.upper()})", content, name, f"picture_{form}", disabled=none)


def _picture(loaded: Loaded, evidence: Evidence, form: Form) -> Callable[[], bytes]:
    return lambda: histogram_picture(viewers_report(loaded, evidence), form)


def viewers_report(loaded: Loaded, evidence: Evidence) -> Report:
    """The report; people who came by a read-only link get no id of this run or of its ceiling."""
    report = report_of(loaded.results, evidence.thresholds, outcome=loaded.outcome)
    if not loaded.access.by_link:
        return report
    return report.model_copy(update={"run": report.run.model_copy(update={"id": "", "ceiling": ""})})


def try_sft(loaded: Loaded, evidence: Evidence) -> None:
    """Draw the download of best-of-k rows for supervised fine-tuning, with its cut-off."""
    menu = st.popover("Try SFT", key="try_sft", on_change="rerun")
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
    ready = evidence.verdict == "GO" and not (evidence.conditions or loaded.results.pending)
    kind: Literal["primary", "secondary"] = "primary" if ready else "secondary"
    menu = st.popover("Start Training →", type=kind, key="start_training", on_change="rerun")
    if menu.open:
        with menu:
            training_files(loaded, evidence)


def training_files(loaded: Loaded, evidence: Evidence) -> None:
    """Draw the choice of a place to train, what it cannot take, a checklist, the files, the download."""
    verdict = evidence.verdict
    if verdict != "GO":
        words = f"The verdict is {verdict}. Training now is likely to waste its budget."
        st.warning(words, icon=":material/warning:")
    for condition in evidence.conditions:
        words = f"First: {condition.step}. {condition.sentence}"
        st.warning(plain(words, 400), icon=":material/rule:")
    st.markdown("Rows, the grader and a script in the form of the place. Nothing is sent from here.")
    place = st.selectbox(
        "Where do you train?",
        list(PLACES),
        index=list(PLACES).index(written_for(loaded.results.config.grader)),
        format_func=lambda platform: PLACES[platform].title,
        key="training_place",
    )
    with errors_shown():
        material = material_of_run(loaded.results, verdict, _split(loaded))
        _handed_over(export_to(PLACES[place], material), loaded, evidence)


def _split(loaded: Loaded) -> Split:
    """The training set that was chosen in this session, where it is wanted, else all of the run's prompts."""
    results = loaded.results
    run, profile, chosen = st.session_state.get(CHOSEN_SET, ("", None, None))
    if run != results.run.id or not len(chosen.train):
        return split_prompts(results)
    words = f"Only the training set that you chose, {plural(len(chosen.train), 'row')}"
    if st.toggle(words, True, key="training_chosen"):
        return split_of_choice(results, profile, chosen)
    return split_prompts(results)


def _handed_over(export: Export, loaded: Loaded, evidence: Evidence) -> None:
    """Draw what the place gets, or why it cannot have it."""
    for finding in export.findings:
        words = plain(f"{finding.what} {finding.fix}".strip(), 400)
        match finding.severity:
            case Severity.ERROR:
                st.error(words, icon=":material/block:")
            case Severity.WARNING:
                st.warning(words, icon=":material/warning:")
            case _ if export.refused:  # else it stands in the checklist below
                st.caption(words)
    if export.refused:
        return
    train, validation = len(export.material.train), len(export.material.validation)
    st.markdown(f"**{train:,}** training rows, **{validation:,}** for validation.")
    files = export.files()
    name = file_name(loaded, evidence, "zip", f"training-{export.place.platform}")
    download(
        "Download training files (ZIP)", lambda: set_archive(iter(files.items())), name, "training_download"
    )
    st.code(file_tree(files), language=None)
    st.markdown("Before you start:")
    st.markdown(bullets(export.checklist()))
