"""python: the user's own ``grade(sample, item)``, or a reward function written for another library.

Its checks read the source, alone and against the rows; they never run it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from dryrun.core.errors import GraderError, Problem
from dryrun.core.paths import is_installed, is_unseen
from dryrun.core.records import Prompt
from dryrun.dataset.fields import usual_field
from dryrun.graders.format.conventions import (
    PASSED,
    TAKES_ALL,
    TAKES_COLUMNS,
    VOICES,
    Convention,
    EntryPoint,
    callable_source,
    entry_of,
)
from dryrun.graders.format.findings import Finding, RowCount, Severity, did_you_mean
from dryrun.graders.format.python_source import (
    functions_of,
    imports_of,
    keys_read,
    parameter_names,
    syntax_tree,
)
from dryrun.graders.format.template import SAMPLE_MEMBERS
from dryrun.graders.inside.eval_protocol import PACKAGES
from dryrun.graders.protocol import CANNOT_RUN, BuildOptions, Grader
from dryrun.graders.specs import GraderSpec

NOT_OPENAI_FIX = "Train where it comes from, or write the rule as grade(sample, item)."


class PythonSpec(GraderSpec):
    """Runs a function of the user's source in a sandbox; pays what it returns.

    ``convention`` and ``function`` are Dry Run's own fields: with them a reward function written for
    another library runs here. Without them it is OpenAI's grader, ``grade(sample, item)``.
    """

    also_called: ClassVar[tuple[str, ...]] = ("code", "function", "custom")
    telling: ClassVar[tuple[str, ...]] = ("source",)
    meant: ClassVar[Mapping[str, str]] = {"code": "source"}

    type: Literal["python"]
    convention: Annotated[Convention | None, Field(strict=False)] = None
    function: str | None = None
    source: str
    image_tag: str | None = None
    pass_threshold: float | None = None

    @field_validator("convention")
    @classmethod
    def _openai_is_the_default(cls, convention: Convention | None) -> Convention | None:
        return None if convention is Convention.OPENAI else convention

    @field_validator("source")
    @classmethod
    def _can_be_called(cls, source: str, info: ValidationInfo) -> str:
        if "convention" in info.data:  # else the convention is wrong, which is reported by itself
            callable_source(source, info.data["convention"], info.data.get("function"))
        return source

    @cached_property
    def entry(self) -> EntryPoint | None:
        """The function that grades; None for OpenAI's ``grade``."""
        return None if self.convention is None else entry_of(self.source, self.convention, self.function)

    @property
    def range(self) -> None:
        return None

    def describe(self) -> str:
        count = len(self.source.strip().splitlines())
        lines = f"{count} line" if count == 1 else f"{count} lines"
        if self.entry is None:
            return f"Pays what its own Python function grade(sample, item) returns ({lines})."
        whose = VOICES[self.entry.convention].name
        return f"Pays what the function {self.entry} returns, by {whose} convention ({lines})."

    def check(self, where: str, rows: Sequence[Prompt], response_format: bool) -> Iterator[Finding]:
        from dryrun.graders.sandbox.isolation import Mechanism  # the sandbox: for python graders alone
        from dryrun.graders.sandbox.status import sandbox_status

        status = sandbox_status()
        if not status.available:
            yield Finding(Severity.ERROR, f"{where}.type", status.reason)
        elif status.mechanism is Mechanism.NOTHING:
            yield Finding(Severity.WARNING, f"{where}.type", status.reason)
        yield from _check_source(self, where, rows, response_format)

    def build(self, options: BuildOptions) -> Grader:
        if missing := missing_packages(self):
            raise GraderError(CANNOT_RUN, missing)
        from dryrun.graders.kinds.python_grader import PythonGrader
        from dryrun.graders.sandbox.program import Program

        return PythonGrader(Program(self.source, self.entry), options.timeout)


def _check_source(
    grader: PythonSpec, where: str, rows: Sequence[Prompt], response_format: bool
) -> Iterator[Finding]:
    """Findings about one python grader."""
    entry = grader.entry
    yield from _check_imports(grader, where)
    if entry is not None:
        yield from _check_entry(entry, where, rows)
        return
    names = parameter_names(grader.source)
    if names is not None and names[0].lower() in ("item", "row"):
        what = f"grade({', '.join(names)}) gets the sample first and the item second; the names differ."
        yield Finding(Severity.WARNING, f"{where}.source", what, "Write grade(sample, item).")
    for key in keys_read(grader.source, 0):
        if key not in SAMPLE_MEMBERS:
            what = f"the source asks for sample[{key!r}], and sample has no {key!r}."
            yield Finding(Severity.WARNING, f"{where}.source", what, did_you_mean(key, SAMPLE_MEMBERS))
    read = keys_read(grader.source)
    if read and rows and not any(key in prompt.item for key in read for prompt in rows):
        keys = sorted({key for prompt in rows for key in prompt.item})
        what = f"no row has the field {read[0]!r} that the source asks for."
        yield Finding(Severity.WARNING, f"{where}.source", what, did_you_mean(read[0], keys))
    if "output_json" in grader.source and not response_format:
        what = "sample['output_json'] exists in training only when the job has a response format."
        fix = "Set a response format, or use sample.get('output_json')."
        yield Finding(Severity.WARNING, f"{where}.source", what, fix)


def missing_packages(grader: PythonSpec) -> list[Problem]:
    """What a source imports to be loaded, or for each grade, and that is not here."""
    tree = syntax_tree(grader.source)
    name = "grade" if grader.entry is None else grader.entry.function
    grading = [statement for node in functions_of(tree) if node.name == name for statement in node.body]
    words = "line {} imports {}, which is not installed here, so that it cannot {}."
    return [
        Problem("$.source", words.format(line, package, what), _install(package))
        for body, what in ((tree.body, "be loaded"), (grading, "grade"))
        for package, line in _missing(grader, body)
    ]


