"""Choosing a grader: a sample, or the user's own JSON or Python, checked at every change."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path

import streamlit as st

from dryrun.app.shared.widgets import error_kept, pick_kind, show_error, show_kept_error
from dryrun.core.errors import DryRunError
from dryrun.core.paths import sample_data_dir
from dryrun.core.text import plain
from dryrun.graders import Finding, GraderSpec, Severity, load_grader
from dryrun.graders.format.conventions import VOICES, Convention, function_names
from dryrun.graders.format.presets import PRESETS
from dryrun.graders.format.python_file import Config, grader_of, is_python
from dryrun.graders.kinds.python import PythonSpec
from dryrun.graders.sandbox.status import sandbox_status

TEXT = "grader_text"

EXAMPLES = {
    Convention.OPENAI: "grade(sample, item)",
    Convention.TRL: "f(prompts, completions, **kwargs)",
    Convention.VERL: "compute_score(data_source, solution_str, ...)",
    Convention.BEDROCK: "lambda_handler(event, context)",
    Convention.EVAL_PROTOCOL: "f(messages, ground_truth) or f(row)",
    Convention.VERIFIERS: "f(completion, answer, ...)",
}
"""How each convention calls a grader."""


class GraderSource(StrEnum):
    """Where the grader comes from."""

    SAMPLE = "Sample grader"
    EDIT = "Your own"


def sample_graders() -> dict[str, Path]:
    """The graders that come with the project, by name."""
    return {path.stem: path for path in sorted((sample_data_dir() / "graders").glob("*.json"))}


def grader_section() -> GraderSpec | None:
    """Draw the section and return the grader; None while none is chosen or it cannot be used."""
    source = pick_kind("Grader", list(GraderSource), "grader_source")
    return checked(_sample() if source is GraderSource.SAMPLE else grader_editor())


def checked(text: str) -> GraderSpec | None:
    """Draw the grader's summary or all its problems, and return it; None where it has problems."""
    if not text.strip():
        st.caption("Paste a grader in OpenAI's JSON or a reward function in Python, or upload a file.")
        return None
    try:
        spec = load_grader(_with_convention(text))
    except DryRunError as error:
        show_error(error)
        return None
    st.markdown(plain(spec.describe(), 1000))
    if any(isinstance(part, PythonSpec) for _, part in spec.walk()):
        status = sandbox_status()
        show = st.caption if status.available else st.error
        show(plain(status.reason, 400))
    return spec


def show_findings(findings: tuple[Finding, ...]) -> None:
    """Draw what the check of the grader against these rows warns of; it stops nothing."""
    for finding in findings:
        show = st.warning if finding.severity is Severity.WARNING else st.info
        show(plain(str(finding.problem), 500))


def grader_editor() -> str:
    """Draw the editor with its presets and its upload, and return the text in it."""
    if TEXT not in st.session_state:
        first = next(iter(sample_graders().values()), None)
        st.session_state[TEXT] = first.read_text(encoding="utf-8") if first else ""
    st.selectbox(
        "Begin with",
        list(PRESETS),
        index=None,
        key="grader_preset",
        format_func=lambda name: f"{name}: {PRESETS[name][0]}",
        placeholder="A preset, or paste your own below",
        on_change=_take_preset,
    )
    st.text_area(
        "Grader JSON or Python",
        key=TEXT,
        height=300,
        persist_state="session",
        help="OpenAI's JSON, or Python: grade(sample, item), or a reward function written for TRL, verl, "
        "Bedrock, eval-protocol or verifiers. Leave the field, or press Ctrl+Enter, to have it checked.",
    )
    st.file_uploader(
        "Or upload a JSON or Python file", type=["json", "py"], key="grader_file", on_change=_take_upload
    )
    show_kept_error("grader_file_problem")
    return str(st.session_state.get(TEXT, ""))


def edit(text: str) -> None:
    """Put a grader into the editor."""
    st.session_state[TEXT] = text
    st.session_state["grader_source"] = GraderSource.EDIT


def pretty(grader: object) -> str:
    """A grader as a person edits it."""
    return json.dumps(grader, indent=2, ensure_ascii=False)


def _sample() -> str:
    samples = sample_graders()
    if not samples:
        show_error(DryRunError("This copy of Dry Run came without its sample graders."))
        return ""
    name = st.selectbox("Sample grader", list(samples), key="grader_sample", persist_state="session")
    text = samples[name or next(iter(samples))].read_text(encoding="utf-8")
    with st.expander("Its JSON", icon=":material/data_object:"):
        st.code(text, language="json", height=260)
        st.button("Edit a copy", on_click=edit, args=(text,), icon=":material/edit:")
    return text


def _take_preset() -> None:
    if name := st.session_state.get("grader_preset"):
        edit(pretty(PRESETS[name][1]))


def _take_upload() -> None:
    file = st.session_state.get("grader_file")
    if file is None:
        return
    with error_kept("grader_file_problem"):
        try:
            edit(file.getvalue().decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise DryRunError(f"{file.name} is not UTF-8 text. Save it as UTF-8.") from error


def _with_convention(text: str) -> Config | str:
    """The grader in this text; for Python, with fields that correct its convention and its function.

    Raises
    ------
    GraderError
        No convention fits, or several functions could be meant.
    """
    if not is_python(text):
        return text
    names = function_names(text)
    left, right = st.columns(2)
    convention = left.selectbox(
        "Convention",
        list(Convention),
        index=None,
        key="grader_convention",
        format_func=lambda convention: f"{VOICES[convention].name} {EXAMPLES[convention]}",
        placeholder="Recognised by its parameters",
        persist_state="session",
        help="How the function is called. Leave it empty unless the sentence below says it wrong.",
    )
    function = right.selectbox(
        "Function",
        names,
        index=None,
        key=f"grader_function_{'_'.join(names)}"[:200],
        placeholder="The only one that can be meant",
        disabled=len(names) < 2,
        help="Which of the file's functions grades.",
    )
    return grader_of(text, convention, function)
