"""Together's post-training cookbook: a prompt and a target, and a reward of a completion and a target."""

from __future__ import annotations

import json

from dryrun.core.records import Item
from dryrun.graders.checks.platforms import Platform
from dryrun.report.export.jsonl_rows import as_json, plain_messages, row_files
from dryrun.report.export.material import Material
from dryrun.report.export.place import Named, Place, reward_files
from dryrun.report.training import Row

COMMANDS = """
git clone https://github.com/togethercomputer/post-training-cookbook
python reward.py          # grades an empty response for the first rows, sends nothing
"""


def _row(item: Item) -> Row:
    return {"prompt": plain_messages(item), "target": as_json(item)}


def _files(material: Material) -> Named:
    yield from row_files(material, _row)
    yield from reward_files(material, Platform.TOGETHER)
    sizes = material.sizes
    config = {
        "group_size": sizes.group,
        "batch_size": sizes.prompts,
        "max_sample_tokens": sizes.limit,
        "max_prompt_length": sizes.prompt_limit,
    }
    yield "grpo_config.json", json.dumps(config, indent=2).encode() + b"\n"


TOGETHER = Place(
    Platform.TOGETHER,
    "Together",
    _files,
    COMMANDS,
    (
        "The cookbook is not on PyPI, and how it registers a dataset may change: register train.jsonl "
        "(columns prompt and target) and the function reward of reward.py as its page on reward functions "
        "says, https://docs.together.ai/docs/post-training/reward-functions.",
        "Give the fields of grpo_config.json to its GRPOConfig. Without max_sample_tokens and "
        "max_prompt_length every prompt is dropped.",
        "The machines are billed from the moment that they are ready.",
    ),
    takes=("group", "limit", "prompt_limit"),
)
