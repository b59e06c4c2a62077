"""Where a row keeps its prompt, topic and reference answer, and which fields could serve as topic.

A field is a key of the row or a path with dots. This is the only list of usual names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dryrun.core.fingerprint import canonical_json
from dryrun.core.records import Item
from dryrun.dataset.rows import RESERVED_KEYS

SCANNED_ROWS = 2000
"""Candidate fields are looked for in this many rows from the start of the file."""
TOPICS = ("topic", "metadata.topic")
"""Where rows carry their topic."""
MAX_TOPICS = 100
"""A field with more values than this among the scanned rows is not offered as topic."""


def topic_of(row: Mapping[str, Any], field: str | None) -> str:
    """The row's topic as text, or ``""`` if it has none.

    Parameters
    ----------
    row : mapping
        A dataset row.
    field : str or None
        A key of the row, or a path with dots (``"metadata.level"``); a key that itself contains the
        dots goes first. None: the first of `TOPICS` that the row has.

    Returns
    -------
    str
        Strings as they are, null as ``""``, anything else as its JSON text: ``3`` gives ``"3"``.
    """
    if field is not None:
        return _text(value_at(row, field))
    return next(filter(None, (_text(value_at(row, usual)) for usual in TOPICS)), "")


def usual_topic(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The first of the usual places where any of these rows has a topic; None where none has."""
    return next((field for field in TOPICS if any(_text(value_at(row, field)) for row in rows)), None)


def value_at(row: Mapping[str, Any], field: str) -> object:
    """The value of a key, or else at a path with dots; None if there is none."""
    if field in row:
        return row[field]
    value: object = row
    for step in field.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else canonical_json(value).decode()


class TopicFieldFinder:
    """Collects, row by row, the fields that could serve as topic.

    A candidate is a key of the row, or of an object in the row, that holds strings, whole numbers or
    booleans, has at least two values, at most `MAX_TOPICS`, and repeats at least one of them.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._values: dict[str, set[object]] = {}
        self._counts: dict[str, int] = {}
        self._unfit: set[str] = set()

    def add(self, row: Mapping[str, Any]) -> None:
        """Look at one row; rows beyond the first `SCANNED_ROWS` are ignored."""
        if self._rows >= SCANNED_ROWS:
            return
        self._rows += 1
        for field, value in _fields(row):
            if field not in self._unfit:
                self._note(field, value)

    def _note(self, field: str, value: object) -> None:
        values = self._values.setdefault(field, set())
        if isinstance(value, str | int):
            values.add(value)
            self._counts[field] = self._counts.get(field, 0) + 1
        if not isinstance(value, str | int | None) or len(values) > MAX_TOPICS:
            self._unfit.add(field)
            del self._values[field]

    def candidates(self) -> tuple[str, ...]:
        """The candidate fields, in the order in which the rows name them."""
        return tuple(
            field for field, values in self._values.items() if 2 <= len(values) < self._counts.get(field, 0)
        )


def _fields(row: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for key, value in row.items():
        if key in RESERVED_KEYS:
            continue
        if isinstance(value, dict):
            yield from ((f"{key}.{inner}", nested) for inner, nested in value.items())
        else:
            yield key, value


PROMPTS = ("messages", "prompt", "problem", "question", "input", "query", "conversations")
"""Where rows carry the prompt, for datasets and imports; the first that a row has counts."""

PROMPTS_WITHIN = ("responses_create_params.input",)
"""Paths of the prompt where no field of the row holds it: NeMo Gym's."""

REFERENCES = (
    "reward_model.ground_truth",  # verl's place; nothing else is kept there
    *("ground_truth", "reference_answer", "answer", "solution", "reference", "target"),
    *("expected", "expected_answer", "expected_output", "ideal", "label", "gts", "reference_tool_calls"),
    *(
        "answers",
        "final_answer",
        "correct_answer",
        "gold",
        "gold_answer",
        "canonical_solution",
        "reference_solution",
    ),
)
"""Where rows carry the right answer, the likeliest first: one list for graders, probes, imports and pages."""


def reference_of(item: Item, field: str) -> str | None:
    """The reference answer as a model would write it: text as it is, all else as JSON; None without one.

    `field` is a key, or a path with dots: ``"reward_model.ground_truth"``.
    """
    value = value_at(item, field)
    if value is None:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def usual_field(items: Sequence[Item]) -> str | None:
    """The first of the usual places where any of these rows has an answer; None where none has."""
    return next(
        (name for name in REFERENCES if any(value_at(item, name) is not None for item in items)), None
    )


def usual_reference(item: Item) -> str | None:
    """The answer in the first of the usual places that the row has."""
    field = usual_field([item])
    return None if field is None else reference_of(item, field)
