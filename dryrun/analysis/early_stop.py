"""Has the verdict settled while the run still goes on? Looked at repeatedly, and corrected for it.

Looks are taken at prompt counts fixed beforehand, of the first prompts in sample order, each of them
complete: a random sample, whichever responses came back fastest. At each look the prompts are drawn again,
and the share of re-draws with another verdict stands for the chance that sampling alone decided. The
verdict is called settled when that share is at most alpha / (number of looks) at two looks in a row: by
Bonferroni's inequality the chance of ever calling a wrong one settled stays below alpha.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dryrun.analysis.figures.redraw import PromptSums, redrawn
from dryrun.analysis.verdict.stability import branches
from dryrun.core.arrays import Floats, Ints
from dryrun.core.thresholds import Thresholds

ALPHA = 0.05
FIRST = 60
"""Prompts at the first look: with fewer, re-drawing says too little where nearly all scores are alike."""
STEP, GROWTH = 20, 1.15
"""The next look comes at least `STEP` prompts later, and at `GROWTH` times the prompts of the last look."""
DRAWS = 2000
IN_A_ROW = 2


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the first `prompts` prompts.

    Attributes
    ----------
    prompts : int
    proceed : bool
        Whether the decision tree says GO.
    agreement : float
        Share of re-draws that say the same.
    """

    prompts: int
    proceed: bool
    agreement: float


@dataclass(frozen=True, slots=True)
class Settled:
    """A verdict that no longer depends on which prompts come next.

    Attributes
    ----------
    verdict : str
        ``"GO"`` or ``"NO-GO"``, by the decision tree.
    since : int
        Prompts at the first of the looks that agreed.
    prompts : int
        Prompts at the last one.
    agreement : float
        The least of their shares.
    """

    verdict: str
    since: int
    prompts: int
    agreement: float

    @property
    def sentence(self) -> str:
        """What has settled: the tree's part of the verdict, which evidence may still turn into a NO-GO."""
        share = math.floor(self.agreement * 1000) / 10
        settled = f"Settled: since prompt {self.since:,} mean and std say {self.verdict}"
        weighed = "" if self.verdict == "NO-GO" else " All other evidence is weighed at the end."
        return f"{settled} in {share:g} % of bootstrap samples.{weighed}"


def schedule(planned: int) -> tuple[int, ...]:
    """The numbers of prompts at which a run of `planned` prompts is looked at; its end is not among them."""
    sizes = []
    at = FIRST
    while at < planned:
        sizes.append(at)
        at = max(at + STEP, math.ceil(at * GROWTH))
    return tuple(sizes)


def look(
    score: Floats, prompt: Ints, thresholds: Thresholds, seed: int = 0, draws: int = DRAWS
) -> Look | None:
    """Look once; None while there is no mean or no spread yet.

    Prompts are drawn again twice: as they are, and with two more, one that scores 0 throughout and one that
    scores 1. Without these two, scores that are nearly all alike would look far surer than they are (the rule
    of succession); with them alone, their spread would look wider than it is. The smaller share counts.

    Parameters
    ----------
    score, prompt : arrays of shape (n,)
        Of the first prompts, all their rollouts; NaN where there is no score.
    thresholds : Thresholds
    seed, draws : int
    """
    sums = PromptSums.of(score, prompt)
    prompts = int(sums.count.size)
    if prompts < 2 or sums.count.sum() < 3:
        return None
    valid = score[np.isfinite(score)]
    here = bool(branches(valid.mean(keepdims=True), valid.std(ddof=1, keepdims=True), thresholds)[0] == 3)
    shares = [
        float(((branches(*redrawn(part, draws, seed), thresholds) == 3) == here).mean())
        for part in (sums, _with_extremes(sums))
    ]
    return Look(prompts, here, min(shares))


def settle(looks: Sequence[Look], planned: int, alpha: float = ALPHA) -> Settled | None:
    """Whether the newest looks agree; None while they do not.

    Parameters
    ----------
    looks : sequence of Look
        Those taken so far, in order.
    planned : int
        Prompts of the whole run, which fix the number of looks.
    alpha : float
        Chance of ever calling a wrong verdict settled, at most.
    """
    least = 1 - alpha / max(len(schedule(planned)), 1)
    agreed: list[Look] = []
    for recent in reversed(looks):
        if recent.agreement < least or recent.proceed != looks[-1].proceed:
            break
        agreed.insert(0, recent)
    if len(agreed) < IN_A_ROW:
        return None
    verdict = "GO" if agreed[-1].proceed else "NO-GO"
    share = min(recent.agreement for recent in agreed)
    return Settled(verdict, agreed[0].prompts, agreed[-1].prompts, share)


def _with_extremes(sums: PromptSums) -> PromptSums:
    each = float(sums.count.mean())
    off = np.array([0.0, 1.0]) - sums.center
    return replace(
        sums,
        count=np.append(sums.count, [each, each]),
        total=np.append(sums.total, each * off),
        square=np.append(sums.square, each * off**2),
    )
