"""A trainer's configuration against what the run measured: what fails at its start, and what wastes the run.

TRL's `GRPOConfig` as YAML or JSON, verl's configuration as YAML, or verl's overrides, ``name=value`` on a
line each. Only what can be said without the trainer's code is said; a name that is not here is not looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from dryrun.core.errors import DryRunError, text_of_file
from dryrun.core.text import percent
from dryrun.graders.format.findings import Finding, Severity
from dryrun.report.forecast.words import Outlook

CUT = 0.05
"""More responses than this share cut by the limit are worth a warning; half of them an error."""
HALF = 0.5
TRL = {"num_generations", "max_completion_length", "per_device_train_batch_size", "steps_per_generation"}
VERL = {"actor_rollout_ref", "data", "algorithm", "trainer"}
TRL_BATCH, TRL_ACCUMULATION, TRL_GROUP, TRL_LENGTH = 8, 1, 8, 512
"""Defaults of TRL 1.16 (`GRPOConfig`; the first two of transformers)."""
VERL_LENGTH, VERL_GROUP, VERL_MINI = 512, 1, 256
"""Defaults of verl 0.9 (``trainer/config``)."""


Settings = Mapping[str, Any]
"""A configuration by dotted names."""


def _given(settings: Settings, name: str) -> int | None:
    """The number under this name; None where it is not set.

    Raises
    ------
    DryRunError
        It is not a whole number above 0.
    """
    value = settings.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise DryRunError(f"{name}: {str(value)[:40]!r} is not a whole number of 1 or more.")
    return value


def read_trainer_config(path: Path) -> Settings:
    """The settings of a file by dotted names.

    Raises
    ------
    DryRunError
        The file cannot be read, or holds no settings.
    """
    return settings_of(text_of_file(path), str(path))


def settings_of(text: str, name: str) -> Settings:
    """The settings in a text by dotted names: YAML, JSON, or ``name=value`` on a line each.

    Raises
    ------
    DryRunError
        It holds none.
    """
    try:
        value = yaml.safe_load(text)
        if isinstance(value, str):
            value = dict(_overrides(value))
        settings = dict(_flat(value)) if isinstance(value, dict) else {}
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise DryRunError(f"{name}{where}: not YAML or JSON.") from error
    if not settings:
        raise DryRunError(f"{name}: holds no settings. Give TRL's or verl's configuration as YAML or JSON.")
    return settings


def _overrides(text: str) -> Iterator[tuple[str, Any]]:
    for word in text.replace("\\\n", " ").split():
        name, equals, value = word.lstrip("+").partition("=")
        if equals:
            try:
                yield name, yaml.safe_load(value)
            except yaml.YAMLError:
                yield name, value


def _flat(value: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, part in value.items():
        if isinstance(part, Mapping):
            yield from _flat(part, f"{path}{name}.")
        else:
            yield f"{path}{name}", part


def check_trainer(settings: Settings, outlook: Outlook, processes: int = 1) -> list[Finding]:
    """What is wrong with the settings, or wasteful with these prompts.

    Parameters
    ----------
    settings : mapping
        By dotted names, see `read_trainer_config`.
    outlook : Outlook
    processes : int
        Training processes of TRL, as a rule one for each GPU; verl's are in its configuration.

    Raises
    ------
    DryRunError
        The settings are of neither trainer, or one has a value that cannot be.
    """
    first = {name.partition(".")[0] for name in settings}
    if first & VERL:
        return [*_verl(settings, outlook)]
    if first & TRL:
        return [*_trl(settings, outlook, processes)]
    known = json.dumps(sorted(TRL | VERL))
    raise DryRunError(f"These are neither TRL's nor verl's settings: none of {known} is among them.")


def _trl(settings: Settings, outlook: Outlook, processes: int) -> Iterator[Finding]:
    """As `GRPOConfig.__post_init__` of TRL 1.16 decides."""
    device = _given(settings, "per_device_train_batch_size") or TRL_BATCH
    group = _given(settings, "num_generations") or TRL_GROUP
    batch, often = _given(settings, "generation_batch_size"), _given(settings, "steps_per_generation")
    everywhere = device * processes
    if batch is not None and often is not None:
        what = "generation_batch_size and steps_per_generation cannot both be set."
        yield Finding(Severity.ERROR, "generation_batch_size", what, "Leave one out.")
    elif batch is not None and batch % everywhere:
        what = f"{batch} is not a multiple of the batch of all processes, {device} x {processes}."
        yield Finding(Severity.ERROR, "generation_batch_size", what)
    steps = often or _given(settings, "gradient_accumulation_steps") or TRL_ACCUMULATION
    drawn = batch or everywhere * steps
    if drawn % group:
        what = f"{drawn} responses drawn at a time are not a multiple of num_generations, {group}."
        fix = f"Make per_device_train_batch_size x processes x steps_per_generation a multiple of {group}."
        yield Finding(Severity.ERROR, "num_generations", what, fix)
    if group < 2:
        yield Finding(Severity.ERROR, "num_generations", "GRPO needs 2 responses to a prompt or more.")
    length = _given(settings, "max_completion_length") or TRL_LENGTH
    yield from _cut("max_completion_length", length, outlook)
    yield from _groups("num_generations", group, outlook)


def _verl(settings: Settings, outlook: Outlook) -> Iterator[Finding]:
    """As `validate_config` and `ActorConfig.validate` of verl 0.9 decide."""
    actor, rollout = "actor_rollout_ref.actor.", "actor_rollout_ref.rollout."
    group = _given(settings, f"{rollout}n") or VERL_GROUP
    batch = _given(settings, "data.train_batch_size")
    mini = _given(settings, f"{actor}ppo_mini_batch_size") or VERL_MINI
    gpus = (_given(settings, "trainer.n_gpus_per_node") or 8) * (_given(settings, "trainer.nnodes") or 1)
    if batch is not None and batch < mini:
        what = f"{batch} is less than {actor}ppo_mini_batch_size, {mini}."
        yield Finding(Severity.ERROR, "data.train_batch_size", what)
    if batch is not None and not settings.get(f"{actor}use_dynamic_bsz") and batch * group % gpus:
        what = f"{batch} prompts x {group} responses are not a multiple of {gpus} GPUs."
        yield Finding(Severity.ERROR, "data.train_batch_size", what)
    if str(settings.get("algorithm.adv_estimator", "gae")) == "grpo" and group < 2:
        yield Finding(Severity.ERROR, f"{rollout}n", "GRPO needs 2 responses to a prompt or more.")
    length = _given(settings, f"{rollout}response_length") or _given(settings, "data.max_response_length")
    yield from _cut("data.max_response_length", length or VERL_LENGTH, outlook)
    yield from _groups(f"{rollout}n", group, outlook)
    yield from _filtered(settings, outlook)


def _filtered(settings: Settings, outlook: Outlook) -> Iterator[Finding]:
    """DAPO draws again until a step is full of groups that teach; it gives up after a number of batches."""
    filtering = "algorithm.filter_groups."
    most = _given(settings, f"{filtering}max_num_gen_batches") if _positive(settings, filtering) else None
    if not settings.get(f"{filtering}enable") or most is None:
        return
    drawn, kept = _given(settings, "data.gen_batch_size"), _given(settings, "data.train_batch_size")
    usable = outlook.forecast.usage.usable_interval.low
    each = (drawn or kept or 1) * max(usable, 1e-9) / (kept or drawn or 1)
    if each * most < 1.0:
        what = (
            f"{most} batches hold too few groups that teach for one step: at least {percent(usable)} of the "
            f"groups do, so a step needs up to {1 / each:.0f} batches."
        )
        fix = "Raise it, or drop the prompts that are always right or always wrong first."
        yield Finding(Severity.WARNING, f"{filtering}max_num_gen_batches", what, fix)


def _positive(settings: Settings, filtering: str) -> bool:
    value = settings.get(f"{filtering}max_num_gen_batches")
    return isinstance(value, int) and value > 0  # 0 and less mean no limit


def _cut(name: str, limit: int, outlook: Outlook) -> Iterator[Finding]:
    longer = outlook.lengths.longer_than(limit)
    if longer is None or longer <= CUT:
        return
    better = outlook.lengths.proposal()
    enough = f"{better} tokens cut at most 2 %." if better else ""
    fix = enough or "The run's own limit cut too many to say which is enough."
    what = f"{limit} tokens would cut {percent(longer)} of the responses, and a cut response earns nothing."
    yield Finding(Severity.ERROR if longer >= HALF else Severity.WARNING, name, what, fix)


def _groups(name: str, group: int, outlook: Outlook) -> Iterator[Finding]:
    sizes = {size.size: size for size in outlook.sizes}
    here, more = sizes.get(group), sizes.get(2 * group)
    if here is not None and more is not None and more.usable - here.usable >= 0.1:
        what = (
            f"of groups of {group} {percent(here.usable)} teach something, of groups of {2 * group} "
            f"{percent(more.usable)}."
        )
        yield Finding(Severity.NOTE, name, what)
