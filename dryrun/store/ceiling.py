"""A stronger model as ceiling: what it earns on the same prompts from the same grader.

The scores are copied when a run is chosen and kept with the run they are the ceiling of, so that
report, page and downloads agree, whatever becomes of the other run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import orjson

from dryrun.analysis.figures.anchors import Anchors
from dryrun.core.arrays import Floats, Ints
from dryrun.core.errors import DryRunError
from dryrun.core.text import percent
from dryrun.store.partition import write_aside
from dryrun.store.results import Results, Side, sides
from dryrun.store.runs import Run
from dryrun.store.shared import registry

FILE = "ceiling.json"
LEAST = 20
"""Prompts that both have a score for; fewer say too little."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a stronger model earns.

    Attributes
    ----------
    run, model : str
        Where the scores come from.
    scores : float64 array
        On 0..1, of its responses to prompts that both runs have.
    prompts : int
        The number of these prompts.
    """

    run: str
    model: str
    scores: Floats
    prompts: int

    @property
    def mean(self) -> float:
        """``s``, the mean of its scores: what it lacks to 1 is the most that can be the grader's fault."""
        return float(self.scores.mean())

    def most_blame(self, mean: float) -> float | None:
        """The grader's share of a low mean, at most: (1 - s) / (1 - m); None where that says nothing."""
        share = (1 - self.mean) / (1 - mean) if mean < 1 else 1.0
        return share if share < 1 else None


def choose_ceiling(results: Results, stronger: Results) -> Ceiling:
    """Keep the scores of another run as the ceiling of this one.

    Parameters
    ----------
    results : Results
        Of a run that can be written to.
    stronger : Results

    Raises
    ------
    DryRunError
        Another grader scored it, they share too few prompts, or it earns less than this run.
    """
    if results.run.folder.resolve() == stronger.run.folder.resolve():
        raise DryRunError("A run cannot be its own ceiling. Choose a run of a stronger model.")
    if results.grading != stronger.grading:
        raise DryRunError(
            "The ceiling run was scored by another grader. Score its responses with this one first: "
            f"python -m dryrun regrade --run {stronger.run.id} --grader ..."
        )
    own, other = sides(results, stronger)
    shared = np.intersect1d(_scored(own), _scored(other))
    if shared.size < LEAST:
        raise DryRunError(
            f"The runs share {shared.size} prompts with a score; {LEAST} are needed. Run the stronger model "
            "on the same dataset with the same sampling seed."
        )
    own_scores, scores = _on(own, shared), _on(other, shared)
    if scores.mean() < own_scores.mean():
        raise DryRunError(
            f"On the shared prompts that run scores {scores.mean():.2f}, this one {own_scores.mean():.2f}: "
            "it is not a ceiling. Choose a run of a stronger model."
        )
    ceiling = Ceiling(stronger.run.id, stronger.config.model.name, scores, int(shared.size))
    kept = {
        "run": ceiling.run,
        "model": ceiling.model,
        "prompts": ceiling.prompts,
        "scores": scores.tolist(),
    }
    write_aside(results.run.folder / FILE, orjson.dumps(kept))
    return ceiling


def forget_ceiling(run: Run) -> None:
    """Forget the run's ceiling."""
    (run.folder / FILE).unlink(missing_ok=True)
    registry.removed(run.folder / FILE)


def ceiling_of(run: Run) -> Ceiling | None:
    """What was chosen; None if nothing was."""
    try:
        kept = orjson.loads((run.folder / FILE).read_bytes())
        scores = np.array(kept["scores"], dtype=np.float64)
        return Ceiling(str(kept["run"]), str(kept["model"]), scores, int(kept["prompts"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def with_ceiling(anchors: Anchors | None, ceiling: Ceiling | None) -> Anchors | None:
    """The anchors with the stronger model's scores beside them."""
    if ceiling is None:
        return anchors
    return replace(anchors or Anchors(), stronger=ceiling.scores)


def ceiling_words(ceiling: Ceiling, mean: float | None) -> str:
    """What the ceiling says, in a sentence; `mean` is the run's own."""
    words = (
        f"A stronger model ({ceiling.model}) scores {ceiling.mean:.2f} on {ceiling.prompts:,} of these "
        f"prompts, its best tenth {np.quantile(ceiling.scores, 0.9):.2f} or more."
    )
    most = None if mean is None else ceiling.most_blame(mean)
    if most is None:
        return words
    return f"{words} So the grader explains at most {percent(most)} of what this run lacks to 1."


def _scored(side: Side) -> Ints:
    return side.prompt[np.isfinite(side.seen.score)]


def _on(side: Side, prompts: Ints) -> Floats:
    return side.seen.score[np.isfinite(side.seen.score) & np.isin(side.prompt, prompts)]
