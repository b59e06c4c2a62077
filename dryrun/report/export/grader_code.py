"""A grader as one self-contained Python file: the very functions that Dry Run grades with, copied together.

Only what the grader needs is copied, with the imports that it needs; a formula becomes a Python expression,
a Python source stands in the file as it is.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import PurePath

from dryrun.core.version import __version__
from dryrun.graders.checks.platforms import imported
from dryrun.graders.format.findings import Finding, Severity
from dryrun.graders.format.formula import Formula
from dryrun.graders.format.python_source import read_tree
from dryrun.graders.kinds.multi import MultiSpec
from dryrun.graders.kinds.python import PythonSpec
from dryrun.graders.kinds.text import ComparingSpec, StringCheckSpec
from dryrun.graders.kinds.text_similarity import Metric, TextSimilaritySpec, rouge_name
from dryrun.graders.specs import GraderSpec

PARTS = (
    *("dryrun.graders.format.template", "dryrun.graders.inside.worker", "dryrun.graders.tokens"),
    *("dryrun.graders.kinds.text", "dryrun.graders.kinds.text_similarity"),
    *("dryrun.graders.protocol", "dryrun.report.export.runtime"),
)
"""Modules whose definitions may be copied, the ones that others need first."""

OF_WORDS = {Metric.BLEU: "_bleu", Metric.GLEU: "_gleu", Metric.METEOR: "meteor_score"}
MOST_OPERATIONS = 1_000
"""In a formula. Python 3.11 compiles about 3,000."""

Name = tuple[str, str]
"""A module and a name at its top level."""

PACKAGES = {
    Metric.FUZZY_MATCH: "rapidfuzz",
    **dict.fromkeys(OF_WORDS, "nltk"),
    **{metric: "rouge-score" for metric in Metric if metric.startswith("rouge")},
    Metric.ROUGE_L: "rapidfuzz rouge-score",
}
"""What a metric needs, by the names on PyPI."""

ON_PYPI = {
    "rouge_score": "rouge-score",
    "sklearn": "scikit-learn",
    "skbio": "scikit-bio",
    "yaml": "PyYAML",
    "ast_grep_py": "ast-grep-py",
}
"""Packages that are not called as they are imported."""


def cannot_generate(spec: GraderSpec) -> Iterator[Finding]:
    """Why no Python file can be made of a grader; nothing where one can."""
    for where, part in spec.walk():
        if part.asks_models:
            who = "cosine" if isinstance(part, TextSimilaritySpec) else part.type
            what = f"{who} asks a model; the reward function of this place is code that runs by itself."
            fix = "Use a grader without a model, or write the call to your judge into the function by hand."
            yield Finding(Severity.ERROR, f"{where}.type", what, fix)
        elif isinstance(part, PythonSpec) and part.entry is not None:
            whose = part.entry.convention.value
            name = part.entry.function
            what, fix = (
                f"{name} is called by {whose}'s convention, which this place does not know.",
                "Write the rule as grade(sample, item).",
            )
            if part is not spec:
                what = (
                    f"{name} is one of several functions by {whose}'s convention; one alone can be written."
                )
                fix = "Add them in one function of that kind, or write them as grade(sample, item)."
            yield Finding(Severity.ERROR, f"{where}.convention", what, fix)
        elif isinstance(part, MultiSpec) and not _compiles(part.formula):
            what = "the formula is too long for a Python expression."
            yield Finding(Severity.ERROR, f"{where}.calculate_output", what, "Shorten it.")


def _compiles(formula: Formula) -> bool:
    """Whether every Python from 3.11 on can: the file is not run by this one."""
    if formula.operations > MOST_OPERATIONS:
        return False
    try:
        compile(formula.as_python(), "<formula>", "eval")
    except (SyntaxError, RecursionError, MemoryError):
        return False
    return True


def grader_code(spec: GraderSpec, wrapper: str, about: str, *, cut_reasoning: bool = False) -> str:
    """The text of a Python file that grades like `spec`.

    Parameters
    ----------
    spec : GraderSpec
        One that `cannot_generate` says nothing about.
    wrapper : str
        Source of the place's own function; it calls ``reward_and_parts(text, item, tool_calls)``, which
        gives the reward and, for a multi grader, the rewards of its parts by key.
    about : str
        The file's first line.
    cut_reasoning : bool
        Whether it grades what follows the reasoning in a response.
    """
    body = "\n\n\n".join([_graders(spec, cut_reasoning), wrapper.strip()])
    imports, definitions = _needed(read_tree(body))
    needs = ", ".join(packages_of(spec)) or "nothing but Python"
    head = f'"""{about}\n\nMade by Dry Run {__version__} from grader.json. It needs {needs}.\n"""'
    return "\n\n\n".join([f"{head}\n\n{imports}", definitions, body]) + "\n"


def packages_of(spec: GraderSpec) -> list[str]:
    """Packages that the generated file needs, by their names on PyPI as far as they are known here."""
    needed = set()
    for _, part in spec.walk():
        if isinstance(part, TextSimilaritySpec):
            needed.update(PACKAGES[part.evaluation_metric].split())
        elif isinstance(part, PythonSpec):
            strange = imported(part.source) - sys.stdlib_module_names
            needed |= {ON_PYPI.get(name, name) for name in strange}
    return sorted(needed)


def _graders(spec: GraderSpec, cut_reasoning: bool) -> str:
    """The graders and the function that calls them."""
    leaves = spec.graders if isinstance(spec, MultiSpec) else {"grade": spec}
    made = [text for key, part in leaves.items() for text in _grader(key, part)]
    table = "\n".join(f"    {_quoted(key)}: score_{key}," for key in leaves)
    made.append(f"SCORES: dict[str, Score] = {{\n{table}\n}}")
    if isinstance(spec, MultiSpec):
        made.append(f"def formula(parts: dict[str, float]) -> float:\n    return {spec.formula.as_python()}")
        result = "by_formula(formula, parts), parts"
    else:
        result = 'parts["grade"], {}'
    response = 'after_reasoning(text or "")' if cut_reasoning else 'text or ""'
    made.append(
        "def reward_and_parts(\n    text: Any, item: Any, tool_calls: Any = ()\n"
        ") -> tuple[float, dict[str, float]]:\n"
        f"    sample = sample_of({response}, tool_calls or ())\n"
        "    parts = {key: score(sample, item) for key, score in SCORES.items()}\n"
        f"    return {result}"
    )
    return "\n\n\n".join(made)


def _grader(key: str, spec: GraderSpec) -> Iterator[str]:
    if isinstance(spec, PythonSpec):
        yield f"SOURCE_{key} = {_literal(spec.source)}"
        yield f'score_{key} = python_score("grader_{key}", SOURCE_{key})'
    elif isinstance(spec, ComparingSpec):
        yield (
            f"score_{key} = comparing(\n    parse_template({_quoted(spec.input)}),\n"
            f"    parse_template({_quoted(spec.reference)}),\n    {_comparison(spec)},\n)"
        )


def _comparison(spec: ComparingSpec) -> str:
    if isinstance(spec, StringCheckSpec):
        return f"partial(string_check, Operation({_quoted(spec.operation)}))"
    if not isinstance(spec, TextSimilaritySpec):
        raise TypeError(f"no code for {spec.type}")
    metric = spec.evaluation_metric
    if metric is Metric.FUZZY_MATCH:
        return "_fuzzy_match()"
    if metric in OF_WORDS:
        return f"of_words({OF_WORDS[metric]}())"
    return f"_rouge({_quoted(rouge_name(metric))})"


def _quoted(text: str) -> str:
    """A text as Python source, in double quotes."""
    return json.dumps(text, ensure_ascii=not text.isprintable()) if text.isascii() else repr(text)


def _literal(source: str) -> str:
    """A text as Python source, readable where it can be."""
    plain = not source.endswith(("\\", "'")) and not any(part in source for part in ("\r", "\0", "'''"))
    return f"r'''{source}'''" if plain else repr(source)


class _Module:
    """A module's source: what it defines at the top level, and what it imports."""

    def __init__(self, name: str) -> None:
        package, _, stem = name.rpartition(".")
        self.text = resources.files(package).joinpath(str(PurePath(f"{stem}.py"))).read_text("utf-8")
        self.defined: dict[str, ast.stmt] = {}
        self.imported: dict[str, tuple[str, str]] = {}
        for node in read_tree(self.text).body:
            self._note(node)

    def _note(self, node: ast.stmt) -> None:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                self.defined[name] = node
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                self.defined[name] = node
            case ast.Assign(targets=[ast.Tuple(elts=names)]):
                self.defined |= {name.id: node for name in names if isinstance(name, ast.Name)}
            case ast.Import(names=names):
                self.imported |= {alias.asname or alias.name: ("", alias.name) for alias in names}
            case ast.ImportFrom(module=str(module), names=names):
                self.imported |= {alias.asname or alias.name: (module, alias.name) for alias in names}

    def text_of(self, name: str) -> str:
        """The source of a definition, decorators included."""
        node = self.defined[name]
        first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
        return "\n".join(self.text.splitlines()[first - 1 : node.end_lineno])


