"""All places to train, by name: what each of them gets. What to do with it is in their guides."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa

from dryrun.core.errors import DryRunError
from dryrun.core.records import Item, Prompt
from dryrun.dataset.fields import REFERENCES, usual_reference, value_at
from dryrun.graders.checks.platforms import HOME, LIMITS, VALIDATION, Platform
from dryrun.report.export.material import Material
from dryrun.report.export.place import (
    Named,
    Place,
    described,
    filled,
    function_of,
    graded_file,
    is_own,
    reward_files,
    template,
)
from dryrun.report.training_set.chosen import Row, to_jsonl
from dryrun.store.partition import table_bytes


def row_files(material: Material, shaped: Callable[[Item], Row], folder: str = "") -> Named:
    """``train.jsonl`` and, where there are rows for it, ``validation.jsonl``."""
    for name, prompts in (("train", material.train), ("validation", material.validation)):
        if prompts:
            yield f"{folder}{name}.jsonl", to_jsonl([shaped(prompt.item) for prompt in prompts])


def as_it_is(item: Item) -> Row:
    """The row itself."""
    return dict(item)


def as_json(item: Item) -> str:
    """The whole row as text: rows of one column may then differ in their fields and types."""
    return orjson.dumps(dict(item)).decode()


def prompt_and_item(item: Item) -> Row:
    """The messages as ``prompt``, the whole row as text in ``item``."""
    return {"prompt": plain_messages(item), "item": as_json(item)}


def prompt_and_columns(item: Item) -> Row:
    """The row's own ``prompt``, or its messages, beside its other columns, as TRL's rewards get them."""
    prompt = item.get("prompt")
    own = prompt if isinstance(prompt, str | list) else item["messages"]
    return {
        "prompt": own,
        **{name: value for name, value in item.items() if name not in ("messages", "prompt")},
    }


def raw_reference(item: Item) -> Any:
    """The right answer in the first of the usual places, as it stands there; ``""`` without one."""
    answers = (value_at(item, name) for name in REFERENCES)
    return next((value for value in answers if value is not None), "")


def text_reference(item: Item) -> str:
    """The right answer as text; ``""`` without one."""
    return usual_reference(item) or ""


def plain_messages(item: Item) -> list[dict[str, str]]:
    """The messages with their roles and texts alone, parts of text joined: one type in all rows."""
    return [
        {"role": message["role"], "content": _text(message.get("content"))} for message in item["messages"]
    ]


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return content or ""


BEDROCK_ENDPOINT = "https://bedrock-mantle.us-west-2.api.aws/v1"
EVERYWHERE = ("n_epochs", "batch_size", "learning_rate_multiplier")
"""Hyperparameters that each host of OpenAI's API takes."""
ALL_FIELDS = (*EVERYWHERE, "compute_multiplier", "eval_interval", "eval_samples", "reasoning_effort")
TASKSET = "dry_run_taskset/"
GYM_FOLDER = "resources_servers/dry_run/"
GYM_ITSELF = b"-e nemo-gym @ ../../\n"
"""In the requirements of each of NeMo Gym's servers."""


def _openai(material: Material, platform: Platform = Platform.OPENAI) -> Named:
    """OpenAI's own service, and Azure's (Foundry): rows, and a job through OpenAI's SDK."""
    yield from row_files(material, as_it_is)
    azure = platform is Platform.AZURE
    yield _job_script(platform, ends_with_user=azure, response_format=material.model.response_format)


def _azure(material: Material) -> Named:
    yield from _openai(material, Platform.AZURE)


def _bedrock(material: Material) -> Named:
    """OpenAI's API with an AWS Lambda function as the grader."""
    yield from row_files(material, as_it_is)
    yield from reward_files(material, Platform.BEDROCK)
    roles = ("system", "developer", "user", "assistant", "tool")
    changed = {"base_url": BEDROCK_ENDPOINT, "fields": EVERYWHERE, "roles": roles, "as_lambda": True}
    yield _job_script(Platform.BEDROCK, **changed)


