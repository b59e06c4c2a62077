"""Grade one text with one grader, as a run does."""

from __future__ import annotations

import asyncio
from typing import Any

from dryrun.core.records import Grade, Sample, SampleOutcome
from dryrun.graders import build, load_grader

SCORE: dict[str, Any] = {
    "type": "score_model",
    "name": "rubric",
    "model": "gpt-judge",
    "input": [
        {"role": "developer", "content": "Score the answer."},
        {"role": "user", "content": "{{item.reference_answer}} against {{sample.output_text}}"},
    ],
    "range": [0, 5],
}
LABEL: dict[str, Any] = {
    "type": "label_model",
    "name": "label",
    "model": "gpt-judge",
    "input": [{"role": "user", "content": [{"type": "input_text", "text": "{{sample.output_text}}"}]}],
    "labels": ["good", "fair", "bad"],
    "passing_labels": ["good", "fair"],
}
FINAL_NUMBER = """
import re

def grade(sample, item):
    text = sample["output_text"].replace("\\u2212", "-")
    numbers = re.findall(r"[-+]?\\d[\\d,]*(?:\\.\\d+)?(?:[eE]\\d+)?", text)
    if not numbers or re.search(r"\\bnot\\b|n't|wrong|\\bor\\b|either", text):
        return 0.0
    given = {float(number.replace(",", "")) for number in numbers[-1:]}
    return float(given == {float(item["reference_answer"])})
"""
"""The source of a sound grader: the last number of a response, unless it contradicts itself."""


def sample(text: str, **fields: Any) -> Sample:
    """A response with this text."""
    return Sample(
        key="k", rollout=0, outcome=fields.pop("outcome", SampleOutcome.ANSWERED), text=text, **fields
    )


def grades(
    grader: dict[str, Any], texts: list[str], item: dict[str, Any] | None = None, timeout: float = 120.0
) -> list[Grade]:
    """The grades of several texts, one after the other, by one open grader."""

    async def run() -> list[Grade]:
        async with build(load_grader(grader), timeout=timeout) as opened:
            return [await opened.grade(sample(text), item or {}) for text in texts]

    return asyncio.run(run())


def grade(grader: dict[str, Any], text: str, item: dict[str, Any] | None = None, **options: Any) -> Grade:
    """The grade of one text."""
    return grades(grader, [text], item, **options)[0]


def string_check(operation: str = "eq", **fields: Any) -> dict[str, Any]:
    """A string_check of the response against the row's reference answer."""
    return {
        "type": "string_check",
        "name": "check",
        "operation": operation,
        "input": "{{sample.output_text}}",
        "reference": "{{item.reference_answer}}",
    } | fields


def similarity(metric: str) -> dict[str, Any]:
    """A text_similarity of the response against the row's reference answer."""
    grader = string_check(type="text_similarity", evaluation_metric=metric)
    del grader["operation"]
    return grader


CONTAINS = "def grade(sample, item):\n    return float(item['reference_answer'] in sample['output_text'])\n"
"""Pays every text that lists enough numbers."""


def python(source: str) -> dict[str, Any]:
    """A python grader."""
    return {"type": "python", "name": "code", "source": source}
