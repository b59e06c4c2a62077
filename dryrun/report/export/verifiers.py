"""verifiers: a taskset of version 1, as a package; a function of the earlier Rubric as its environment."""

from __future__ import annotations

from dryrun.core.records import Item
from dryrun.graders.checks.platforms import Platform
from dryrun.report.export.jsonl_rows import as_it_is, prompt_and_columns, row_files, text_reference
from dryrun.report.export.material import Material
from dryrun.report.export.place import Named, Place, filled, function_of, is_own, reward_files, template
from dryrun.report.training import Row

COMMANDS = """
pip install verifiers && pip install .
vf-validate dry-run-taskset          # loads the rows
vf-eval dry-run-taskset --model MODEL
"""
PACKAGE = "dry_run_taskset/"


def _own_row(item: Item) -> Row:
    """Beside its own columns a row has ``answer``, from the usual places where it has none."""
    return {"answer": text_reference(item), **prompt_and_columns(item)}


def _files(material: Material) -> Named:
    own = is_own(material, Platform.VERIFIERS)
    yield from row_files(material, _own_row if own else as_it_is, PACKAGE)
    yield from reward_files(material, Platform.VERIFIERS, PACKAGE)
    yield "pyproject.toml", template("verifiers_pyproject.toml").template.encode()
    if own:
        function = function_of(material, "reward")
        yield f"{PACKAGE}__init__.py", filled("verifiers_rubric.py", function=function)
    else:
        yield f"{PACKAGE}__init__.py", template("verifiers_taskset.py").template.encode()


VERIFIERS = Place(
    Platform.VERIFIERS,
    "verifiers and prime-rl",
    _files,
    COMMANDS,
    (
        "verifiers of PyPI (0.4) holds version 1 alone. A function written for vf.Rubric is handed over as "
        "an environment, load_environment, for verifiers below 0.2: pip install 'verifiers<0.2' datasets.",
        "Train it with prime-rl: name dry-run-taskset as the taskset there.",
    ),
)
