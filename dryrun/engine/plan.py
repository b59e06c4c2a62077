"""What a run is made of: each response to get once, every grade by name, and the order of asking."""

from __future__ import annotations

import contextlib
import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dryrun.core.config import RunConfig
from dryrun.core.errors import DryRunError, StoreError
from dryrun.core.fingerprint import grade_key, grader_fingerprint
from dryrun.core.records import Prompt
from dryrun.models import Model
from dryrun.store.runs import Run, list_runs
from dryrun.store.schemas import PLAN
from dryrun.store.shared import registry

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """One response to get, and the items it is graded against.

    Attributes
    ----------
    key : str
        The sample's key.
    rollout : int
    prompts : mapping of Prompt to int
        The distinct prompts that wait for it, and how often each stands in the run. More than one
        where rows differ only in what the model does not see, or are repeated.
    """

    key: str
    rollout: int
    prompts: tuple[tuple[Prompt, int], ...]

    @property
    def rows(self) -> int:
        """The number of the run's rollouts that this response answers."""
        return sum(count for _, count in self.prompts)

    @property
    def grades(self) -> int:
        """The number of grades that the response is to get."""
        return len(self.prompts)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is made of, each response once.

    Attributes
    ----------
    asks : mapping of str to Ask
        By sample key, in sample order.
    grader : str
        Fingerprint of the grader.
    table : pyarrow.Table
        Schema `dryrun.store.schemas.PLAN`.
    """

    asks: Mapping[str, Ask]
    grader: str
    table: pa.Table

    def grade_key(self, sample_key: str, prompt: Prompt) -> str:
        """What names the grade of this sample against this prompt's item."""
        return grade_key(self.grader, sample_key, prompt.key)

    def grades_of(self, samples: Set[str]) -> dict[str, int]:
        """The keys of these samples' grades, and how many rollouts wait for each."""
        asks = [self.asks[key] for key in samples]
        return {self.grade_key(ask.key, prompt): rows for ask in asks for prompt, rows in ask.prompts}

    def restricted(self, keys: Set[str]) -> Plan:
        """The part of the plan that these samples answer."""
        asks = {key: ask for key, ask in self.asks.items() if key in keys}
        held = pc.is_in(self.table["sample_key"], value_set=pa.array(sorted(keys), pa.string()))
        return Plan(asks, self.grader, self.table.filter(held))


def make_plan(prompts: Sequence[Prompt], config: RunConfig, model: Model) -> Plan:
    """Name every sample and grade of the run, in sample order, all rollouts of a prompt together."""
    grader = grader_fingerprint(config)
    rollouts = config.sampling.rollouts
    asks: dict[str, Ask] = {}
    shared: dict[str, dict[str, tuple[Prompt, int]]] = {}
    sample_keys: list[str] = []
    grade_keys: list[str] = []
    for prompt in prompts:
        for rollout in range(rollouts):
            key = model.sample_key(prompt, rollout)
            if key in asks:
                waiting = shared.setdefault(key, {pair[0].key: pair for pair in asks[key].prompts})
                waiting[prompt.key] = (prompt, waiting.get(prompt.key, (prompt, 0))[1] + 1)
            else:
                asks[key] = Ask(key, rollout, ((prompt, 1),))
            sample_keys.append(key)
            grade_keys.append(grade_key(grader, key, prompt.key))
    for key, waiting in shared.items():
        asks[key] = replace(asks[key], prompts=tuple(waiting.values()))
    table = pa.table(
        {
            "prompt": np.repeat(np.arange(len(prompts), dtype=np.int32), rollouts),
            "rollout": np.tile(np.arange(rollouts, dtype=np.int32), len(prompts)),
            "sample_key": sample_keys,
            "grade_key": grade_keys,
        },
        schema=PLAN,
    )
    return Plan(asks, grader, table)


class Turns:
    """Hands out what is left to ask so that each worker stays with one prompt until it is through with it.

    A server that still holds the prompt it read last then reads it once for all its responses.

    Parameters
    ----------
    todo : sequence of Ask
        Prompts are begun in this order.
    """

    def __init__(self, todo: Sequence[Ask]) -> None:
        groups: dict[str, deque[Ask]] = {}
        for ask in todo:
            groups.setdefault(ask.prompts[0][0].key, deque()).append(ask)
        self._groups = list(groups.values())
        self._fresh = iter(self._groups)

    def of_worker(self) -> Iterator[Ask]:
        """What one worker asks, in turn. Once every prompt is begun, it helps where most is left."""
        while group := next(self._fresh, None) or max(self._groups, key=len, default=None):
            while group:
                yield group.popleft()


def away_from_others(run: Run, todo: Sequence[T]) -> Sequence[T]:
    """`todo` in an order that keeps out of the way of older runs that ask the same model the same prompts.

    The second to be worked on at once goes backwards, later ones by chance: few calls are then in
    flight in two of them.
    """
    older = _older_at_work(run) if todo else 0
    if older > 1:
        return random.Random(run.id).sample(todo, len(todo))
    return todo[::-1] if older else todo


def check_elsewhere(run: Run) -> None:
    """Pass where no other machine asks the same model the same prompts at this moment.

    On one machine the processes share such calls. Two machines would learn too late what the other has
    asked, and the grade of one answer could stand beside the other.

    Raises
    ------
    DryRunError
        Another machine does.
    StoreError
        The shared store cannot be reached.
    """
    if registry.copy_of(run.folder) is None:
        return
    registry.pull(run.store.runs, light=True, fresh=True)
    config = run.config()
    for other in list_runs(run.store):
        with contextlib.suppress(StoreError, OSError):
            if registry.held_elsewhere(other.folder) and _alike(other.config(), config):
                raise DryRunError(
                    "Another machine asks the same model the same prompts at this moment. Start again when "
                    "its run has ended: its responses cost nothing then."
                )


def _older_at_work(run: Run) -> int:
    config, born, count = run.config(), _born(run), 0
    for other in list_runs(run.store):
        with contextlib.suppress(DryRunError, OSError):
            older = other.id != run.id and _born(other) < born
            count += older and other.held() and _alike(other.config(), config)
    return count


def _born(run: Run) -> tuple[int, str]:
    return (run.folder / "config.json").stat().st_mtime_ns, run.id


def _alike(first: RunConfig, second: RunConfig) -> bool:
    """Whether both ask the same model about the same dataset."""
    models = (config.model.model_copy(update={"batch": None}) for config in (first, second))
    return first.dataset == second.dataset and next(models) == next(models)
