"""Each condition's result: what was said before training, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.simulators.summary import auc
from tests.study.conditions import Condition

LEARNS, FALLS = 0.05, -0.02
"""A policy learns above the one, and unlearns below the other, in true accuracy."""
ERRORS = 2.0
"""Standard errors over seeds that a gain must exceed."""
DRAWS = 2000
GO = "GO"


@dataclass(frozen=True, slots=True)
class Result:
    """One condition.

    Attributes
    ----------
    condition : Condition
    said : mapping
        The figures of the dry run with 4 responses.
    said_of_8 : mapping
        Of that with 8; empty where it was not made.
    before, gain, error : float
        True accuracy before training, its mean gain, and the gain's standard error over seeds (NaN for one).
    reward_gain : float
    seeds : int
    """

    condition: Condition
    said: Mapping[str, Any]
    said_of_8: Mapping[str, Any]
    before: float
    gain: float
    error: float
    reward_gain: float
    seeds: int

    @property
    def learns(self) -> bool:
        """By the rule written down before: above `LEARNS` and above `ERRORS` standard errors."""
        sure = not np.isfinite(self.error) or self.gain > ERRORS * self.error
        return self.gain > LEARNS and bool(sure)

    @property
    def word(self) -> str:
        """The verdict after the grader was probed, with its conditions."""
        return verdict_word(self.said["probed_verdict"], self.said["probed_conditions"])

    @property
    def unprobed(self) -> str:
        return verdict_word(self.said["verdict"], self.said["conditions"])


def verdict_word(verdict: str, conditions: Sequence[str]) -> str:
    """`GO, with conditions` apart from `GO`."""
    return f"{verdict}, with conditions" if verdict == GO and conditions else verdict


def results(
    chosen: Sequence[Condition],
    trainings: Sequence[Mapping[str, Any]],
    dry_runs: Sequence[Mapping[str, Any]],
    scaled: bool = True,
) -> list[Result]:
    """The conditions that have a dry run and a training, in their order."""
    said = {(row["condition"], row["k"]): row for row in dry_runs}
    found = []
    for condition in chosen:
        own = [row for row in trainings if row["condition"] == condition.name and row["scaled"] == scaled]
        if own and (condition.name, 4) in said:
            found.append(_result(condition, own, said[condition.name, 4], said.get((condition.name, 8), {})))
    return found


def _result(
    condition: Condition, own: Sequence[Mapping[str, Any]], said: Mapping[str, Any], more: Mapping[str, Any]
) -> Result:
    gains = np.array([row["accuracy_after"] - row["accuracy_before"] for row in own])
    error = float(gains.std(ddof=1) / len(own) ** 0.5) if len(own) > 1 else float("nan")
    rewards = [row["reward_after"] - row["reward_before"] for row in own]
    return Result(
        condition,
        said,
        more,
        before=own[0]["accuracy_before"],
        gain=float(gains.mean()),
        error=error,
        reward_gain=float(np.mean(rewards)),
        seeds=len(own),
    )


WORDS = {"INVALID": 0.0, "NO-GO": 0.0, "GO, with conditions": 0.5, GO: 1.0}
FORECASTS: Mapping[str, Callable[[Result], float | None]] = {
    "document's tree": lambda one: float(one.said["tree"] == GO),
    "verdict": lambda one: float(one.said["verdict"] == GO),
    "verdict and its conditions": lambda one: WORDS[one.unprobed],
    "the same, grader probed": lambda one: WORDS[one.word],
    "Signal Index": lambda one: one.said["signal"],
    "Signal Index, 8 responses": lambda one: one.said_of_8.get("signal"),
    "usable share": lambda one: one.said["usable"],
    "follows": lambda one: one.said["follows"],
    "mixed outcome": lambda one: one.said["mixed"],
    "harm": lambda one: one.said["harm"],
    "headroom": lambda one: one.said["headroom"],
    "mean": lambda one: one.said["mean"],
    "std": lambda one: one.said["std"],
}


@dataclass(frozen=True, slots=True)
class Forecast:
    """How well a figure tells conditions that learn from those that do not.

    `value` is the AUC, `low` and `high` its 95 % interval by conditions drawn again, over `count` conditions.
    """

    name: str
    value: float
    low: float
    high: float
    count: int


def forecast(found: Sequence[Result], name: str, seed: int = 0) -> Forecast:
    """The AUC of one of `FORECASTS`, over the conditions that have the figure."""
    having = [(score, one.learns) for one in found if (score := FORECASTS[name](one)) is not None]
    scores = np.array([score for score, _ in having], np.float64)
    learned = np.array([hit for _, hit in having], np.bool_)
    rng = np.random.default_rng(seed)
    places = [rng.integers(0, len(having), len(having)) for _ in range(DRAWS)] if having else []
    drawn = np.array([auc(scores[one], learned[one]) for one in places])
    known = drawn[np.isfinite(drawn)]
    low, high = np.quantile(known, [0.025, 0.975]) if known.size else (np.nan, np.nan)
    return Forecast(name, auc(scores, learned), float(low), float(high), len(having))


@dataclass(frozen=True, slots=True)
class Goals:
    """What was aimed at on the held-out half, written down before it was opened."""

    signal: Forecast
    go_not_learning: tuple[str, ...]
    stopped_but_learning: tuple[str, ...]

    LEAST_AUC = 0.90
    MOST = 1


def goals(found: Sequence[Result]) -> Goals:
    """What the goal is about: an AUC, GOs that do not learn, NO-GOs added by evidence that do."""
    going = [one for one in found if one.said["verdict"] == GO]
    added = [one for one in found if one.said["verdict"] == "NO-GO" and one.said["tree"] == GO]
    return Goals(
        forecast(found, "Signal Index"),
        tuple(one.condition.name for one in going if not one.learns),
        tuple(one.condition.name for one in added if one.learns),
    )


def by_code(found: Sequence[Result]) -> dict[str, list[Result]]:
    """The conditions of each thing that was said: reasons, warnings, conditions, faults of the grader."""
    said: dict[str, list[Result]] = {}
    for one in found:
        keys = ("reasons", "tags", "conditions", "warnings", "flaws")
        codes = {f"{key}: {code}" for key in keys for code in one.said[key] or ()}
        for code in codes:
            said.setdefault(code, []).append(one)
    return dict(sorted(said.items()))
