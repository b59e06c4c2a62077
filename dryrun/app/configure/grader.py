"""The grader step's left side: an editor for JSON or Python, checked at every change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from dryrun.app.shared.editor import LineError, code_editor
from dryrun.app.shared.widgets import Upload, kept_upload, show_error
from dryrun.core.errors import DryRunError, GraderError, Problem
from dryrun.core.paths import sample_data_dir
from dryrun.core.text import cut, plain
from dryrun.graders import Finding, GraderSpec, Severity, load_grader
from dryrun.graders.format.conventions import VOICES, Convention, function_names
from dryrun.graders.format.presets import PRESETS
from dryrun.graders.kinds.python import PythonSpec
from dryrun.graders.load import Placed, grader_of, in_file, is_python
from dryrun.graders.sandbox.status import sandbox_status

_LINE = re.compile(r"\bline (\d+)")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_SPACE = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Source:
    """A Python source within grader JSON.

    Attributes
    ----------
    path : str
        The source's JSON path: ``$.graders.a.source``.
    name : str
        Of its grader.
    text : str
    """

    path: str
    name: str
    text: str


def python_sources(text: str) -> list[Source]:
    """The sources of all python graders in a JSON text, outermost first; none while it is not JSON."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return list(_sources(value, "$", "grader"))


def _sources(value: Any, path: str, key: str) -> Iterator[Source]:
    if isinstance(value, list):
        for number, child in enumerate(value):
            yield from _sources(child, f"{path}[{number}]", key)
    if not isinstance(value, dict):
        return
    if value.get("type") == "python" and isinstance(value.get("source"), str):
        yield Source(f"{path}.source", cut(str(value.get("name") or key), 30), value["source"])
    for name, child in value.items():
        yield from _sources(child, f"{path}.{name}", name)


def with_source(text: str, path: str, source: str) -> str:
    """The JSON text with another source at this path; all else stays as it was typed."""
    span = span_of(text, path)
    if span is None:
        return text
    start, end = span
    return text[:start] + json.dumps(source, ensure_ascii=False) + text[end:]


def in_editor(parts: Iterable[Placed], text: str) -> list[Placed]:
    """What is said of Python sources, with their places as the editor shows them: ``Grader, line 3``."""
    if is_python(text):
        return in_file(parts, "Grader", text)
    sources = {source.path: source for source in python_sources(text)}
    return [
        in_file([part], f"Grader {source.name}", source.text, loaded=False)[0]
        if (source := sources.get(part.where))
        else part
        for part in parts
    ]


def marks_of(text: str, error: GraderError, path: str = "") -> list[LineError]:
    """Where in a text each problem of a grader stands.

    Parameters
    ----------
    text : str
        The grader, JSON or Python; or the source at `path` of a grader in JSON.
    error : GraderError
    path : str
        JSON path of the source that is shown. Default: the whole grader is.
    """
    whole = not text.lstrip().startswith("{")
    marks = []
    for problem in error.problems:
        if path and problem.where != path:
            continue
        line = _said_line(problem, in_source=bool(path) or whole)
        marks.append(
            LineError(line or _line_of(text, problem.where), f"{problem.what} {problem.fix}".strip())
        )
    return marks


def _said_line(problem: Problem, in_source: bool) -> int | None:
    """The line that the problem names; in JSON only where it is the JSON's own."""
    match = _LINE.search(problem.where) or (_LINE.search(problem.what) if in_source else None)
    return int(match[1]) if match else None


def _line_of(text: str, path: str) -> int:
    """The line of a value, or of the nearest thing around it that is there."""
    while path and (span := span_of(text, path)) is None:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return text.count("\n", 0, span[0]) + 1 if path and span else 1


def span_of(text: str, path: str) -> tuple[int, int] | None:
    """Where the value at a JSON path begins and ends in the text; None where there is none."""
    if not path.startswith("$"):
        return None
    at: int | None = _skipped(text, 0)
    try:
        for key, index in _STEP.findall(path):
            at = None if at is None else _child(text, at, key or int(index))
        return None if at is None else (at, _end(text, at))
    except (ValueError, IndexError, RecursionError):
        return None


def _child(text: str, at: int, step: str | int) -> int | None:
    """Where a member of the object, or an element of the list, that begins at `at` begins."""
    if text[at] != ("[" if isinstance(step, int) else "{"):
        return None
    at, number = _skipped(text, at + 1), 0
    while text[at] not in "]}":
        name: str | int = number
        if isinstance(step, str):
            name, after = _DECODER.raw_decode(text, at)
            at = _skipped(text, _skipped(text, after) + 1)  # over the colon
        if name == step:
            return at
        at, number = _skipped(text, _end(text, at)), number + 1
    return None


def _end(text: str, at: int) -> int:
    return int(_DECODER.raw_decode(text, at)[1])


def _skipped(text: str, at: int) -> int:
    """The next place that is neither space nor comma."""
    match = _SPACE.match(text, at)
    return match.end() if match else at


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
    _say(checked, text)
    return checked.spec


def show_findings(findings: tuple[Finding, ...]) -> None:
    """Draw the warnings of the grader's check against these rows; they stop nothing."""
    for finding in in_editor(findings, str(st.session_state[TEXT])):
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


def _say(checked: _Checked, text: str) -> None:
    error = checked.error
    if isinstance(error, GraderError):
        error = GraderError(error.summary, in_editor(error.problems, text), error.total)
    if isinstance(error, GraderError) and len(error.problems) == 1:
        st.error(plain(str(error.problems[0]), 600), icon=":material/error:")
    elif error is not None:
        show_error(error)
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
