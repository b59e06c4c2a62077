"""What a finished dry run hands on: rows for supervised fine-tuning, or all a training job needs."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np
import orjson

from dryrun.analysis.figures.statistics import TOLERANCE
from dryrun.core.config import EMBEDDED_MODEL, ModelKind
from dryrun.core.records import Item, Sample, SampleOutcome
from dryrun.store.results import Results

VALIDATION_SHARE = 10
"""One prompt in ten is kept for validation."""

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
    found = results.inspect(best_responses(results, cutoff))
    return [sft_row(one.prompt.item, one.sample) for one in found]


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


def split_prompts(results: Results) -> tuple[list[Row], list[Row]]:
    """The run's prompts as training rows and validation rows.

    Every tenth is kept for validation, by fingerprint: the same prompt always falls on the same side,
    and equal prompts never on both. At least one row goes to each side where there are two prompts.
    """
    items = {prompt.key: dict(prompt.item) for prompt in results.run.prompts()}
    ranked = sorted(items, key=lambda key: key[::-1])
    count = max(len(ranked) // VALIDATION_SHARE, 1) if len(ranked) > 1 else 0
    held_out = set(ranked[:count])
    training = [item for key, item in items.items() if key not in held_out]
    return training, [items[key] for key in items if key in held_out]


def training_package(results: Results, verdict: str) -> bytes:
    """A ZIP file with all a reinforcement fine-tuning job needs.

    ``train.jsonl``, ``validation.jsonl``, ``grader.json``, ``start_job.py`` (the OpenAI SDK, for OpenAI's
    own API, Azure and hosts that speak it) and a README. No key is in it.
    """
    training, validation = split_prompts(results)
    files = {
        "README.md": _readme(results, verdict, len(training), len(validation)).encode(),
        "train.jsonl": to_jsonl(training),
        "validation.jsonl": to_jsonl(validation),
        "grader.json": json.dumps(results.config.grader, indent=2, ensure_ascii=False).encode() + b"\n",
        "start_job.py": _template("start_job.py.txt").encode(),
    }
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # no clock: equal bytes
    return sink.getvalue()


def _readme(results: Results, verdict: str, training: int, validation: int) -> str:
    model = results.config.model
    note = (
        f"The dry run used the embedded model {EMBEDDED_MODEL}, which no service trains: choose the model to "
        "train, and dry-run that one before you pay."
        if model.kind is ModelKind.EMBEDDED
        else "Train the model that the dry run asked, or dry-run the other one first."
    )
    return _template("README.md.txt").format(
        verdict=verdict, training=training, validation=validation, run=results.run.id[:8], note=note
    )


def _template(name: str) -> str:
    return resources.files("dryrun.report").joinpath("templates", name).read_text(encoding="utf-8")
