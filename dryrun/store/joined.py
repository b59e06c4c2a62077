"""Two runs' scores with their prompts numbered in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from dryrun.analysis.observations import Observations
from dryrun.core.fingerprint import fingerprint
from dryrun.store.results import Results


@dataclass(frozen=True, slots=True)
class Side:
    """One run's scores with prompts numbered in common."""

    results: Results
    seen: Observations
    prompt: NDArray[np.int64]


def sides(first: Results, second: Results) -> tuple[Side, Side]:
    """Both runs' scores; equal messages have equal prompt numbers, whatever else the rows hold."""
    names = [_asked(results) for results in (first, second)]
    numbers = {name: number for number, name in enumerate(sorted({*names[0], *names[1]}))}
    made = []
    for results, own in zip((first, second), names, strict=True):
        of_prompt = np.array([numbers[name] for name in own], dtype=np.int64)
        at = results.rollouts["prompt"].to_numpy().astype(np.int64)
        made.append(Side(results, results.observations(), of_prompt[at]))
    return made[0], made[1]


def _asked(results: Results) -> list[str]:
    """What names each prompt as the model sees it."""
    items = results.run.prompt_columns(["item"])["item"].to_pylist()
    fields = (orjson.loads(item) for item in items)
    return [fingerprint([item.get("messages"), item.get("tools")]) for item in fields]
