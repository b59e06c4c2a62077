"""The shape of the package: folders, sizes of files, one name for each idea.

The floors themselves (who may import whom) are import-linter's contracts in pyproject.toml.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from importlinter.cli import lint_imports

from tests.helpers.support import ROOT

PACKAGE = ROOT / "dryrun"
FOLDERS = {
    *("core", "analysis", "dataset", "models", "graders", "store"),
    *("probes", "engine", "report", "cli", "app"),
}
MOST_FILES = 16
MOST_LINES = 400

GERUNDS = {
    "pooling": "partial pooling is the method's name",
    "training": "RFT training is what the files are for",
    "ceiling": "a noun",
    "missing": "an adjective: missing scores",
    "sharing": "a noun: two processes share the same prompts",
    "loading": "a noun: the loading of a run for the pages",
    "blocking": "an adjective: a call that waits for its coroutine",
}
"""Module names that end in -ing, each with its reason."""

TWICE = {
    "Model": "the sandbox's stand-in bears the name of the class it stands in for",
    "add_arguments": "every command has it; the command line calls it",
    "execute": "every command has it; the command line calls it",
    "main": "each process of its own begins there",
}
"""Public names that stand in several modules, each with its reason."""

VAGUE = {"found", "told", "said", "one", "of", "their", "mine", "given"}
"""Words that say nothing about the value they would name."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


TEXT = re.compile(
    r'(?s)(?<!\w)[A-Za-z]?""".*?"""|(?<!\w)[A-Za-z]?"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|#[^\n]*'
)
"""Strings and comments."""
PUBLIC = re.compile(r"^(?:async def|def|class) ([^\W_]\w*)", re.MULTILINE)


@cache
def code_of(module: Path) -> str:
    """The module without comments and strings but f-strings with a loop: quicker to search than to parse."""
    return TEXT.sub(
        lambda text: text[0] if text[0][0] == "f" and " for " in text[0] else "''", module.read_text("utf-8")
    )


def tree_of(module: Path) -> ast.Module:
    return ast.parse(module.read_text("utf-8"))


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def named_values(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Names that code gives to values: variables, parameters, attributes, ``as`` and ``case`` targets."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store(), lineno=line):
                yield name, line
            case ast.Attribute(attr=name, ctx=ast.Store(), lineno=line) | ast.arg(arg=name, lineno=line):
                yield name, line
            case ast.ExceptHandler(name=str(name), lineno=line) | ast.alias(asname=str(name), lineno=line):
                yield name, line
            case ast.MatchAs(name=str(name), lineno=line) | ast.MatchStar(name=str(name), lineno=line):
                yield name, line


def test_the_root_holds_the_folders_and_nothing_else() -> None:
    assert {
        module.relative_to(PACKAGE).parts[0] for module in modules() if module.parent != PACKAGE
    } == FOLDERS
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_no_folder_and_no_file_is_too_large() -> None:
    files: dict[Path, int] = defaultdict(int)
    for module in modules():
        files[module.parent] += 1
    full = {str(folder.relative_to(ROOT)): count for folder, count in files.items() if count > MOST_FILES}
    lines = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in modules()}
    assert full == {}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_modules_are_named_for_what_they_hold_not_for_a_doing() -> None:
    gerunds = {path.stem for path in modules() if path.stem.endswith("ing")}
    assert gerunds <= set(GERUNDS)


def test_no_two_public_things_share_a_name() -> None:
    places = defaultdict(list)
    for module in modules():
        for name in PUBLIC.findall(code_of(module)):
            places[name].append(str(module.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1 and name not in TWICE} == {}


def test_every_value_is_named_for_what_it_holds() -> None:
    words = re.compile(rf"\b_*({'|'.join(VAGUE)})_*\b")
    vague = [
        f"{module.relative_to(ROOT)}:{line}: {name}"
        for module in (*modules(), *(ROOT / "pages").glob("*.py"))
        if words.search(code_of(module))
        for name, line in named_values(tree_of(module))
        if name.strip("_") in VAGUE
    ]
    assert vague == [], "Name each of these for what it holds: a noun of the field"


def test_code_inside_the_sandbox_needs_the_standard_library_alone() -> None:
    inside = (PACKAGE / "graders" / "inside").glob("*.py")
    needed = {name for module in inside for name in imported(module)}
    assert needed, "no module was read"
    assert needed <= set(sys.stdlib_module_names)


def test_every_import_points_down() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0