def _check_imports(grader: PythonSpec, where: str) -> Iterator[Finding]:
    """What the source cannot do without, or not always, and what is not here."""
    tree, refused = syntax_tree(grader.source), missing_packages(grader)
    for problem in refused:
        yield Finding(Severity.ERROR, f"{where}.source", problem.what, problem.fix)
    for function in functions_of(tree):
        for name, line in _missing(grader, function.body):
            if not any(problem.what.startswith(f"line {line} ") for problem in refused):
                what = f"line {line} imports {name}, which is not installed here: what gets there fails."
                yield Finding(Severity.WARNING, f"{where}.source", what, _install(name))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            what = f"line {node.lineno} imports from the package around this file, which is not here."
            fix = "Put what it imports into the file itself."
            yield Finding(Severity.ERROR, f"{where}.source", what, fix)
            return


def _install(name: str) -> str:
    if is_unseen(name):
        return (
            f"The sandbox does not see your own {name}: install it, not to be edited (pip install . without "
            "-e), or put what it holds into the grader's source."
        )
    return f"Install {name} beside Dry Run, or do without it."


def _missing(grader: PythonSpec, body: Iterable[ast.stmt]) -> list[tuple[str, int]]:
    """Packages that these statements import and that are not here; imports under if or try do not count."""
    stood_in = PACKAGES if grader.convention is Convention.EVAL_PROTOCOL else ()
    named = imports_of(body).items()
    return [(name, line) for name, line in named if name not in stood_in and not is_installed(name)]


def _check_entry(entry: EntryPoint, where: str, rows: Sequence[Prompt]) -> Iterator[Finding]:
    """A function by another library's convention."""
    whose = VOICES[entry.convention].name
    what = f"{entry} in line {entry.line} follows {whose} convention. It is not an OpenAI grader."
    yield Finding(Severity.NOTE, where, what, NOT_OPENAI_FIX)
    yield from _check_signature(entry, where)
    yield from _check_strangers(entry, where)
    if "completion_ids" in entry.parameters:
        what = f"{entry.function} asks for completion_ids, the model's tokens, which Dry Run does not have."
        yield Finding(Severity.WARNING, f"{where}.source", what, "Where it looks at them there is no grade.")
    if rows:
        yield from _check_columns(entry, where, rows)
        yield from _check_truth(entry, where, rows)


def _check_signature(entry: EntryPoint, where: str) -> Iterator[Finding]:
    """Libraries that pass everything fail at a function that does not take everything."""
    plural = "solution_strs" in entry.parameters
    passed = [f"{name}s" if plural else name for name in PASSED.get(entry.convention, ())]
    missing = [name for name in passed if name not in entry.parameters]
    if entry.convention in TAKES_ALL and missing and not entry.takes_any:
        what = f"line {entry.line}: {entry} takes no {', '.join(missing)}; {entry.convention} passes them."
        yield Finding(Severity.WARNING, f"{where}.source", what, "Add **kwargs: there it would fail.")


def _check_strangers(entry: EntryPoint, where: str) -> Iterator[Finding]:
    """Parameters that nothing fills, where the convention hands over no columns."""
    if entry.convention not in (Convention.VERL, Convention.VERIFIERS) or "solution_strs" in entry.parameters:
        return
    handed = PASSED[entry.convention]
    for name in entry.required:
        if name not in handed:
            whose = VOICES[entry.convention].name
            passed = f"{whose} convention hands over {', '.join(handed)}"
            what = f"line {entry.line}: nothing fills {name!r}: {passed}."
            yield Finding(Severity.ERROR, f"{where}.source", what, "Rename it, or give it a default.")


def _check_columns(entry: EntryPoint, where: str, rows: Sequence[Prompt]) -> Iterator[Finding]:
    """Parameters that only a column of the row can fill."""
    handed = set(PASSED.get(entry.convention, ()))
    if entry.convention not in TAKES_COLUMNS or {"row", "rows"} & set(entry.parameters):
        return
    for name in entry.required:
        if name in handed:
            continue
        missing = RowCount.of(prompt.row for prompt in rows if name not in prompt.item)
        if missing.total == len(rows):
            what = f"no row has the column {name!r} that {entry} asks for."
            keys = sorted({key for prompt in rows for key in prompt.item})
            yield Finding(Severity.ERROR, f"{where}.source", what, did_you_mean(name, keys))
        elif missing.total:
            what = f"{missing.total:,} of {len(rows):,} rows lack {name!r}, which {entry} asks for {missing}."
            yield Finding(Severity.WARNING, f"{where}.source", what, "There it fails. Complete or drop them.")


def _check_truth(entry: EntryPoint, where: str, rows: Sequence[Prompt]) -> Iterator[Finding]:
    """Rows without a right answer, where the convention hands one over."""
    wanted = {"ground_truth", "ground_truths", "answer"} & set(entry.parameters)
    if entry.convention is Convention.TRL or not wanted:
        return
    missing = RowCount.of(prompt.row for prompt in rows if usual_field([prompt.item]) is None)
    name = min(wanted)
    if missing.total == len(rows):
        what = f"no row has a right answer to hand over as {name}."
        fix = "Call it ground_truth, answer or reference_answer, or as in verl reward_model.ground_truth."
        yield Finding(Severity.ERROR, f"{where}.source", what, fix)
    elif missing.total:
        what = (
            f"{missing.total:,} of {len(rows):,} rows have no right answer to hand over as {name} {missing}."
        )
        yield Finding(Severity.WARNING, f"{where}.source", what, "Complete or drop them.")
