"""How far the profiles of whole datasets in a data directory are, from every process that works on them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from dryrun.core.errors import DryRunError
from dryrun.core.records import RunState
from dryrun.store.partition import Store
from dryrun.store.runs import RunStatus, list_runs
from dryrun.store.shared import registry


@dataclass(frozen=True, slots=True)
class ProfileStanding:
    """Where one profile stands.

    Attributes
    ----------
    dataset, model : str
    shards : int
        At most: equal rows are asked once, so there may be fewer.
    done : int
        Shards with a run that has finished.
    live : int
        Runs that somebody works on now.
    responses, calls : int
    updated : float
        When it last changed, in seconds since the epoch.
    """

    dataset: str
    model: str
    shards: int
    done: int
    live: int
    responses: int
    calls: int
    updated: float


def standings(store: Store) -> list[ProfileStanding]:
    """All profiles in the data directory, the last changed first; what cannot be read is left out."""
    profiles = []
    registry.pull(store.root / "profiles", light=True)
    for path in (store.root / "profiles").glob("*/profile.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            profiles.append(_standing(path))
    return sorted(profiles, key=lambda standing: -standing.updated)


def _standing(path: Path) -> ProfileStanding:
    about = orjson.loads(path.read_bytes())
    shards = [list(_statuses(folder)) for folder in path.parent.glob("shards/*")]
    every = [status for shard in shards for status in shard]
    return ProfileStanding(
        dataset=str(about["dataset"]["name"]),
        model=str(about["model"]["name"]),
        shards=-(-int(about["dataset"]["rows"]) // int(about["shard_rows"])),
        done=sum(any(status.state is RunState.FINISHED for status in shard) for shard in shards),
        live=sum(status.live for status in every),
        responses=sum(status.answers for status in every),
        calls=sum(status.attempts for status in every),
        updated=max((status.updated for status in every), default=path.stat().st_mtime),
    )


def _statuses(folder: Path) -> Iterator[RunStatus]:
    for run in list_runs(Store(folder)):
        with contextlib.suppress(DryRunError):
            yield run.status()
