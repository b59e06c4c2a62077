"""Planning a run: what is known about the scores to come, and the plan in sentences."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from dryrun.analysis.figures.groups import GROUP
from dryrun.analysis.sample_size import DISTANCE, Foresight, Spread, assumed, learned
from dryrun.core.errors import DryRunError
from dryrun.core.text import plural
from dryrun.core.thresholds import Thresholds
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, list_runs

LEAST_PROMPTS = 30
"""An earlier run with fewer scored prompts teaches nothing."""
PASS_FAIL = ("string_check", "label_model")
"""Grader types that pay all or nothing."""


def spread_of(run: Run) -> Spread | None:
    """The spread of a run's scores; None where it has too few."""
    observed = load_results(run).observations()
    scored = observed.prompt[observed.score == observed.score]
    return learned(observed) if len(set(scored.tolist())) >= LEAST_PROMPTS else None


def earlier_spread(store: Store, dataset: str, grader: Mapping[str, Any]) -> tuple[Run, Spread] | None:
    """The newest run of this dataset (its fingerprint) with this grader that has enough scores."""
    for run in list_runs(store):
        with contextlib.suppress(DryRunError):
            config = run.config()
            if config.dataset.fingerprint == dataset and config.grader == grader:
                spread = spread_of(run)
                if spread is not None:
                    return run, spread
    return None


def assumed_for(grader: Mapping[str, Any] | None) -> Spread:
    """The prior default for a grader of this type."""
    return assumed(grader is not None and grader.get("type") in PASS_FAIL)


def plan_words(foresight: Foresight, limits: Thresholds) -> str:
    """``"With 300 prompts × 4 responses you will know the mean to about ±0.03, ..."``."""
    low = limits.mean_low
    words = (
        f"With {plural(foresight.prompts, 'prompt')} × {plural(foresight.rollouts, 'response')} you will "
        f"know the mean to about ±{foresight.mean:.3f} and can tell {max(low - DISTANCE, 0):.2f} from "
        f"{low:.2f} with probability {_chance(foresight.side)}"
    )
    if foresight.usable is None:
        return f"{words}. How many prompts give a training signal takes 2 responses per prompt or more."
    return f"{words}; the share of prompts that give a training signal to about ±{foresight.usable:.2f}."


def too_few_words(prompts: int, limits: Thresholds) -> str:
    """What too few prompts mean for the verdict; ``""`` where they are enough."""
    if prompts >= limits.min_prompts:
        return ""
    return (
        f"A verdict needs at least {limits.min_prompts} prompts; this run has {prompts:,}. It will end as "
        "INVALID, with its figures shown."
    )


def assumption_words(spread: Spread, group: int = GROUP) -> str:
    """What the plan rests on."""
    whence = "As in an earlier run of this dataset and grader" if spread.learned else "Assumed"
    words = (
        f"{whence}: scores around {spread.mean:.2f}, standard deviation {spread.between:.2f} between prompts "
        f"and {spread.within:.2f} within"
    )
    if not spread.split:
        words += " (that run had one response per prompt: half of the variance is taken to lie between)"
    return f"{words}. The signal is reckoned as for a pass/fail grader, in training groups of {group}."


def _chance(probability: float) -> str:
    return f"{probability:.2f}" if probability < 0.995 else "above 0.99"
