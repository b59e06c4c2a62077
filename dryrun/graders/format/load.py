"""Grader JSON -> a validated `GraderSpec`; every problem named with its path, all in one pass."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dryrun.core.errors import GraderError, Problem
from dryrun.core.thresholds import Frozen
from dryrun.graders.format.findings import did_you_mean
from dryrun.graders.format.formula import FUNCTIONS, Formula, FormulaError, parse_formula
from dryrun.graders.format.hints import (
    BOUNDS,
    SHAPES,
    WANTED,
    choice_fix,
    extra_fix,
    guessed_type,
    missing_fix,
    packed_hint,
    path_of,
    shape_fix,
    type_fix,
)
from dryrun.graders.format.json_text import value_of
from dryrun.graders.format.judge_specs import JudgeMessage, JudgeSampling, LabelModelSpec, ScoreModelSpec
from dryrun.graders.format.python_file import grader_of
from dryrun.graders.format.specs import (
    GraderSpec,
    GraderType,
    MultiSpec,
    PythonSpec,
    StringCheckSpec,
    TextSimilaritySpec,
)
from dryrun.graders.format.template import kind_of

SPECS: Mapping[GraderType, type[GraderSpec]] = {
    GraderType.STRING_CHECK: StringCheckSpec,
    GraderType.TEXT_SIMILARITY: TextSimilaritySpec,
    GraderType.PYTHON: PythonSpec,
    GraderType.SCORE_MODEL: ScoreModelSpec,
    GraderType.LABEL_MODEL: LabelModelSpec,
    GraderType.MULTI: MultiSpec,
}

NOT_YET: Mapping[GraderType, str] = {
    GraderType.ENDPOINT: "calls a web service of its own, which Dry Run cannot run yet",
    GraderType.LAMBDA: "calls an AWS Lambda function, which Dry Run cannot run yet",
}
_USE_INSTEAD = "Use string_check, text_similarity, score_model, python or multi."

NESTED: Mapping[str, type[Frozen]] = {"sampling_params": JudgeSampling, "input": JudgeMessage}
"""Fields that hold records of their own, for the fixes of unknown fields within them."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def load_grader(config: Mapping[str, Any] | str, where: str = "$") -> GraderSpec:
    """Read and validate a grader.

    Parameters
    ----------
    config : mapping or str
        A grader in OpenAI's JSON, parsed or as text; or the text of a Python file.
    where : str
        Path that problems are reported under.

    Raises
    ------
    GraderError
        With every problem found.
    """
    problems: list[Problem] = []
    config = grader_of(config) if isinstance(config, str) else config
    value = value_of(config, where, problems) if isinstance(config, str) else config
    spec = None if problems else _load(value, where, problems)
    if spec is None or problems:
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise GraderError(f"This grader has {count}:", problems)
    return spec


def _load(value: Any, where: str, problems: list[Problem], inside_multi: bool = False) -> GraderSpec | None:
    if not isinstance(value, Mapping):
        problems.append(
            Problem(where, f"a grader is a JSON object, not {kind_of(value)}.", packed_hint(value))
        )
        return None
    kind = _type_of(value, where, problems)
    if kind is None:
        return None
    if kind in NOT_YET:
        problems.append(Problem(f"{where}.type", f"a grader of type {kind} {NOT_YET[kind]}.", _USE_INSTEAD))
        return None
    if kind is not GraderType.MULTI:
        return _validated(SPECS[kind], value, where, problems)
    if inside_multi:
        fix = "Move its graders into the outer multi and merge the two formulas."
        problems.append(Problem(where, "a multi grader cannot stand inside another multi grader.", fix))
        return None
    return _load_multi(value, where, problems)


def _type_of(value: Mapping[str, Any], where: str, problems: list[Problem]) -> GraderType | None:
    """The type of a grader; a missing one is guessed for the fix, never for the result."""
    kind = value.get("type")
    if kind in [known.value for known in GraderType]:
        return GraderType(kind)
    if kind is None:
        problems.append(Problem(where, "the field 'type' is missing.", guessed_type(value, where)))
    else:
        shown = json.dumps(kind, default=str)
        problems.append(
            Problem(f"{where}.type", f"{shown} is not a type of grader.", type_fix(kind, value, where))
        )
    return None


def _load_multi(value: Mapping[str, Any], where: str, problems: list[Problem]) -> GraderSpec | None:
    before = len(problems)
    graders = _named_graders(value.get("graders"), f"{where}.graders", problems)
    keys = set(graders) if len(problems) == before else set()
    loaded = {
        key: _load(grader, f"{where}.graders.{key}", problems, inside_multi=True)
        for key, grader in graders.items()
    }
    _check_formula(value.get("calculate_output"), keys, f"{where}.calculate_output", problems)
    outer = {**value, "graders": {key: spec for key, spec in loaded.items() if spec}}
    spec = _validated(MultiSpec, outer, where, problems)
    return spec if len(problems) == before else None


