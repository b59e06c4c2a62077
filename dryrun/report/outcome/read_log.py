"""A training's log as a curve: which of its names is the reward, and which the step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from dryrun.analysis.forecast.course import Curve
from dryrun.core.errors import DryRunError
from dryrun.core.text import one_line
from dryrun.report.outcome.log_rows import LoggedRow, logged_rows

MOST_ROWS = 1_000_000
SHOWN_NAMES = 12
Point = tuple[float | None, float, float]
"""Step, reward, share of groups whose rewards are all equal."""
TRL, VERL, OPENAI = "TRL", "verl", "OpenAI"

REWARDS = (
    ("data.critic/score/mean", VERL),
    ("critic/score/mean", VERL),
    ("data.critic/rewards/mean", VERL),
    ("critic/rewards/mean", VERL),
    ("data.scores.train_reward_mean", OPENAI),
    ("data.train_mean_reward", OPENAI),
    ("data.train_reward_mean", OPENAI),
    ("train_mean_reward", OPENAI),
    ("train_reward_mean", OPENAI),
    ("train/reward", TRL),
    ("reward", ""),
    ("env/all/reward/total", ""),
    ("mean_reward", ""),
    ("reward_mean", ""),
    ("reward/mean", ""),
    ("rewards/mean", ""),
    ("train/mean_reward", ""),
    ("train/reward_mean", ""),
)
"""What trainers call the mean reward of a batch, the surest first, and whose name that is.

verl's ``score`` is what the grader gave, its ``rewards`` have the KL penalty in them. TRL 1.16
(``GRPOTrainer.log``), verl 0.9 (``utils/tracking.py``, ``trainer/ppo/metric_utils.py``), OpenAI's guide to
reinforcement fine-tuning and the result files of its jobs.
"""
STEPS = (
    *("step", "data.step", "global_step", "train/global_step", "training/global_step", "_step"),
    *("iteration", "progress/batch", "data.training/global_step"),
)
DEAD = ("frac_reward_zero_std", "train/frac_reward_zero_std")


@dataclass(frozen=True, slots=True)
class TrainingLog:
    """A log that was read.

    Attributes
    ----------
    name : str
        Of the file. Untrusted.
    trainer : str
        Whose it is; ``""`` where that is not known.
    column : str
        The name of the reward in it. Untrusted.
    curve : Curve
    without : int
        Rows without a reward: messages, evaluations, summaries.
    digest : str
        Of the curve.
    """

    name: str
    trainer: str
    column: str
    curve: Curve
    without: int
    digest: str


def read_training_log(path: Path, reward: str = "", step: str = "") -> TrainingLog:
    """Read a log.

    Parameters
    ----------
    path : Path
    reward, step : str
        Names in the log, dotted where objects stand in objects; ``""``: those that trainers are known to use.

    Raises
    ------
    DryRunError
        It cannot be read, or no row has a reward.
    """
    rewards = ((reward, ""),) if reward else REWARDS
    points: list[Point] = []
    seen: dict[str, None] = {}
    without, chosen = 0, None
    for row in logged_rows(path):
        names = {name.casefold(): name for name in row.values}
        found = next((one for one in rewards if one[0].casefold() in names), None)
        if chosen is None and found is not None:
            chosen = found
        if chosen is None or chosen[0].casefold() not in names:
            without += 1
            seen |= dict.fromkeys(row.values) if len(seen) < SHOWN_NAMES else {}
            continue
        points.append(_point(row, names, chosen[0], (step,) if step else STEPS))
        if len(points) > MOST_ROWS:
            raise DryRunError(f"--log {path}, {row.where}: more than {MOST_ROWS:,} rows with a reward.")
    if chosen is None or not points:
        raise DryRunError(_nothing(path, reward, list(seen)))
    if step and all(at is None for at, _, _ in points):
        raise DryRunError(f"--log {path}: no row with a reward has a number called {step[:80]!r}.")
    curve = _curve(points)
    trainer = chosen[1] or (TRL if np.isfinite(curve.dead).any() else "")
    name = one_line(path.name, 120)
    return TrainingLog(name, trainer, one_line(chosen[0], 120), curve, without, _digest(curve))


def _point(row: LoggedRow, names: dict[str, str], reward: str, steps: Iterable[str]) -> Point:
    step = next((row.values[names[name.casefold()]] for name in steps if name.casefold() in names), None)
    dead = next((row.values[names[name]] for name in DEAD if name in names), np.nan)
    return step, row.values[names[reward.casefold()]], dead


def _curve(points: Sequence[Point]) -> Curve:
    """By step, rows of one step as their mean; in the order of the file where a row has no step."""
    steps = [at for at, _, _ in points]
    counted = any(at is None for at in steps)
    at = np.arange(1.0, len(points) + 1) if counted else np.array(steps, np.float64)
    step, place = np.unique(at, return_inverse=True)
    rows = np.bincount(place)
    reward = np.bincount(place, [value for _, value, _ in points]) / rows
    dead = np.array([share for _, _, share in points], np.float64)
    known = np.bincount(place, np.isfinite(dead))
    with np.errstate(invalid="ignore"):
        mean = np.bincount(place, np.nan_to_num(dead)) / np.where(known > 0, known, np.nan)
    return Curve(step.astype(np.float64), reward.astype(np.float64), mean.astype(np.float64))


def _digest(curve: Curve) -> str:
    return sha256(curve.step.tobytes() + curve.reward.tobytes()).hexdigest()[:32]


def _nothing(path: Path, reward: str, seen: Sequence[str]) -> str:
    wanted = f"called {reward[:80]!r}" if reward else "that is known as a mean reward"
    named = ", ".join(one_line(name, 60) for name in seen[:SHOWN_NAMES])
    holds = f"Its rows hold {named}" if named else "No row holds a number"
    return (
        f"--log {path}: no row has a number {wanted}. {holds}. "
        "Name the reward: --reward-column NAME, with dots where objects stand in objects."
    )