def _job_script(platform: Platform, **other: Any) -> tuple[str, bytes]:
    """The script that starts a job through OpenAI's API; `other` holds what differs from the usual values."""
    usual: dict[str, Any] = {
        "host": platform.value,
        "base_url": None,
        "fields": ALL_FIELDS,
        "limits": LIMITS.get(platform, (1, 1_000_000)),
        "validation": VALIDATION.get(platform, (0, 1_000_000)),
        "roles": ("developer", "user", "assistant", "tool"),
        "ends_with_user": False,
        "response_format": None,
        "as_lambda": False,
    }
    return "start_job.py", filled("start_job.py", **(usual | other))


def _fireworks(material: Material) -> Named:
    """An eval-protocol evaluator and rows with ``ground_truth``."""
    own = is_own(material, Platform.FIREWORKS)
    yield from row_files(material, _fireworks_own_row if own else _fireworks_row)
    for name, content in reward_files(material, Platform.FIREWORKS):
        yield ("test_reward.py" if name == "reward.py" else name), content
    sizes = material.sizes
    yield "start_job.py", filled("start_fireworks.py", group=sizes.group, limit=sizes.limit)


def _fireworks_row(item: Item) -> Row:
    """What a generated evaluator reads: the whole row as its ground truth."""
    tools = {"tools": item["tools"]} if item.get("tools") else {}
    return {"messages": item["messages"], **tools, "ground_truth": dict(item)}


def _fireworks_own_row(item: Item) -> Row:
    return {**item, "ground_truth": raw_reference(item)}


def _together(material: Material) -> Named:
    """Together's post-training cookbook: a prompt and a target, and a reward of a completion and a target."""
    yield from row_files(material, lambda item: {"prompt": plain_messages(item), "target": as_json(item)})
    yield from reward_files(material, Platform.TOGETHER)
    sizes = material.sizes
    config = {
        "group_size": sizes.group,
        "batch_size": sizes.prompts,
        "max_sample_tokens": sizes.limit,
        "max_prompt_length": sizes.prompt_limit,
    }
    yield "grpo_config.json", json.dumps(config, indent=2).encode() + b"\n"


def _trl(material: Material) -> Named:
    """A reward function called by column, rows with ``prompt``, and a script around GRPOTrainer."""
    own, sizes = is_own(material, Platform.TRL), material.sizes
    yield from row_files(material, prompt_and_columns if own else prompt_and_item)
    yield from graded_file(material)
    yield from reward_files(material, Platform.TRL)
    values = {"group": sizes.group, "limit": sizes.limit, "prompts": sizes.prompts}
    yield "train.py", filled("train_trl.py", function_of(material, "reward"), **values)


def _verl(material: Material) -> Named:
    """Parquet with ``reward_model.ground_truth``, ``compute_score``, and the trainer's overrides."""
    own, sizes = is_own(material, Platform.VERL), material.sizes
    for split, prompts in (("train", material.train), ("validation", material.validation or material.train)):
        yield f"{split}.parquet", _verl_parquet(prompts, split, own)
    yield from graded_file(material)
    yield from reward_files(material, Platform.VERL)
    limits = {"limit": sizes.limit, "prompt_limit": sizes.prompt_limit}
    values = {"group": sizes.group, "prompts": sizes.prompts, **limits}
    yield "train.py", filled("train_verl.py", function_of(material, "compute_score"), **values)


def _verl_parquet(prompts: Sequence[Prompt], split: str, own: bool) -> bytes:
    shaped = _verl_own_row if own else _verl_row
    rows = [{"prompt": plain_messages(prompt.item), **shaped(prompt, split)} for prompt in prompts]
    try:
        return table_bytes(pa.Table.from_pylist(rows))
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DryRunError(
            f"The rows do not fit one Parquet table: {error}. Give the right answers and the fields of "
            "extra_info one type in all rows."
        ) from error