def _named_graders(value: Any, where: str, problems: list[Problem]) -> dict[str, Any]:
    """Sub-graders by key. A list of named graders is read as if their names were the keys."""
    if value is None:
        fix = 'Write "graders": {"first": {...}, "second": {...}}.'
        problems.append(Problem(where, "the sub-graders are missing.", fix))
        return {}
    if isinstance(value, Mapping) and "type" in value and isinstance(value["type"], str):
        fix = 'Give it a key: "graders": {"first": {...}}.'
        problems.append(Problem(where, "this is one grader, not an object of graders by key.", fix))
        return {}
    if isinstance(value, list):
        return _graders_of_list(value, where, problems)
    if not isinstance(value, Mapping) or not value:
        problems.append(Problem(where, f"must be an object of graders by key, not {kind_of(value)}."))
        return {}
    for key in value:
        _check_key(key, f"{where}.{key}", problems)
    return dict(value)


def _graders_of_list(value: list[Any], where: str, problems: list[Problem]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for position, grader in enumerate(value):
        at = f"{where}[{position}]"
        name = grader.get("name") if isinstance(grader, Mapping) else None
        if not isinstance(name, str):
            problems.append(Problem(at, "has no name, so the formula cannot name it.", "Give it a name."))
        elif name in named:
            problems.append(
                Problem(at, f"{name!r} is the name of an earlier grader too.", "Rename one of them.")
            )
        else:
            _check_key(name, at, problems)
            named[name] = grader
    if not value:
        problems.append(Problem(where, "holds no grader."))
    return named


def _check_key(key: str, where: str, problems: list[Problem]) -> None:
    if not _KEY.fullmatch(key):
        fix = "Use letters, digits and '_', not starting with a digit."
        problems.append(Problem(where, f"the key {key!r} cannot stand in a formula.", fix))


def _check_formula(text: Any, keys: set[str], where: str, problems: list[Problem]) -> None:
    if not isinstance(text, str):
        return  # reported with the other fields
    try:
        formula = parse_formula(text)
    except FormulaError as error:
        problems.append(Problem(where, f"the formula {error}.", error.fix))
        return
    problems += [
        Problem(where, f"{name!r} is not the key of a sub-grader.", _variable_fix(name, keys))
        for name in _unknown(formula, keys)
    ]


def _unknown(formula: Formula, keys: set[str]) -> list[str]:
    """Variables that are no key; none where the keys themselves are in question."""
    return [name for name in formula.variables if keys and name not in keys]


def _variable_fix(name: str, keys: set[str]) -> str:
    if name in FUNCTIONS:
        return f"{name} is a function: write {name}(...)."
    return did_you_mean(name, sorted(keys)) + " Formulas use the keys of 'graders', not the graders' names."


def _validated(
    model: type[GraderSpec], value: Mapping[str, Any], where: str, problems: list[Problem]
) -> GraderSpec | None:
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        found = [_explained(model, detail, where) for detail in error.errors(include_url=False)]
        problems.extend(problem for problem in found if problem not in problems)
        return None


def _explained(model: type[GraderSpec], detail: ErrorDetails, where: str) -> Problem:
    """One of pydantic's findings in the words of the grader's author."""
    steps = detail["loc"]
    field = str(steps[-1]) if steps else ""
    path = path_of(where, steps)
    match detail["type"]:
        case "missing":
            return Problem(path_of(where, steps[:-1]), f"the field {field!r} is missing.", missing_fix(field))
        case "extra_forbidden":
            return _unknown_field(model, where, steps)
        case "enum" | "literal_error":
            shown = json.dumps(detail["input"], default=str)
            return Problem(path, f"{shown} is not one of its values.", choice_fix(field, detail["input"]))
        case "value_error":
            return _value_problem(path, detail)
        case "too_short" | "string_too_short":
            return Problem(path, "is empty.", SHAPES.get(field) or missing_fix(field))
        case kind if kind in BOUNDS:
            limit = next(iter(detail["ctx"].values()))
            return Problem(path, f"must be {BOUNDS[kind]} {limit:g}, not {detail['input']}.")
        case other if other.endswith("_type"):
            wanted = WANTED.get(other.removesuffix("_type"), other.removesuffix("_type"))
            given = detail["input"]
            shown = str(given) if isinstance(given, float) else kind_of(given)
            return Problem(path, f"must be {wanted}, not {shown}.", shape_fix(field, wanted, given))
        case _:
            return Problem(path, f"{detail['msg']}.")


def _unknown_field(model: type[GraderSpec], where: str, steps: Sequence[int | str]) -> Problem:
    field, path = str(steps[-1]), path_of(where, steps)
    if len(steps) > 1:
        owner, known = str(steps[0]), NESTED.get(str(steps[0]))
        names = _names(known) if known else []
        return Problem(path, f"{owner} has no field {field!r}.", extra_fix(names, field))
    names = _names(model)
    return Problem(path, f"a {_kind_name(model)} grader has no field {field!r}.", extra_fix(names, field))


def _names(model: type[Frozen]) -> list[str]:
    """The fields as JSON spells them."""
    return [info.alias or name for name, info in model.model_fields.items()]


def _value_problem(path: str, detail: ErrorDetails) -> Problem:
    message = str(detail.get("ctx", {}).get("error", detail["msg"])).rstrip()
    return Problem(path, message if message.endswith((".", "?")) else f"{message}.")


def _kind_name(model: type[GraderSpec]) -> str:
    return next(kind.value for kind, spec in SPECS.items() if spec is model)
