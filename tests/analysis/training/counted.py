"""Counts of prompts, as tests write them down."""

from __future__ import annotations

from typing import Any

import numpy as np

from dryrun.analysis.training.profile import PromptCounts


def counts_of(right: list[int], tried: list[int] | int = 4, **fields: Any) -> PromptCounts:
    """Prompts in the order of the dataset, one topic, a reward that is the outcome."""
    size = len(right)
    solved = np.array(right, np.int64)
    responses = np.broadcast_to(np.array(tried, np.int64), size).copy()
    given: dict[str, Any] = {
        "key": np.array([f"{number * 7919 % 104729:032x}" for number in range(size)], dtype="S32"),
        "row": np.arange(size),
        "topic": np.zeros(size, np.int64),
        "total": solved.astype(float),
        "square": solved.astype(float),
        "differs": (solved > 0) & (solved < responses),
        "prompt_tokens": np.full(size, 10.0),
        "completion_tokens": np.full(size, 20.0),
        "reference": np.full(size, np.nan),
        "alike": np.arange(size),
        "flags": np.zeros(size, np.int64),
        "topics": ("",),
    }
    return PromptCounts(right=solved, tried=responses, **(given | fields))