def _verl_row(prompt: Prompt, split: str) -> Row:
    return {
        "data_source": "dry_run",
        "ability": prompt.topic or "none",
        "reward_model": {"style": "rule", "ground_truth": text_reference(prompt.item)},
        "extra_info": {"index": prompt.row, "split": split, "item": as_json(prompt.item)},
    }


def _verl_own_row(prompt: Prompt, split: str) -> Row:
    """What the user's own function was written for."""
    item = prompt.item
    return {
        "data_source": item.get("data_source", "dry_run"),
        "ability": item.get("ability", prompt.topic or "none"),
        "reward_model": {"style": "rule", "ground_truth": raw_reference(item)},
        "extra_info": {"index": prompt.row, "split": split, **dict(item.get("extra_info") or {})},
    }


def _verifiers(material: Material) -> Named:
    """A taskset of version 1, as a package; a function of the earlier Rubric as its environment."""
    own = is_own(material, Platform.VERIFIERS)
    yield from row_files(material, _verifiers_own_row if own else as_it_is, TASKSET)
    yield from reward_files(material, Platform.VERIFIERS, TASKSET)
    yield "pyproject.toml", template("verifiers_pyproject.toml").template.encode()
    function = function_of(material, "reward")
    package = (
        filled("verifiers_rubric.py", function) if own else template("verifiers_taskset.py").template.encode()
    )
    yield f"{TASKSET}__init__.py", package


def _verifiers_own_row(item: Item) -> Row:
    """Beside its own columns a row has ``answer``, from the usual places where it has none."""
    return {"answer": text_reference(item), **prompt_and_columns(item)}


def _nemo_gym(material: Material) -> Named:
    """A resources server whose ``verify`` grades, and rows with ``responses_create_params``."""
    yield from row_files(material, _nemo_gym_row, f"{GYM_FOLDER}data/")
    for name, content in reward_files(material, Platform.NEMO_GYM, GYM_FOLDER):
        yield name, content + (GYM_ITSELF if name.endswith("requirements.txt") else b"")
    yield f"{GYM_FOLDER}app.py", template("nemo_gym_app.py").template.encode()
    yield f"{GYM_FOLDER}configs/dry_run.yaml", template("nemo_gym.yaml").template.encode()


def _nemo_gym_row(item: Item) -> Row:
    return {"responses_create_params": {"input": plain_messages(item)}, "item": dict(item)}


ALL = (
    Place(Platform.AZURE, "Azure (Foundry)", _azure),
    Place(Platform.OPENAI, "OpenAI", _openai),
    Place(Platform.BEDROCK, "Amazon Bedrock", _bedrock),
    Place(Platform.FIREWORKS, "Fireworks", _fireworks, takes=("group", "limit")),
    Place(Platform.TOGETHER, "Together", _together, takes=("group", "limit", "prompt_limit")),
    Place(Platform.TRL, "TRL, on your own GPUs", _trl, takes=("group", "limit")),
    Place(Platform.VERL, "verl, on your own GPUs", _verl, takes=("group", "limit", "prompt_limit")),
    Place(Platform.VERIFIERS, "verifiers and prime-rl", _verifiers),
    Place(Platform.NEMO_GYM, "NeMo Gym", _nemo_gym),
)
PLACES: Mapping[Platform, Place] = {place.platform: place for place in ALL}


def written_for(grader: Mapping[str, Any]) -> Platform:
    """The place by whose convention a grader is called; the first one for a grader in OpenAI's form."""
    names = {part.get("convention") for part in (grader, *dict(grader.get("graders") or {}).values())}
    return next((place for place, convention in HOME.items() if convention in names), ALL[0].platform)


def file_tree(files: Mapping[str, bytes]) -> str:
    """The files with their sizes and what they are, a line each."""
    longest = max(map(len, files))
    return "\n".join(
        f"{name:{longest}}  {len(content):>11,} bytes  {described(name)}" for name, content in files.items()
    )
