"""All forecasts of a data directory whose trainings are known; and trainings that others published.

Those stand in ``published.yaml``, as far as their figures go. Nobody published several responses to each
prompt, so no Signal Index and no share of mixed groups is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import TypeAdapter

from dryrun.analysis.forecast.chance import Brier, Forecasted, brier
from dryrun.core.text import one_line, short
from dryrun.report.outcome.of_run import Gap, mixed_gap, start_gap
from dryrun.store.notes import note_of
from dryrun.store.runs import Run
from dryrun.store.trainings import KeptTraining, trainings_of


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """One training.

    Attributes
    ----------
    name, source, url : str
    came : str
        The outcome beyond the figures.
    start, end : tuple of float
        Mean scores on 0..1 before and after, one for each time it was measured; empty where not published.
    foretold : str
        What the decision tree says of the figures before training.
    missing : tuple of str
        What was not published.
    """

    name: str
    source: str
    url: str
    came: str
    start: tuple[float, ...] = ()
    end: tuple[float, ...] = ()
    foretold: str = ""
    missing: tuple[str, ...] = ()

    @property
    def gain(self) -> float | None:
        """Mean of `end` less mean of `start`; None where one was not published."""
        return float(np.mean(self.end) - np.mean(self.start)) if self.start and self.end else None

    @property
    def gain_error(self) -> float | None:
        """Its standard error by the repeated measurements; None where one of them was not repeated."""
        if min(len(self.start), len(self.end)) < 2:
            return None
        return math.sqrt(sum(np.var(side, ddof=1) / len(side) for side in (self.start, self.end)))


PUBLISHED = TypeAdapter(tuple[PublishedRun, ...]).validate_python(
    yaml.safe_load(Path(__file__).with_name("published.yaml").read_text(encoding="utf-8"))
)
"""What was found in November 2026."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One training.

    Attributes
    ----------
    run : str
        The run's id.
    name : str
        What people call the run, else the first digits of its id. Untrusted.
    kept : KeptTraining
    """

    run: str
    name: str
    kept: KeptTraining

    @property
    def start(self) -> Gap | None:
        """How the first steps fit the run's mean."""
        return start_gap(self.kept.prediction, self.kept.course)

    @property
    def mixed(self) -> Gap | None:
        """How they fit its share of groups whose rewards differ."""
        return mixed_gap(self.kept.prediction, self.kept.course)

    @property
    def counts(self) -> bool:
        """Whether a probability and its outcome are both known."""
        return self.kept.prediction.chance is not None and self.kept.course.learned is not None


@dataclass(frozen=True, slots=True)
class TrainingLedger:
    """The forecasts, and what came.

    Attributes
    ----------
    entries : tuple of Entry
    brier : Brier or None
        Over the entries that count; None without one.
    published : tuple of PublishedRun
        Runs that others published. They have no dry run and enter no score.
    """

    entries: tuple[Entry, ...]
    brier: Brier | None
    published: tuple[PublishedRun, ...] = PUBLISHED


def entries_of(run: Run) -> tuple[Entry, ...]:
    """The trainings that are kept with a run."""
    kept = trainings_of(run)
    name = (one_line(note_of(run).name, 40) if kept else "") or short(run.id)
    return tuple(Entry(run.id, name, training) for training in kept)


def ledger_of(runs: Iterable[Run]) -> TrainingLedger:
    """Read what is kept with these runs."""
    entries = tuple(entry for run in runs for entry in entries_of(run))
    return TrainingLedger(entries, brier([forecasted(entry) for entry in entries if entry.counts]))


def forecasted(entry: Entry) -> Forecasted:
    """What the Brier score needs of an entry that counts."""
    prediction, course = entry.kept.prediction, entry.kept.course
    assert prediction.chance is not None
    return Forecasted(entry.run, prediction.chance, prediction.verdict == "GO", bool(course.learned))


def ledger_json(ledger: TrainingLedger) -> dict[str, Any]:
    """The ledger as plain values."""
    return {
        "format": 1,
        "brier": None if ledger.brier is None else asdict(ledger.brier),
        "trainings": [entry_json(entry) for entry in ledger.entries],
        "published": [{**asdict(published), "gain": published.gain} for published in ledger.published],
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    """One training as plain values."""
    kept = entry.kept
    predicted = {**asdict(kept.prediction), "chance": kept.prediction.chance}
    actual = {**asdict(kept.course), "gain": kept.course.gain, "gain_interval": kept.course.gain_interval}
    return {
        "run": entry.run,
        "log": kept.log,
        "trainer": kept.trainer,
        "reward_column": kept.column,
        "predicted": predicted,
        "actual": actual,
        "start": _gap_json(entry.start),
        "mixed_groups": _gap_json(entry.mixed),
        "steps": kept.steps,
        "scores": kept.scores,
        "validation": kept.validation,
    }


def _gap_json(gap: Gap | None) -> dict[str, Any] | None:
    return None if gap is None else {**asdict(gap), "difference": gap.value, "off": gap.off}
