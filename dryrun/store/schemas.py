"""The stored forms of the records: Parquet schemas and the conversions to and from them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import orjson
import pyarrow as pa

from dryrun.core.records import Attempt, Grade, GradeOutcome, Prompt, Sample, SampleOutcome

Row = dict[str, Any]


def _schema(columns: str) -> pa.Schema:
    """A schema by the names and Arrow types of its columns."""
    return pa.schema([tuple(column.split()) for column in columns.split(", ")])


SAMPLES = _schema(
    "key string, rollout int32, outcome string, text string, characters int32, tool_calls string, "
    "finish_reason string, error string, status int32, prompt_tokens int64, completion_tokens int64, "
    "seconds float64, attempts int32, note string, at float64"
)
"""One row per sample; ``tool_calls`` is JSON, ``characters`` its length, ``at`` seconds since the epoch."""

GRADES = _schema(
    "key string, outcome string, reward float64, sub_rewards string, errors string, seconds float64, "
    "at float64, prompt_tokens int64, completion_tokens int64, detail string"
)
"""One row per grade; ``sub_rewards`` and ``errors`` are JSON objects, a missing reward is null."""

NO_ERRORS = "{}"
"""``errors`` of a grade that has none."""

ATTEMPTS = _schema(
    "key string, outcome string, sample string, number int32, status int32, error string, "
    "seconds float64, prompt_tokens int64, completion_tokens int64, at float64, judge bool"
)
"""One row per call of a run, those that failed included; ``sample`` is the key of the sample it was for,
or, where ``judge`` is true, of what a judge was asked."""

ADDED_LATER = frozenset({"detail", "prompt_tokens", "completion_tokens", "judge"})
"""Columns that parts of grades and attempts written by earlier versions may lack; they are read as null."""

PROMPTS = _schema("key string, row int64, topic string, item string")
"""The prompts of a run in sample order; ``item`` is the whole row as JSON."""

PLAN = _schema("prompt int32, rollout int32, sample_key string, grade_key string")
"""What a run asks: one row per rollout, ``prompt`` an index into the run's prompts."""

_SAMPLE_FIELDS = tuple(field.name for field in fields(Sample))
_ATTEMPT_FIELDS = tuple(name for name in ATTEMPTS.names if name in {field.name for field in fields(Attempt)})


def sample_row(sample: Sample) -> Row:
    """The stored form of `sample`, stamped with the present time."""
    return {name: getattr(sample, name) for name in _SAMPLE_FIELDS} | {
        "outcome": sample.outcome.value,
        "characters": len(sample.text),
        "tool_calls": orjson.dumps(sample.tool_calls).decode() if sample.tool_calls else None,
        "at": time.time(),
    }


def sample_from_row(row: Mapping[str, Any]) -> Sample:
    """The sample that `sample_row` stored."""
    calls = tuple(orjson.loads(row["tool_calls"])) if row["tool_calls"] else ()
    kept = {name: row[name] for name in _SAMPLE_FIELDS}
    return Sample(**kept | {"outcome": SampleOutcome(row["outcome"]), "tool_calls": calls})


def attempt_row(attempt: Attempt, judge: bool = False) -> Row:
    """The stored form of `attempt`, stamped with the present time.

    A row of a batch is named by the batch: read twice, after a kill, it counts once.
    """
    return {name: getattr(attempt, name) for name in _ATTEMPT_FIELDS} | {
        "key": f"{attempt.key}-{attempt.number}-{attempt.batch or time.time_ns()}",
        "sample": attempt.key,
        "error": attempt.error or None,
        "at": time.time(),
        "judge": judge,
    }


def grade_row(key: str, grade: Grade) -> Row:
    """The stored form of the grade named `key`, stamped with the present time."""
    return grade._asdict() | {
        "key": key,
        "outcome": grade.outcome.value,
        "sub_rewards": orjson.dumps(dict(grade.sub_rewards)).decode(),
        "errors": orjson.dumps(dict(grade.errors)).decode(),
        "at": time.time(),
        "detail": grade.detail or None,
    }


def grade_from_row(row: Mapping[str, Any]) -> Grade:
    """The grade that `grade_row` stored."""
    read = {name: orjson.loads(row[name]) for name in ("sub_rewards", "errors")}
    read |= {"outcome": GradeOutcome(row["outcome"]), "detail": row["detail"] or ""}
    return Grade(**{name: row[name] for name in Grade._fields} | read)


def prompt_table(prompts: Iterable[Prompt]) -> pa.Table:
    """The stored form of a run's prompts, in order."""
    chosen = list(prompts)
    return pa.table(
        {
            "key": [prompt.key for prompt in chosen],
            "row": [prompt.row for prompt in chosen],
            "topic": [prompt.topic for prompt in chosen],
            "item": [orjson.dumps(dict(prompt.item)).decode() for prompt in chosen],
        },
        schema=PROMPTS,
    )


def prompts_from_table(table: pa.Table) -> list[Prompt]:
    """The prompts that `prompt_table` stored."""
    keys, rows, topics, items = (table[name].to_pylist() for name in ("key", "row", "topic", "item"))
    return list(map(Prompt, keys, rows, topics, map(orjson.loads, items)))