@cache
def _modules() -> dict[str, _Module]:
    return {name: _Module(name) for name in PARTS}


def _needed(body: ast.Module) -> tuple[str, str]:
    """The imports and the definitions that a text needs, in the order of `PARTS`."""
    modules = _modules()
    homes = {name: home for home, module in modules.items() for name in module.defined}
    known = {name: where for module in modules.values() for name, where in module.imported.items()}
    used_here = {name for statement in body.body for name in _names(statement)}
    used_here -= {getattr(statement, "name", "") for statement in body.body}
    wanted: list[Name] = [(homes[name], name) for name in used_here if name in homes]
    imports = {(name, *known[name]) for name in used_here if name in known and name not in homes}
    taken: set[Name] = set()
    while wanted:
        home, name = wanted.pop()
        if (home, name) in taken:
            continue
        taken.add((home, name))
        for used in _names(modules[home].defined[name]):
            if used in modules[home].defined:
                wanted.append((home, used))
            elif used in modules[home].imported:
                module, original = modules[home].imported[used]
                if module in modules:
                    wanted.append((module, original))
                else:
                    imports.add((used, module, original))
    texts = [
        module.text_of(name)
        for home, module in modules.items()
        for name in module.defined
        if (home, name) in taken
    ]
    return _import_lines(imports), "\n\n\n".join(dict.fromkeys(texts))


def _names(tree: ast.AST) -> set[str]:
    """Names that a definition looks up and does not bind itself."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return {node.id for node in names} - bound


def _import_lines(imports: set[tuple[str, str, str]]) -> str:
    """Import statements of (name here, module or ``""``, name there)."""
    lines, grouped = [], dict[str, list[str]]()
    for used, module, name in sorted(imports):
        written = name if name == used else f"{name} as {used}"
        if module:
            grouped.setdefault(module, []).append(written)
        else:
            lines.append(f"import {written}")
    lines += [f"from {module} import {', '.join(grouped[module])}" for module in sorted(grouped)]
    return "\n".join(lines)
