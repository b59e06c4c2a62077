"""Pretraining, once: checkpoints saved finely, of which five levels of skill are chosen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from tests.study.grpo import CHUNK, GROUP
from tests.study.policy import (
    Adam,
    Params,
    counted,
    decoded,
    encoded,
    encoded_answers,
    initial,
    loaded,
    log_likelihood,
    sample_codes,
    saved,
)
from tests.study.tasks import TASKS, is_right, problems, response

BATCH, STEPS, MORE, EVERY, RATE, WARM = 128, 1550, 4050, 50, 3e-3, 50


def _loss(params: Params, prompts: Any, answers: Any) -> Any:
    mask = counted(answers)
    return -(log_likelihood(params, prompts, answers) * mask).sum() / mask.sum()


_gradient = jax.jit(jax.value_and_grad(_loss))


def batches(seed: int, size: int = BATCH) -> Iterator[tuple[Any, Any]]:
    """Prompts and responses without end."""
    rng = np.random.default_rng(seed)
    while True:
        chosen = problems(tuple(TASKS), size, rng)
        yield encoded([one.prompt for one in chosen]), encoded_answers([response(one, rng) for one in chosen])


def pretrain(folder: Path, steps: int = STEPS, more: int = MORE, size: int = BATCH) -> list[Path]:
    """Checkpoints of one pretraining; what is there already is not made again.

    After `steps` a second phase of `more` begins, with a third of the rate that falls to a tenth of that.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = _phase(folder, initial(0), range(1, steps + 1), EVERY, size)
    last = folder / f"step{steps:05d}.npz"
    if not last.exists():
        raise FileNotFoundError(last)
    second = _phase(folder, checkpoint(last), range(steps + 1, steps + more + 1), 4 * EVERY, size)
    return [*first, *second]


def _phase(folder: Path, params: Params, steps: range, every: int, size: int) -> list[Path]:
    wanted = [folder / f"step{step:05d}.npz" for step in steps if step % every == 0]
    if all(path.exists() for path in wanted):
        return wanted
    optimiser, later = Adam(RATE), steps[0] > 1
    for done, (step, (prompts, answers)) in enumerate(zip(steps, batches(steps[0], size), strict=False)):
        loss, gradient = _gradient(params, prompts, answers)
        scale = 0.33 * (1 - 0.9 * done / len(steps)) if later else min(1.0, step / WARM)
        params = optimiser.step(params, gradient, scale)
        if step % every == 0:
            np.savez(folder / f"step{step:05d}.npz", **saved(params))  # type: ignore[arg-type]
            print(f"step {step}: loss {float(loss):.3f}", flush=True)
    return wanted


def checkpoint(path: Path) -> Params:
    """The parameters of a checkpoint."""
    with np.load(path) as kept:
        return loaded(dict(kept))


def skill(params: Params, tasks: tuple[str, ...] = tuple(TASKS), count: int = 240) -> dict[str, float]:
    """True accuracy of each task at temperature 1, by 8 responses to each of `count` fresh problems."""
    rng = np.random.default_rng(77)
    chosen = problems(tasks, count, rng)
    right: dict[str, list[bool]] = {}
    for start in range(0, count, CHUNK):
        part = chosen[start : start + CHUNK]
        codes, _ = sample_codes(params, encoded([one.prompt for one in part]), jax.random.key(start), GROUP)
        texts = decoded(np.asarray(codes))
        for place, text in enumerate(texts):
            one = part[place // GROUP]
            right.setdefault(one.task, []).append(is_right(text, one.answer))
    return {task: float(np.mean(found)) for task, found in sorted(right.items())}
