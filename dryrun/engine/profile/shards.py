"""A whole dataset in shards, each an ordinary run in a data directory of its own.

Layout of ``profiles/<id>/`` in the data directory::

    profile.json            the dataset and the model that is asked; never changes
    outcome-GRADER.json     what says that a response is right, as it was guessed on the first shard
    round-4-GRADER.parquet  the rows that get 4 responses, those first whose class is least decided
    profile-GRADER.parquet  the profile, a row for each prompt, as it was when the command ended
    shards/00000/           a data directory: runs/, samples/ and grades/ of this shard's rows

The order of the rows depends on the seed and their content, so the same command finds the same shards. A
shard has its own responses and grades: what is read at once does not grow with the dataset. Another grader
scores the same responses, and another pace (calls at once, time limits) asks nothing again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from dryrun.core.arrays import Ints
from dryrun.core.config import RunConfig
from dryrun.core.errors import DryRunError
from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import RunState
from dryrun.dataset import Dataset
from dryrun.dataset.draw import seeded_order
from dryrun.engine.prepare import Prepared
from dryrun.store.partition import Store, table_bytes, write_aside
from dryrun.store.runs import Run, RunStatus, list_runs
from dryrun.store.shared import registry

SHARD_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Shards:
    """The folder of one profile.

    Attributes
    ----------
    folder : Path
    order : int64 array
        Positions of the different rows of the dataset, in the order of asking.
    size : int
        Rows of a shard.
    grading : str
        Names the grader and its scale.
    """

    folder: Path
    order: Ints
    size: int
    grading: str

    @classmethod
    def of(cls, store: Store, dataset: Dataset, config: RunConfig, size: int = SHARD_ROWS) -> Shards:
        """The shards of this dataset under this configuration, written down where they are new.

        Parameters
        ----------
        store : Store
        dataset : Dataset
        config : RunConfig
            What is asked of every row; how many rows and responses there are is left aside.
        size : int

        Raises
        ------
        StoreError
            The data directory cannot be written.
        """
        asked = _asked(config)
        about = {name: asked[name] for name in ("dataset", "model", "sampling")} | {"shard_rows": size}
        folder = store.root / "profiles" / fingerprint(about)
        registry.pull(folder)
        if not (folder / "profile.json").exists():
            write_aside(folder / "profile.json", orjson.dumps(about, option=orjson.OPT_INDENT_2))
        order = _different_rows(dataset, config.sampling.seed)
        return cls(folder, order, size, graded_as(config))

    def __len__(self) -> int:
        return -(-len(self.order) // self.size)

    def rows(self, shard: int) -> Ints:
        """Positions of the rows of one shard."""
        return self.order[shard * self.size : (shard + 1) * self.size]

    def store(self, shard: int) -> Store:
        """The data directory of one shard."""
        return Store(self.folder / "shards" / f"{shard:05d}")

    def run(self, shard: int, prepared: Prepared) -> Run:
        """The run of this shard that asks just this, at whatever pace it was finished; else a new one.

        Raises
        ------
        StoreError
            The data directory cannot be written.
        """
        store, keys = self.store(shard), [prompt.key for prompt in prepared.prompts]
        for run in list_runs(store):
            with contextlib.suppress(DryRunError):
                same = run.config().asks_the_same(prepared.config)
                done = run.status().state is RunState.FINISHED and _alike(run.config(), prepared.config)
                if (same or done) and run.prompt_columns(["key"])["key"].to_pylist() == keys:
                    return run
        return Run.create(store, prepared.config, prepared.prompts)

    def statuses(self) -> Iterator[tuple[Run, RunStatus]]:
        """Where each run of each shard stands, under this grader."""
        for shard in range(len(self)):
            for run in list_runs(self.store(shard)):
                with contextlib.suppress(DryRunError):
                    if graded_as(run.config()) == self.grading:
                        yield run, run.status()

    def outcome(self) -> str | None:
        """What says that a response is right, in the words of `choose_outcome`; None before it is known."""
        try:
            return str(orjson.loads(self._outcome.read_bytes())["outcome"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep_outcome(self, words: str) -> None:
        """Write down what says that a response is right: it must not change from shard to shard."""
        write_aside(self._outcome, orjson.dumps({"outcome": words}))

    @property
    def _outcome(self) -> Path:
        return self.folder / f"outcome-{self.grading}.json"

    def round(self, responses: int) -> Ints | None:
        """The rows chosen to get this number of responses, in the order of need; None if not chosen yet."""
        try:
            rows: Ints = pq.read_table(self._round(responses), partitioning=None)["row"].to_numpy()
        except (OSError, KeyError, pa.ArrowException):
            return None
        return rows

    def keep_round(self, responses: int, rows: Ints) -> None:
        """Write down which rows get this number of responses: a resumed profile asks for the same rows."""
        write_aside(self._round(responses), table_bytes(pa.table({"row": rows})))

    def _round(self, responses: int) -> Path:
        return self.folder / f"round-{responses}-{self.grading}.parquet"


def graded_as(config: RunConfig) -> str:
    """Names what is asked and how it is graded, whatever the number of rows and responses and the pace."""
    return fingerprint(_asked(config))[:12]


def _asked(config: RunConfig) -> dict[str, Any]:
    """What decides the responses and their grades, whatever their number and the pace."""
    pace = {"concurrency", "timeout"}
    return config.model_dump(
        mode="json",
        exclude={
            "sampling": {"size", "rollouts"},
            "model": pace | {"batch"},
            "judge": pace,
            "grade_timeout": True,
        },
    )


def _alike(first: RunConfig, second: RunConfig) -> bool:
    return first.sampling == second.sampling and _asked(first) == _asked(second)


def _different_rows(dataset: Dataset, seed: int) -> Ints:
    """The first of each set of equal rows, in seeded order."""
    _, first = np.unique(dataset.row_digests, axis=0, return_index=True)
    kept = np.zeros(len(dataset), bool)
    kept[first] = True
    order = seeded_order(dataset.row_digests, seed)
    return order[kept[order]]
