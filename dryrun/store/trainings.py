"""How trainings went that came after a run: kept with the run, beside what the run had said of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dryrun.analysis.forecast.chance import Prediction
from dryrun.analysis.forecast.course import Course
from dryrun.core.errors import DryRunError
from dryrun.store.partition import write_aside
from dryrun.store.runs import Run
from dryrun.store.shared import registry

FILE = "outcome.json"
FORMAT = 1
MOST = 50
"""Trainings that are kept with one run."""
MOST_BYTES = 2**24


@dataclass(frozen=True, slots=True)
class KeptTraining:
    """One training.

    Attributes
    ----------
    log : str
        The name of its log's file. Untrusted.
    digest : str
        Of the log's rewards: the same log added again takes the place of itself.
    trainer : str
        Whose log it is: ``"TRL"``; ``""`` where that is not known.
    column : str
        The log's name of the reward. Untrusted.
    added : float
        Seconds since the epoch.
    prediction : Prediction
        What the run said when the log was added.
    course : Course
    steps, scores : tuple of float
        The curve, thinned; scores on 0..1.
    validation : tuple of (float, float)
        Step and mean score on validation prompts.
    """

    log: str
    digest: str
    trainer: str
    column: str
    added: float
    prediction: Prediction
    course: Course
    steps: tuple[float, ...]
    scores: tuple[float, ...]
    validation: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class _File:
    trainings: tuple[KeptTraining, ...]
    format: int = FORMAT


_FILE = TypeAdapter(_File)


def trainings_of(run: Run) -> tuple[KeptTraining, ...]:
    """What was kept, in the order it was added; empty where nothing was, or where it cannot be read."""
    path = run.folder / FILE
    try:
        about = path.stat()
    except OSError:
        return ()
    return () if about.st_size > MOST_BYTES else _read(path, about.st_mtime_ns, about.st_ino)


@lru_cache(maxsize=200)
def _read(path: Path, *_: int) -> tuple[KeptTraining, ...]:
    """Read once for each file that was written: a list of runs asks again every few seconds."""
    try:
        return _FILE.validate_json(path.read_bytes()).trainings
    except (OSError, ValidationError):
        return ()


def keep_training(run: Run, training: KeptTraining) -> None:
    """Keep a training; one of the same log is replaced.

    Raises
    ------
    DryRunError
        Too many are kept already, or the run is no longer there.
    StoreError
        The disk is full or read-only.
    """
    others = tuple(kept for kept in trainings_of(run) if kept.digest != training.digest)
    if len(others) >= MOST:
        raise DryRunError(
            f"Run {run.id} has {len(others)} trainings already; {MOST} are the most. "
            "Forget some: python -m dryrun outcome RUN --forget."
        )
    Run.open(run.store, run.id)  # a file in a folder that was deleted would bring half a run back
    write_aside(run.folder / FILE, _FILE.dump_json(_File((*others, training)), indent=2))


def forget_trainings(run: Run) -> int:
    """Delete what was kept; the number of trainings that were."""
    kept = len(trainings_of(run))
    (run.folder / FILE).unlink(missing_ok=True)
    registry.removed(run.folder / FILE)
    return kept
