"""Where a row's right answer is, for this grader: the fields it reads before the usual places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from dryrun.core.config import RunConfig
from dryrun.core.errors import DryRunError
from dryrun.core.records import Item, Prompt
from dryrun.dataset.audit import asked_text
from dryrun.dataset.fields import REFERENCES, reference_of, value_at
from dryrun.graders.format.python_source import keys_read, parameter_names, paths_read
from dryrun.graders.kinds.python import PythonSpec
from dryrun.graders.load import load_grader
from dryrun.graders.specs import GraderSpec

SCANNED = 20
"""Rows whose prompts are compared with a field."""
_PROTOCOL = """
prompt prompts completion completions completion_ids messages info task state
data_source data_sources solution_str solution_strs extra_info extra_infos kwargs
event context parser trainer_state topic id
"""
PROTOCOL = frozenset(_PROTOCOL.split())
"""What reward functions are handed beside a row's right answer."""
COLUMNS_TOO = frozenset({"state", "event"})
"""Of these what a row may have by its own meaning, where a grader is handed the row and nothing else."""


_UNWANTED = re.compile(
    r"(?i)(?:^|[._])(?:forbid\w*|banned|blocked|blocklist|blacklist\w*|secrets?|canary|avoid\w*|bad|wrong|incorrect|"
    r"rejected|negatives?|distractors?|disallowed|prohibited|taboo|leaks?|not_\w+)(?:$|[._])"
)
"""Names of fields that hold what a response must not say."""


_NAMES_ROW = re.compile(
    r"(?i)(?:^|[._])(?:(?:\w+_)?(?:id|uid|uuid|idx|index|hash)|row|split|source|data_source|dataset|difficulty)$"
)
"""Names of fields that say which row it is, or where it is from: no answer."""


_TESTS = re.compile(
    r"(?i)(?:^|[._])(?:(?:\w+_)?(?:unit_?)?tests?(?:_?(?:cases?|list|code|setup\w*|inputs?))?|entry_point|starter_code|"
    r"instruction_ids?(?:_list)?|kwargs|constraints?|checkers?|verifiers?|rubrics?)$"
)
"""Names of fields that hold what a response is tested with: no answer, but what one must pass."""


_MEANT = re.compile(
    r"(?i)(?:^|[._])(?:gold|(?:ground_?)?truth|correct(?:ed)?|targets?|expected|ref|references?|oracle|solutions?|answers?|"
    r"labels?|canonical)(?:$|[._])"
)
"""Names of fields that hold the right answer, where a grader reads others beside it."""


def answer_field(config: RunConfig, items: Sequence[Item]) -> str | None:
    """The field with the right answer, as the run names it or as `reference_field` finds it; None without."""
    try:
        return config.dataset.reference_field or reference_field(load_grader(config.grader), items)
    except DryRunError:
        return None


def reference_field(spec: GraderSpec, items: Sequence[Item]) -> str:
    """The row's field with the right answer.

    One that the grader reads comes first: in its templates, as a parameter of its reward function, or as
    a constant key of the row in its source; among those a usual name, then the only other one, or the only
    one that no prompt quotes, or that is called so. Else the usual places.

    Raises
    ------
    DryRunError
        No row has one.
    """
    filled = list(filter(_may_be_answer, _filled(spec)))
    named = [*filled, *filter(_may_be_answer, _looked_up(spec))]
    handed = PROTOCOL if _is_function(spec) else PROTOCOL - COLUMNS_TOO
    named = [name for name in named if name.partition(".")[0] not in handed]
    usual = [name for name in REFERENCES if name in named]
    plain, within = ([name for name in filled if ("." in name) is dots] for dots in (False, True))
    only = [name for name in named if _in_some(items, name)]
    usually = any(_in_some(items, name) for name in REFERENCES)
    rest = [name for name in only if not _handed_over(items, name)]
    only = rest if rest or usually else only
    only = only if usually else _likeliest(items, only)
    inside = [name for name in _inside(spec) if not _UNWANTED.search(name) and _in_some(items, name)]
    places: list[str] = [*usual, *plain, *(only if len(only) == 1 else ()), *REFERENCES, *within]
    places += inside if len(inside) == 1 else []
    for name in places:
        if _in_some(items, name):
            return name
    raise DryRunError(
        f"No row has a reference answer: none of {', '.join(REFERENCES)}. Name its "
        "field, or its path as in reward_model.ground_truth (Reference answer on the page, --reference-field "
        "in a terminal)."
    )


def _may_be_answer(name: str) -> bool:
    return not any(pattern.search(name) for pattern in (_UNWANTED, _NAMES_ROW, _TESTS))


def _in_some(items: Sequence[Item], name: str) -> bool:
    return any(reference_of(item, name) is not None for item in items)


def _handed_over(items: Sequence[Item], name: str) -> bool:
    """Whether a field holds what the prompts give, all of it or element by element: the puzzle and not its
    solution."""
    several = False
    for item in items[:SCANNED]:
        value = value_at(item, name)
        if value is None:
            continue
        whole = [value] if isinstance(value, str) and "\n" in value.strip() else []
        parts = list(_leaves(value)) if isinstance(value, list) else whole
        if not parts or not all(str(part).strip() in asked_text(item) for part in parts):
            return False
        several = several or len(parts) > 1 or bool(whole)
    return several


def _likeliest(items: Sequence[Item], names: Sequence[str]) -> list[str]:
    """Of several fields those that no prompt quotes, and of these the ones that are called an answer."""
    unquoted = [name for name in names if not _quoted(items, name)] or list(names)
    return [name for name in unquoted if _MEANT.search(name)] or unquoted


