"""The profiles of whole datasets in a data directory: their tables, their shards' runs, how far they are."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from dryrun.core.errors import DryRunError
from dryrun.core.records import RunState
from dryrun.engine.profile.shards import graded_as
from dryrun.store.partition import Store
from dryrun.store.runs import Run, RunStatus, list_runs
from dryrun.store.shared import registry

NAME = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}")
SHORT = 8


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """One profile of a data directory: the rows that were asked, under one grader.

    Attributes
    ----------
    folder : Path
    grading : str
        Names the grader and its scale, as `Shards.grading`.
    """

    folder: Path
    grading: str

    @property
    def name(self) -> str:
        """As commands take it."""
        return f"{self.folder.name[:SHORT]}-{self.grading[:SHORT]}"

    @property
    def table(self) -> Path:
        """The file with a row for each prompt."""
        return self.folder / f"profile-{self.grading}.parquet"

    def runs(self) -> list[Run]:
        """The finished runs of all shards under this grader; of a shard that which asked most often first."""
        registry.pull(self.folder)
        return [run for folder in sorted(self.folder.glob("shards/*")) for run in self._of_shard(folder)]

    def sample(self) -> Run:
        """The first round of the first shard: its rows are drawn at random, so it is judged like any run.

        Raises
        ------
        DryRunError
            It is not there.
        """
        registry.pull(self.folder)
        runs = self._of_shard(self.folder / "shards" / "00000")
        if not runs:
            raise DryRunError(f"Profile {self.name} has no finished run: `profile --all` goes on.")
        return runs[-1]

    def _of_shard(self, folder: Path) -> list[Run]:
        finished = []
        for run in list_runs(Store(folder)):
            with contextlib.suppress(DryRunError):
                if run.status().state is RunState.FINISHED and graded_as(run.config()) == self.grading:
                    finished.append((run.config().sampling.rollouts, run))
        return [run for _, run in sorted(finished, key=lambda pair: (-pair[0], pair[1].id))]


def is_profile(name: str) -> bool:
    """Whether a text is the name of a profile, and so no run's id."""
    return NAME.fullmatch(name) is not None


def stored_profiles(store: Store) -> Iterator[StoredProfile]:
    """The profiles that a data directory holds, the last written first."""
    registry.pull(store.root / "profiles")
    tables = sorted(
        (store.root / "profiles").glob("*/profile-*.parquet"), key=lambda path: -path.stat().st_mtime
    )
    for path in tables:
        yield StoredProfile(path.parent, path.stem.removeprefix("profile-"))


def open_profile(store: Store, name: str) -> StoredProfile:
    """The profile of that name.

    Raises
    ------
    DryRunError
        There is none.
    """
    for profile in stored_profiles(store):
        if profile.name == name:
            return profile
    raise DryRunError(f"There is no profile {name[:40]!r} in this data directory: see `runs`.")


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
