"""Two processes at the same prompts: neither repeats what the other has stored."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from dryrun.core.config import RunConfig
from dryrun.core.errors import DryRunError
from dryrun.store.partition import HEAD, NO_RESULT, Partition, lock
from dryrun.store.runs import Run, list_runs
from dryrun.store.schemas import Row

SHARED_SECONDS = 0.25
"""Between two flushes, and two looks at what others wrote, once somebody else writes too."""

T = TypeVar("T")


class Others:
    """Looks for what other processes add to a partition.

    Parameters
    ----------
    partition : Partition
        What is in it already is no news.
    """

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._seen = {path.name for path in partition.parts()}

    def news(self, own: Set[str]) -> set[str]:
        """Keys with a result in the parts that came since the last look, less those named `own`."""
        new = [path for path in self._partition.parts() if path.name not in self._seen]
        self._seen.update(path.name for path in new)
        return {key for path in new if path.name not in own for key in self._finished(path)}

    def _finished(self, path: Path) -> list[str]:
        head = self._partition.read_part(path, HEAD)
        if head is None:
            return []
        without = pc.is_in(head["outcome"], value_set=pa.array(sorted(NO_RESULT)))
        found: list[str] = head.filter(pc.invert(without))["key"].to_pylist()
        return found


class FirstCome:
    """Of two answers to the same, the one on disk first counts: a later one is not written.

    Else what is shown could be one process's answer beside the grade of the other's.

    Parameters
    ----------
    samples : Partition
    """

    def __init__(self, samples: Partition) -> None:
        self._samples, self._others = samples, Others(samples)
        self._answered: set[str] = set()

    def append(self, rows: Sequence[Row], own: Set[str]) -> tuple[str, set[str]]:
        """Write what others have not answered; the part's name, and the keys that came too late.

        Raises
        ------
        StoreError
            As `Partition.append`.
        """
        if not rows:
            return self._samples.append(rows), set()
        with self._turn():
            self._answered |= self._others.news(own)
            late = {row["key"] for row in rows if row["outcome"] not in NO_RESULT} & self._answered
            return self._samples.append([row for row in rows if row["key"] not in late]), late

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Look and write with nobody in between; without a lock where there is none to be had."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                lock(stack.enter_context((self._samples.folder / "lock").open("a+b")), exclusive=True)
            yield


def away_from_others(run: Run, todo: Sequence[T]) -> Sequence[T]:
    """`todo` in an order that keeps out of the way of older runs that ask the same model the same prompts.

    The second to be worked on at once goes backwards, later ones by chance: few calls are then in
    flight in two of them.
    """
    older = _older_at_work(run) if todo else 0
    if older > 1:
        return random.Random(run.id).sample(todo, len(todo))
    return todo[::-1] if older else todo


def _older_at_work(run: Run) -> int:
    config, born, count = run.config(), _born(run), 0
    for other in list_runs(run.store):
        with contextlib.suppress(DryRunError, OSError):
            older = other.id != run.id and _born(other) < born
            count += older and other.held() and _alike(other.config(), config)
    return count


def _born(run: Run) -> tuple[int, str]:
    return (run.folder / "config.json").stat().st_mtime_ns, run.id


def _alike(one: RunConfig, other: RunConfig) -> bool:
    """Whether what they ask for may be the same: dataset and model are."""
    models = (config.model.model_copy(update={"batch": None}) for config in (one, other))
    return one.dataset == other.dataset and next(models) == next(models)
