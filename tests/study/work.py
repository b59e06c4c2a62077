"""One piece of the study each: a dry run of a condition, or a training; kept as a small file, made once."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from tests.study.conditions import Condition, conditions, runs, settings
from tests.study.forecast import judged, log_of
from tests.study.graders import Rewards, grader_config
from tests.study.grpo import CHUNK, GROUP, Budget, train
from tests.study.policy import Params, decoded, encoded, sample_codes
from tests.study.pretrain import checkpoint
from tests.study.tasks import Problem, is_right
from tests.study.world import World, world

SIZES = {1: 4, 3: 8}
"""Responses to each prompt of a dry run, by the seed with which it is made."""
REWARDED = 120
"""Prompts on which the given reward is measured."""


def sampled(params: Params, problems: Sequence[Problem], seed: int) -> list[list[str]]:
    """GROUP responses to each problem, at temperature 1."""
    texts: list[list[str]] = []
    for start in range(0, len(problems), CHUNK):
        prompts = [one.prompt for one in problems[start : start + CHUNK]]
        codes = encoded(prompts + [prompts[0]] * (CHUNK - len(prompts)))
        drawn, _ = sample_codes(params, codes, jax.random.key(seed + start), GROUP)
        flat = decoded(np.asarray(drawn))
        texts += [flat[place * GROUP : (place + 1) * GROUP] for place in range(len(prompts))]
    return texts


def accuracy(problems: Sequence[Problem], texts: Sequence[Sequence[str]]) -> float:
    """Share of responses that are right, in any form."""
    return float(
        np.mean(
            [is_right(text, one.answer) for one, row in zip(problems, texts, strict=True) for text in row]
        )
    )


def foretold(condition: Condition, params: Params, k: int) -> dict[str, Any]:
    """The product's dry run of a condition with `k` responses to each prompt."""
    rows = world(condition)
    texts = [row[:k] for row in sampled(params, rows.trained, 900_001)]
    with tempfile.TemporaryDirectory() as folder:
        return judged(
            Path(folder), log_of(rows.items, texts), grader_config(condition.kind), probing=k == SIZES[1]
        )


def untrained(condition: Condition, params: Params) -> dict[str, Any]:
    """What the policy does before training."""
    with Rewards(grader_config(condition.kind)) as rewards:
        return measured(params, world(condition), rewards, 500_009)


def trained(condition: Condition, params: Params, seed: int, budget: Budget) -> dict[str, Any]:
    """One GRPO training with the condition's grader, and what the policy does after it."""
    rows, started = world(condition), time.process_time()
    with Rewards(grader_config(condition.kind)) as rewards:

        def reward(texts: Sequence[str], places: Sequence[int]) -> NDArray[np.float64]:
            return rewards.of(texts, [rows.items[place] for place in places])

        prompts = [one.prompt for one in rows.trained]
        after, course = train(params, prompts, reward, seed, budget)
        found = measured(after, rows, rewards, 700_001 + 1000 * seed)
    course = [round(value, 4) for value in course]
    return {"after": found, "course": course, "seconds": time.process_time() - started}


def measured(params: Params, rows: World, rewards: Rewards, seed: int) -> dict[str, float]:
    """True accuracy on held-out problems, reward on some that are trained on, and the mean length."""
    texts, own = sampled(params, rows.held_out, seed), sampled(params, rows.trained[:REWARDED], seed + 500)
    flat = [text for row in own for text in row]
    given = rewards.of(flat, [rows.items[place] for place in range(len(own)) for _ in range(GROUP)])
    return {
        "accuracy": accuracy(rows.held_out, texts),
        "reward": float(np.mean(given)),
        "length": float(np.mean([len(text) for row in texts for text in row])),
    }


def kept(path: Path, make: Any) -> None:
    """Make a result unless it is there; written aside and renamed, so that a kill leaves none in part."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    found = json.dumps(make())
    aside = path.with_suffix(f".{os.getpid()}")
    aside.write_text(found, "utf-8")
    aside.replace(path)


def work(data: Path, worker: int, workers: int) -> None:
    """Make what is missing, each worker its share; the first seed of all conditions comes first."""
    jax.config.update("jax_compilation_cache_dir", str(data / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    chosen, set_ = conditions(), settings()
    budget = Budget(set_["steps"], set_["rate"])
    policies = [checkpoint(data / "checkpoints" / f"step{step:05d}.npz") for step in set_["checkpoints"]]
    for place, (condition, seed, scale) in enumerate(runs(chosen)):
        if place % workers != worker:
            continue
        policy, results = policies[condition.skill], data / "results"
        if seed in SIZES and scale:
            k = SIZES[seed]
            kept(results / f"{condition.name}.k{k}.json", partial(foretold, condition, policy, k))
        if seed == 1 and scale:
            kept(results / f"{condition.name}.before.json", partial(untrained, condition, policy))
        name = f"{condition.name}.{seed}{'' if scale else '.unscaled'}"
        own = replace(budget, scale=scale)
        kept(results / f"{name}.json", partial(trained, condition, policy, seed, own))
        print(name, flush=True)
