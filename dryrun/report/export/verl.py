"""verl: Parquet with ``reward_model.ground_truth``, ``compute_score``, and the trainer's overrides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dryrun.core.errors import DryRunError
from dryrun.core.records import Prompt
from dryrun.graders.checks.platforms import Platform
from dryrun.report.export.jsonl_rows import as_json, plain_messages, raw_reference, text_reference
from dryrun.report.export.material import Material
from dryrun.report.export.place import Named, Place, filled, function_of, graded_file, is_own, reward_files

COMMANDS = """
pip install verl -r requirements.txt
python train.py --model MODEL --check     # grades stored responses again, shows the command
python train.py --model MODEL
"""


def _files(material: Material) -> Named:
    own = is_own(material, Platform.VERL)
    for split, prompts in (("train", material.train), ("validation", material.validation or material.train)):
        yield f"{split}.parquet", _parquet(prompts, split, own)
    yield from graded_file(material)
    yield from reward_files(material, Platform.VERL)
    sizes = material.sizes
    yield (
        "train.py",
        filled(
            "train_verl.py",
            function=function_of(material, "compute_score"),
            group=sizes.group,
            limit=sizes.limit,
            prompt_limit=sizes.prompt_limit,
            prompts=sizes.prompts,
        ),
    )


def _parquet(prompts: Sequence[Prompt], split: str, own: bool) -> bytes:
    shaped = _own_row if own else _row
    rows = [{"prompt": plain_messages(prompt.item), **shaped(prompt, split)} for prompt in prompts]
    try:
        table = pa.Table.from_pylist(rows)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DryRunError(
            f"The rows do not fit one Parquet table: {error}. Give the right answers and the fields of "
            "extra_info one type in all rows."
        ) from error
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _row(prompt: Prompt, split: str) -> dict[str, Any]:
    return {
        "data_source": "dry_run",
        "ability": prompt.topic or "none",
        "reward_model": {"style": "rule", "ground_truth": text_reference(prompt.item)},
        "extra_info": {"index": prompt.row, "split": split, "item": as_json(prompt.item)},
    }


def _own_row(prompt: Prompt, split: str) -> dict[str, Any]:
    """What the user's own function was written for."""
    item = prompt.item
    return {
        "data_source": item.get("data_source", "dry_run"),
        "ability": item.get("ability", prompt.topic or "none"),
        "reward_model": {"style": "rule", "ground_truth": raw_reference(item)},
        "extra_info": {"index": prompt.row, "split": split, **dict(item.get("extra_info") or {})},
    }


VERL = Place(
    Platform.VERL,
    "verl, on your own GPUs",
    _files,
    COMMANDS,
    (
        "Without validation rows the training rows stand in validation.parquet: verl starts with no empty "
        "file.",
        "The reward function runs in the training processes, without the sandbox that Dry Run has for it.",
    ),
    takes=("group", "limit", "prompt_limit"),
)