def _quoted(items: Sequence[Item], name: str) -> bool:
    """Whether every prompt has the field's text in it, of two words or more."""
    values = [(value_at(item, name), item) for item in items[:SCANNED]]
    return all(
        isinstance(value, str) and len(value.split()) > 1 and value.strip() in asked_text(item)
        for value, item in values
        if value is not None
    )


def _leaves(value: object) -> Iterator[object]:
    """The elements of lists within lists."""
    if not isinstance(value, list):
        yield value
        return
    for part in value:
        yield from _leaves(part)


def references_of(
    spec: GraderSpec, prompts: Sequence[Prompt], field: str | None = None, *, where_read: bool = False
) -> list[str | None]:
    """Each row's right answer as text; None where there is none.

    Where no field is named, and the grader or its parts read several columns that the prompts ask for by
    name, in JSON or in tags, it is the object of these; of coordinates, the list.

    Parameters
    ----------
    spec : GraderSpec
    prompts : sequence of Prompt
    field : str, optional
        Where it is. Default: as `reference_field` finds it.
    where_read : bool
        None for every row where neither the templates nor the source of the grader read the field.
    """
    if field is None and (columns := compared_columns(spec, prompts)):
        return [_object(prompt.item, columns) for prompt in prompts]
    if field is None and (names := _coordinates(spec, prompts)):
        return [", ".join(str(prompt.item.get(name)) for name in names) for prompt in prompts]
    try:
        field = field or reference_field(spec, [prompt.item for prompt in prompts])
    except DryRunError:
        return [None] * len(prompts)
    if where_read and not _reads(spec, field):
        return [None] * len(prompts)
    return [reference_of(prompt.item, field) for prompt in prompts]


def compared_columns(spec: GraderSpec, prompts: Sequence[Prompt]) -> dict[str, str]:
    """Fields of a response in JSON or tags, each with the row's column that the grader compares it with."""
    columns = {}
    for _, part in spec.walk():
        templates = [template for template in part.templates.values() if len(template.parts) == 1]
        read = [reference for template in templates for reference in template.references]
        fields = [at.steps[1] for at in read if at.steps[0] == "output_json" and len(at.steps) == 2]
        names = [at.steps[0] for at in read if at.namespace == "item" and len(at.steps) == 1]
        if len(fields) == len(names) == 1:
            columns[str(fields[0])] = str(names[0])
    if len(columns) > 1:
        return columns
    several = _columns_read(spec, prompts)
    asked = all(_asks_for(prompt, name) for prompt in prompts[:SCANNED] for name in several)
    return {name: name for name in several} if asked else {}


def _columns_read(spec: GraderSpec, prompts: Sequence[Prompt]) -> list[str]:
    """Columns that its Python reads, where they are several and none of the usual ones is there."""
    items = [prompt.item for prompt in prompts[:SCANNED]]
    read = [name for name in dict.fromkeys(_looked_up(spec)) if name not in PROTOCOL and _may_be_answer(name)]
    names = [name for name in read if _in_some(items, name)]
    return names if len(names) > 1 and not any(_in_some(items, name) for name in REFERENCES) else []


_COORDINATE = re.compile(r"(?i)(?:\w+_)?(?:lat(?:itude)?|lon(?:g(?:itude)?)?|lng|[xyz][12]?)")


def _coordinates(spec: GraderSpec, prompts: Sequence[Prompt]) -> list[str]:
    """Columns of coordinates that its Python reads: the answer is all of them, in this order."""
    names = _columns_read(spec, prompts)
    return names if all(map(_COORDINATE.fullmatch, names)) else []


def _asks_for(prompt: Prompt, name: str) -> bool:
    text = "\n".join(str(message.get("content") or "") for message in prompt.messages)
    in_json = re.search(r"(?i)\bjson\b", text) and re.search(rf"\b{re.escape(name)}\b", text)
    return bool(in_json) or f"<{name}>" in text


def _object(item: Item, columns: Mapping[str, str]) -> str | None:
    values = {field: item.get(column) for field, column in columns.items()}
    return None if None in values.values() else json.dumps(values, ensure_ascii=False)


def _reads(spec: GraderSpec, field: str) -> bool:
    """Whether the templates or the source of the grader read the field."""
    return field.partition(".")[0] in {name.partition(".")[0] for name in (*_filled(spec), *_looked_up(spec))}


def _filled(spec: GraderSpec) -> Iterator[str]:
    """Keys and paths of the row that the templates of a grader and its parts are filled with."""
    for _, part in spec.walk():
        for template in part.templates.values():
            for reference in template.references:
                if reference.namespace == "item" and reference.steps[0] != "messages":
                    named = takewhile(lambda step: isinstance(step, str), reference.steps)
                    yield ".".join(map(str, named))


def _inside(spec: GraderSpec) -> Iterator[str]:
    """Paths into the row's objects that its Python reads, such as ``info["gold"]``."""
    for _, part in spec.walk():
        if isinstance(part, PythonSpec):
            names = part.entry.parameters if part.entry is not None else parameter_names(part.source) or ()
            row = names[1:2] if part.entry is None else ()
            roots = dict.fromkeys(row, "") if part.entry is None else {name: name for name in names}
            yield from paths_read(part.source, roots)


def _is_function(spec: GraderSpec) -> bool:
    """Whether it is a reward function, which is handed more than columns under their names."""
    return any(isinstance(part, PythonSpec) and part.entry is not None for _, part in spec.walk())


def _looked_up(spec: GraderSpec) -> Iterator[str]:
    """Columns that its Python reads: parameters of a reward function, constant keys of the row."""
    for _, part in spec.walk():
        if isinstance(part, PythonSpec):
            yield from part.entry.parameters if part.entry is not None else keys_read(part.source)
