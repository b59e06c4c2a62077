"""Rows for supervised fine-tuning: the best response to each prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from dryrun.analysis.figures.statistics import TOLERANCE
from dryrun.core.records import Item, Sample, SampleOutcome
from dryrun.store.results import Results

SFT_FIELDS = ("tools", "parallel_tool_calls")

Row = dict[str, Any]


def best_responses(results: Results, cutoff: float) -> list[int]:
    """Position of each prompt's highest-scored response, where its score reaches `cutoff`.

    Parameters
    ----------
    results : Results
    cutoff : float
        On 0..1, the scale of the thresholds. A response that stopped early, was refused or is empty
        never counts: nobody should learn from it.

    Returns
    -------
    list of int
        Positions in ``results.rollouts``, in sample order; of equal scores the first rollout. Equal
        prompts count as one.
    """
    seen = results.observations()
    fits = (seen.outcome == SampleOutcome.ANSWERED.value) & (seen.score >= cutoff - TOLERANCE)
    ranked = np.argsort(-seen.score, kind="stable")
    ranked = ranked[fits[ranked]]
    _, first = np.unique(seen.prompt[ranked], return_index=True)
    best: list[int] = np.sort(ranked[first]).tolist()
    return best


def sft_rows(results: Results, cutoff: float) -> list[Row]:
    """Best-of-k rows in the chat format of supervised fine-tuning.

    Each row is the prompt's messages and, as the assistant's turn, its best response; see
    `best_responses` for which.
    """
    responses = results.inspect(best_responses(results, cutoff))
    return [sft_row(response.prompt.item, response.sample) for response in responses]


def sft_row(item: Item, sample: Sample) -> Row:
    """One training row: the item's messages, answered by this sample."""
    answer: Row = {"role": "assistant", "content": sample.text or None}
    if sample.tool_calls:
        answer["tool_calls"] = [dict(call) for call in sample.tool_calls]
    kept = {name: item[name] for name in SFT_FIELDS if item.get(name) is not None}
    return {"messages": [*item["messages"], answer], **kept}


def to_jsonl(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """One JSON object per line, UTF-8."""
    return b"".join(orjson.dumps(dict(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)
