"""The stored forms of the records: Parquet schemas and the conversions to and from them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa

from dryrun.core.records import Attempt, Grade, GradeOutcome, Prompt, Sample, SampleOutcome

Row = dict[str, Any]

SAMPLES = pa.schema(
    [
        ("key", pa.string()),
        ("rollout", pa.int32()),
        ("outcome", pa.string()),
        ("text", pa.string()),
        ("characters", pa.int32()),
        ("tool_calls", pa.string()),
        ("finish_reason", pa.string()),
        ("error", pa.string()),
        ("status", pa.int32()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("seconds", pa.float64()),
        ("attempts", pa.int32()),
        ("note", pa.string()),
        ("at", pa.float64()),
    ]
)
"""One row per sample; ``tool_calls`` is JSON, ``characters`` its length, ``at`` seconds since the epoch."""

GRADES = pa.schema(
    [
        ("key", pa.string()),
        ("outcome", pa.string()),
        ("reward", pa.float64()),
        ("sub_rewards", pa.string()),
        ("errors", pa.string()),
        ("seconds", pa.float64()),
        ("at", pa.float64()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("detail", pa.string()),
    ]
)
"""One row per grade; ``sub_rewards`` and ``errors`` are JSON objects, a missing reward is null."""

ATTEMPTS = pa.schema(
    [
        ("key", pa.string()),
        ("outcome", pa.string()),
        ("sample", pa.string()),
        ("number", pa.int32()),
        ("status", pa.int32()),
        ("error", pa.string()),
        ("seconds", pa.float64()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("at", pa.float64()),
        ("judge", pa.bool_()),
    ]
)
"""One row per call of a run, those that failed included; ``sample`` is the key of the sample it was for,
or, where ``judge`` is true, of what a judge was asked."""

ADDED_LATER = frozenset({"detail", "prompt_tokens", "completion_tokens"})
"""Columns of `GRADES` that parts written by earlier versions lack; they are read as null."""

ATTEMPTS_ADDED_LATER = frozenset({"judge"})
"""The same of `ATTEMPTS`."""

PROMPTS = pa.schema(
    [("key", pa.string()), ("row", pa.int64()), ("topic", pa.string()), ("item", pa.string())]
)
"""The prompts of a run in sample order; ``item`` is the whole row as JSON."""

PLAN = pa.schema(
    [
        ("prompt", pa.int32()),
        ("rollout", pa.int32()),
        ("sample_key", pa.string()),
        ("grade_key", pa.string()),
    ]
)
"""What a run asks: one row per rollout, ``prompt`` an index into the run's prompts."""


def sample_row(sample: Sample) -> Row:
    """The stored form of `sample`, stamped with the present time."""
    return {
        "key": sample.key,
        "rollout": sample.rollout,
        "outcome": sample.outcome.value,
        "text": sample.text,
        "characters": len(sample.text),
        "tool_calls": orjson.dumps(sample.tool_calls).decode() if sample.tool_calls else None,
        "finish_reason": sample.finish_reason,
        "error": sample.error,
        "status": sample.status,
        "prompt_tokens": sample.prompt_tokens,
        "completion_tokens": sample.completion_tokens,
        "seconds": sample.seconds,
        "attempts": sample.attempts,
        "note": sample.note,
        "at": time.time(),
    }


def sample_from_row(row: Mapping[str, Any]) -> Sample:
    """The sample that `sample_row` stored."""
    calls: Sequence[Mapping[str, Any]] = orjson.loads(row["tool_calls"]) if row["tool_calls"] else ()
    return Sample(
        key=row["key"],
        rollout=row["rollout"],
        outcome=SampleOutcome(row["outcome"]),
        text=row["text"],
        tool_calls=tuple(calls),
        finish_reason=row["finish_reason"],
        error=row["error"],
        status=row["status"],
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        seconds=row["seconds"],
        attempts=row["attempts"],
        note=row["note"],
    )


def attempt_row(attempt: Attempt, judge: bool = False) -> Row:
    """The stored form of `attempt`, stamped with the present time.

    A row of a batch is named by the batch: read twice, after a kill, it counts once.
    """
    return {
        "key": f"{attempt.key}-{attempt.number}-{attempt.batch or time.time_ns()}",
        "outcome": attempt.outcome,
        "sample": attempt.key,
        "number": attempt.number,
        "status": attempt.status,
        "error": attempt.error or None,
        "seconds": attempt.seconds,
        "prompt_tokens": attempt.prompt_tokens,
        "completion_tokens": attempt.completion_tokens,
        "at": time.time(),
        "judge": judge,
    }


def grade_row(key: str, grade: Grade) -> Row:
    """The stored form of the grade named `key`, stamped with the present time."""
    return {
        "key": key,
        "outcome": grade.outcome.value,
        "reward": grade.reward,
        "sub_rewards": orjson.dumps(dict(grade.sub_rewards)).decode(),
        "errors": orjson.dumps(dict(grade.errors)).decode(),
        "seconds": grade.seconds,
        "at": time.time(),
        "prompt_tokens": grade.prompt_tokens,
        "completion_tokens": grade.completion_tokens,
        "detail": grade.detail or None,
    }


def grade_from_row(row: Mapping[str, Any]) -> Grade:
    """The grade that `grade_row` stored."""
    return Grade(
        outcome=GradeOutcome(row["outcome"]),
        reward=row["reward"],
        sub_rewards=orjson.loads(row["sub_rewards"]),
        errors=orjson.loads(row["errors"]),
        seconds=row["seconds"],
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        detail=row["detail"] or "",
    )


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
    return [
        Prompt(key=row["key"], row=row["row"], topic=row["topic"], item=orjson.loads(row["item"]))
        for row in table.to_pylist()
    ]
