"""How well verdicts and figures foretell gain: AUC with a cluster bootstrap, and shares of wrong calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GAINS, HARDLY = 0.05, 0.02
"""A run gains from here on; below the other it hardly does."""
DRAWS = 500
BANDS = (0.05, 0.1, 0.2, 0.3, 0.45, 1.0)
"""Upper ends of the bands of the Signal Index."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run: what was said before training, and what came of it.

    Attributes
    ----------
    conditions : tuple of str
        Codes of what a GO hangs on.
    checked : bool
        The grader graded right and worthless answers; the summary of a GO says so where it did not.
    teaches : bool
        The headline of a NO-GO says that many groups would teach.
    figures : dict
        What the verdict rests on, by name; missing where it was not measured.
    """

    family: str
    case: str
    difficulty: str
    repeat: int
    half: str
    tree: str
    verdict: str
    dataset: str
    grader: str
    signal: float | None
    oracle: float
    before: float
    gain: float
    reasons: tuple[str, ...]
    conditions: tuple[str, ...]
    checked: bool
    teaches: bool
    figures: Mapping[str, float | None]

    @property
    def cluster(self) -> str:
        """Runs of one family under one reward are no independent trials."""
        return f"{self.family}/{self.case}"


def auc(score: Floats, hit: NDArray[np.bool_]) -> float:
    """Chance that a hit outscores a miss, ties counted half; NaN without both."""
    hits, misses = score[hit], np.sort(score[~hit])
    if not hits.size or not misses.size:
        return float("nan")
    below, upto = np.searchsorted(misses, hits, "left"), np.searchsorted(misses, hits, "right")
    return float(((below + upto) / 2).mean() / misses.size)


FORECASTS: Mapping[str, Callable[[Outcome], float | None]] = {
    "tree": lambda run: float(run.tree == "GO"),
    "verdict": lambda run: float(run.verdict == "GO"),
    "signal_index": lambda run: run.signal,
    "pull": lambda run: run.figures.get("pull"),
    "oracle": lambda run: run.oracle,
}


def forecast(runs: Sequence[Outcome], name: str, seed: int = 0) -> dict[str, float]:
    """AUC for a gain above `GAINS`, with 95 % from re-drawn clusters; over the runs that have the figure."""
    having = [run for run in runs if FORECASTS[name](run) is not None]
    score = np.array([FORECASTS[name](run) for run in having], dtype=np.float64)
    hit = np.array([run.gain > GAINS for run in having])
    _, cluster = np.unique([run.cluster for run in having], return_inverse=True)
    members = [np.flatnonzero(cluster == number) for number in range(cluster.max(initial=-1) + 1)]
    rng, drawn = np.random.default_rng(seed), []
    for _ in range(DRAWS if members else 0):
        places = np.concatenate([members[one] for one in rng.integers(0, len(members), len(members))])
        drawn.append(auc(score[places], hit[places]))
    low, high = np.nanquantile(drawn, [0.025, 0.975]) if drawn else (np.nan, np.nan)
    return {"auc": auc(score, hit), "low": float(low), "high": float(high), "runs": len(having)}


def share(runs: Sequence[Outcome], wrong: Callable[[Outcome], bool]) -> dict[str, float]:
    """Of these runs, how many are such."""
    hits = sum(wrong(run) for run in runs)
    return {"share": hits / len(runs) if runs else float("nan"), "number": hits, "of": len(runs)}


def summarised(runs: Sequence[Outcome]) -> dict[str, Any]:
    """All figures of some runs."""
    added = [run for run in runs if run.verdict == "NO-GO" and run.tree == "GO"]
    stopped = [run for run in runs if run.tree == "NO-GO"]
    going = [run for run in runs if run.verdict == "GO"]
    return {
        "runs": len(runs),
        "gaining": share(runs, lambda run: run.gain > GAINS),
        "forecasts": {name: forecast(runs, name) for name in FORECASTS},
        **{f"gaining_below_{end:g}": of for end, of in _by_signal(runs)},
        "added_no_go_that_gain": share(added, lambda run: run.gain > GAINS),
        "tree_no_go_that_gain": share(stopped, lambda run: run.gain > GAINS),
        "tree_no_go_that_gain_with_second_half": share(
            [run for run in stopped if run.gain > GAINS], lambda run: run.teaches
        ),
        "second_half_that_gains": share(
            [run for run in stopped if run.teaches], lambda run: run.gain > GAINS
        ),
        "go_that_hardly_gain": share(going, lambda run: run.gain < HARDLY),
        "plain_go_that_hardly_gain": share(
            [run for run in going if run.checked and not run.conditions], lambda run: run.gain < HARDLY
        ),
        "go_unchecked_that_hardly_gain": share(
            [run for run in going if not run.checked], lambda run: run.gain < HARDLY
        ),
        "go_of_tree_that_hardly_gain": share(
            [run for run in runs if run.tree == "GO"], lambda run: run.gain < HARDLY
        ),
    }


def _by_signal(runs: Sequence[Outcome]) -> Iterator[tuple[float, dict[str, float]]]:
    """The runs that gain, by their Signal Index."""
    start = -1.0
    for end in BANDS:
        upto = math.inf if end == 1 else end
        within = [run for run in runs if run.signal is not None and start <= run.signal < upto]
        yield end, share(within, lambda run: run.gain > GAINS)
        start = end


def rows(runs: Sequence[Outcome]) -> list[dict[str, Any]]:
    """As JSON has it."""
    return [asdict(run) for run in runs]


def table(figures: Mapping[str, Any]) -> str:
    """The figures as text, a line each."""
    lines = [f"runs {figures['runs']}"]
    for name, found in figures["forecasts"].items():
        interval = f"({found['low']:.3f} to {found['high']:.3f})"
        lines.append(f"AUC {name:14s} {found['auc']:.3f} {interval}, {found['runs']} runs")
    for name, found in figures.items():
        if isinstance(found, dict) and "share" in found:
            lines.append(f"{name:30s} {found['share']:.3f} ({found['number']} of {found['of']})")
    return "\n".join(lines)
