"""The grader step's left side: an editor for JSON or Python, checked at every change."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from dryrun.app.configure.grader_text import Source, marks_of, python_sources, with_source
from dryrun.app.shared.editor import code_editor
from dryrun.app.shared.widgets import Upload, kept_upload, show_error
from dryrun.core.errors import DryRunError, GraderError
from dryrun.core.paths import sample_data_dir
from dryrun.core.text import plain
from dryrun.graders import Finding, GraderSpec, Severity, load_grader
from dryrun.graders.format.conventions import VOICES, Convention, function_names
from dryrun.graders.format.load import grader_of, is_python
from dryrun.graders.format.presets import PRESETS
from dryrun.graders.kinds.python import PythonSpec
from dryrun.graders.sandbox.status import sandbox_status

TEXT = "grader_text"
PART, SOURCE = "grader_part", "grader_source_text"
"""Where the session keeps which part of the grader is edited, and the Python source that is."""
WHOLE = "JSON"
FILE = "grader_file"
BEGIN = "grader_begin"
SAMPLES = {
    "combined": "Right number, close wording",
    "exact": "The reference answer, to the letter",
    "fuzzy": "How close the wording is",
    "partial_credit": "Python with partial credit",
    "rouge_l": "Longest common subsequence of words",
}
"""What each sample grader pays for; another one is listed by its name."""
DEFAULT_SAMPLE = "combined"
UPLOAD = "Upload a file …"
EXAMPLES = {
    Convention.OPENAI: "grade(sample, item)",
    Convention.TRL: "f(prompts, completions, **kwargs)",
    Convention.VERL: "compute_score(data_source, solution_str, ...)",
    Convention.BEDROCK: "lambda_handler(event, context)",
    Convention.EVAL_PROTOCOL: "f(messages, ground_truth) or f(row)",
    Convention.VERIFIERS: "f(completion, answer, ...)",
}
"""How each convention calls a grader."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """A grader's text, read: its spec, or what is wrong with it."""

    spec: GraderSpec | None = None
    error: DryRunError | None = None


def sample_graders() -> dict[str, Path]:
    """The graders that come with the project, by name."""
    return {path.stem: path for path in sorted((sample_data_dir() / "graders").glob("*.json"))}


def grader_section() -> GraderSpec | None:
    """Draw the choice of what to begin with and the editor; return the grader, None while it has problems."""
    _begin_with()
    return grader_editor()


def grader_editor() -> GraderSpec | None:
    """Draw the editor, and below it the grader in words or all its problems; return it, or None."""
    if TEXT not in st.session_state:
        samples = sample_graders()
        first = samples.get(DEFAULT_SAMPLE) or next(iter(samples.values()), None)
        st.session_state[TEXT] = first.read_text(encoding="utf-8") if first else ""
    text = str(st.session_state[TEXT])
    checked = _checked(text)
    sources = python_sources(text)
    part = _part(sources)
    error = checked.error if isinstance(checked.error, GraderError) else None
    if part is None:
        marks = marks_of(text, error) if error else []
        code_editor("Grader, JSON or Python", TEXT, "python" if is_python(text) else "json", marks)
    else:
        st.session_state[SOURCE] = part.text
        marks = marks_of(part.text, error, part.path) if error else []
        put = partial(_put_source, part.path)
        code_editor(f"Python source of {part.name}", SOURCE, "python", marks, put)
    if is_python(text):
        checked = _with_convention(text)
    _say(checked)
    return checked.spec


def show_findings(findings: tuple[Finding, ...]) -> None:
    """Draw the warnings of the grader's check against these rows; they stop nothing."""
    for finding in findings:
        show = st.warning if finding.severity is Severity.WARNING else st.info
        show(plain(str(finding.problem), 500))


def edit(text: str) -> None:
    """Put a grader into the editor."""
    st.session_state[TEXT] = text
    st.session_state.pop(PART, None)


def pretty(grader: object) -> str:
    """A grader as a person edits it."""
    return json.dumps(grader, indent=2, ensure_ascii=False)


def _begin_with() -> None:
    labels = {UPLOAD: UPLOAD} | {name: f"{name}: {words}" for name, (words, _) in PRESETS.items()}
    for name in sample_graders():
        labels[name] = f"Sample {name}: {SAMPLES.get(name, name.replace('_', ' '))}"
    chosen = st.selectbox(
        "Begin with",
        list(labels),
        index=None,
        key=BEGIN,
        format_func=labels.__getitem__,
        placeholder="A sample, a preset, a file, or type below",
        on_change=_take_begin,
    )
    if chosen == UPLOAD:
        hint = "It replaces the text below."
        kept_upload("Grader, JSON or Python", ["json", "py"], FILE, hint, _take_upload)
    if problem := st.session_state.pop("grader_file_problem", None):
        show_error(problem)


def _take_begin() -> None:
    name = str(st.session_state.get(BEGIN))
    if name in PRESETS:
        edit(pretty(PRESETS[name][1]))
    elif name in (samples := sample_graders()):
        edit(samples[name].read_text(encoding="utf-8"))


def _take_upload(upload: Upload) -> None:
    try:
        edit(upload.content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        words = f"{upload.name} is not UTF-8 text. Save it as UTF-8. The text below is unchanged."
        st.session_state["grader_file_problem"] = DryRunError(words)


def _part(sources: list[Source]) -> Source | None:
    """Draw the tabs where there are Python sources, and return the one to edit; None for the whole."""
    if not sources:
        return None
    names = [WHOLE, *dict.fromkeys(f"Python: {source.name}" for source in sources)]
    if st.session_state.get(PART) not in names:
        st.session_state[PART] = names[1] if sources[0].path == "$.source" else WHOLE
    chosen = st.segmented_control(
        "Part of the grader", names, key=PART, required=True, label_visibility="collapsed"
    )
    return next((source for source in sources if f"Python: {source.name}" == chosen), None)


def _put_source(path: str, source: str) -> None:
    st.session_state[TEXT] = with_source(str(st.session_state[TEXT]), path, source)


def _checked(text: str, convention: Convention | None = None, function: str | None = None) -> _Checked:
    if not text.strip():
        return _Checked()
    try:
        return _Checked(load_grader(grader_of(text, convention, function)))
    except DryRunError as error:
        return _Checked(error=error)


def _say(checked: _Checked) -> None:
    if isinstance(checked.error, GraderError) and len(checked.error.problems) == 1:
        st.error(plain(str(checked.error.problems[0]), 600), icon=":material/error:")
    elif checked.error is not None:
        show_error(checked.error)
    elif checked.spec is None:
        st.caption("Paste a grader in OpenAI's JSON or a reward function in Python.")
    else:
        st.markdown(plain(checked.spec.describe(), 1000))
        _say_sandbox(checked.spec)


def _say_sandbox(spec: GraderSpec) -> None:
    if any(isinstance(part, PythonSpec) for _, part in spec.walk()):
        status = sandbox_status()
        show = st.caption if status.available else st.error
        show(plain(status.reason, 400))


def _with_convention(text: str) -> _Checked:
    """A Python grader, with fields that correct its convention and its function."""
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
        help="The function of the file that grades.",
    )
    return _checked(text, convention, function)
