"""What to write instead: the fixes of `schema`'s problems, from what people write for what they mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dryrun.graders.format.conventions import Convention
from dryrun.graders.format.findings import did_you_mean, nearest
from dryrun.graders.format.judge_specs import ROLES, JudgeSampling
from dryrun.graders.format.specs import GraderType, Metric, Operation

COMBINE = 'Give one; several are combined as "graders" of a multi grader.'
MOST_WRAPPERS = 3
"""How deep a grader is looked for in something that is none: method, reinforcement, grader."""

TYPES = tuple(kind.value for kind in GraderType if kind not in (GraderType.ENDPOINT, GraderType.LAMBDA))
"""Types that run here."""

ALIASES: Mapping[str, Mapping[str, str]] = {
    "operation": {"neq": "ne", "equals": "eq", "==": "eq", "!=": "ne", "contains": "like"},
    "evaluation_metric": {"fuzzy": "fuzzy_match", "rouge": "rouge_l", "levenshtein": "fuzzy_match"},
    "type": {
        **dict.fromkeys(("exact", "exact_match", "equals", "match"), "string_check"),
        **dict.fromkeys(("similarity", "fuzzy", "fuzzy_match"), "text_similarity"),
        **dict.fromkeys(("judge", "llm_judge", "llm", "model", "model_grader", "rubric"), "score_model"),
        **dict.fromkeys(("label", "classifier"), "label_model"),
        **dict.fromkeys(("code", "function", "custom"), "python"),
        **dict.fromkeys(("combined", "weighted", "composite"), "multi"),
    },
}
"""Words people write for a value, where the nearest spelling would not find it."""

OTHER_NAMES: Mapping[str, str] = {
    "code": "source",
    "expected": "reference",
    "formula": "calculate_output",
    "messages": "input",
    "metric": "evaluation_metric",
    "op": "operation",
    "prompt": "input",
    "target": "reference",
    "max_tokens": "max_completions_tokens",
}
"""Words people write for a field."""

CHOICES: Mapping[str, Sequence[str]] = {
    "operation": [operation.value for operation in Operation],
    "evaluation_metric": [metric.value for metric in Metric],
    "role": ROLES,
    "convention": [convention.value for convention in Convention],
}

WANTED: Mapping[str, str] = {
    "string": "text",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "dict": "an object",
    "bool": "true or false",
    "model": "an object",
}
"""Pydantic's names of what a field takes."""

BOUNDS: Mapping[str, str] = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}
"""Pydantic's names of what a number breaks."""

SHAPES: Mapping[str, str] = {
    "input": 'Write "input": [{"role": "user", "content": "..."}].',
    "range": 'Write "range": [0, 1], the lowest and the highest score.',
    "labels": 'Write "labels": ["good", "bad"].',
    "passing_labels": 'Write "passing_labels": ["good"].',
}
"""How a list is written, by field."""


def type_fix(given: object, value: Mapping[str, Any], where: str) -> str:
    """What the type of a grader may have been meant to be."""
    alias = ALIASES["type"].get(given.lower()) if isinstance(given, str) else None
    return _packed_in(value, where) or (f"Did you mean {alias!r}?" if alias else did_you_mean(given, TYPES))


def guessed_type(value: Mapping[str, Any], where: str) -> str:
    if inside := _packed_in(value, where):
        return inside
    marks = {"operation": "string_check", "evaluation_metric": "text_similarity", "source": "python"}
    marks |= {"calculate_output": "multi", "graders": "multi"}
    marks |= {"passing_labels": "label_model", "labels": "label_model", "model": "score_model"}
    for field, kind in marks.items():
        if field in value:
            return f'With {field!r} it is probably "type": "{kind}".'
    if "messages" in value:
        return "This looks like a row of a dataset; a grader is a file of its own."
    return f"Known types: {', '.join(TYPES)}."


def packed_hint(value: Any) -> str:
    """What to do about a grader that is packed into a list or a text."""
    if isinstance(value, str):
        holds = "This is a text that holds one: leave out the quotes around it, and the backslashes."
        return holds if value.lstrip().startswith("{") else 'Write {"type": "...", ...}.'
    if isinstance(value, list) and len(value) == 1:
        return "Leave out the brackets around it."
    return COMBINE if isinstance(value, list) and value else ""


def _packed_in(value: Mapping[str, Any], where: str) -> str:
    """Where within a job, an eval or another wrapper the grader is; ``""`` where there is none."""
    if "graders" in value:
        return ""
    found = list(_graders_in(value, where, MOST_WRAPPERS))
    if not found:
        return ""
    if len(found) > 1:
        return f"There are {len(found)} graders in it, the first at {found[0]}. {COMBINE}"
    return f"The grader is the object at {found[0]}: give that alone."


def _graders_in(value: Any, where: str, depth: int) -> Iterator[str]:
    """Paths of objects below `value` that have the type of a grader."""
    inner = value.items() if isinstance(value, Mapping) else enumerate(value)
    for step, part in inner:
        at = path_of(where, [step])
        if isinstance(part, Mapping) and part.get("type") in list(GraderType):
            yield at
        elif depth and isinstance(part, (Mapping, list)):
            yield from _graders_in(part, at, depth - 1)


def shape_fix(field: str, wanted: str, given: object) -> str:
    """How a value of another kind is written."""
    if wanted == "text" and isinstance(given, (bool, int, float)):
        return f'Put it in quotes: "{json.dumps(given)}".'
    if field == "source" and isinstance(given, list):
        return "Join its lines with \\n."
    return SHAPES.get(field, "") if wanted == "a list" else ""


def path_of(where: str, steps: Sequence[int | str]) -> str:
    return where + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def missing_fix(field: str) -> str:
    if field in CHOICES:
        return f"One of {', '.join(CHOICES[field])}."
    hints = {
        "name": "Any short text.",
        "input": 'Usually "{{sample.output_text}}"; for a judge, a list of messages.',
        "reference": 'For example "{{item.reference_answer}}".',
        "model": "The judge's name, e.g. gpt-5.4-mini.",
        "labels": 'For example ["good", "bad"].',
        "passing_labels": 'Those of labels that pay 1, e.g. ["good"].',
        "calculate_output": "A formula of the sub-graders' keys, e.g. 0.8 * exact + 0.2 * fuzzy.",
    }
    return hints.get(field, "")


def extra_fix(known: Sequence[str], field: str) -> str:
    if OTHER_NAMES.get(field) in known:
        return f"Did you mean {OTHER_NAMES[field]!r}?"
    if nearest(field, known) is not None:
        return did_you_mean(field, known)
    sampled = list(JudgeSampling.model_fields)
    if "sampling_params" in known and OTHER_NAMES.get(field, field) in sampled:
        return f"It belongs into sampling_params, whose fields are {', '.join(sampled)}."
    if field == "weights" and "calculate_output" in known:
        return "Weights stand in the formula: 0.8 * exact + 0.2 * close."
    return f"Leave it out; its fields are {', '.join(known)}."


def choice_fix(field: str, given: object) -> str:
    """The nearest of a field's values."""
    alias = ALIASES.get(field, {}).get(given.lower()) if isinstance(given, str) else None
    return f"Did you mean {alias!r}?" if alias else did_you_mean(given, CHOICES.get(field, ()))
