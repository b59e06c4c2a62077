"""A training's log as a curve: which of its names is the reward, and which the step."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from dryrun.analysis.forecast.course import Curve
from dryrun.core.errors import DryRunError
from dryrun.core.text import one_line
from dryrun.report.outcome.log_rows import TABLES, LoggedRow, logged_rows

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
VALIDATION = (
    *("eval_reward", "eval/reward", "data.full_valid_mean_reward", "full_valid_mean_reward"),
    *("data.scores.valid_reward_mean", "valid_reward_mean"),
)
"""Names of the mean reward on validation prompts, in small letters."""
MOST_VALIDATIONS = 200
_VERL_VALIDATION = re.compile(r"(data\.)?val-(core|aux)/.*/reward/mean@\d+\Z")
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
    validation : tuple of (float, float)
        Step and mean reward on validation prompts, by step.
    without : int
        Rows without a reward: messages, evaluations, summaries.
    digest : str
        Of the curve.
    """

    name: str
    trainer: str
    column: str
    curve: Curve
    validation: tuple[tuple[float, float], ...]
    without: int
    digest: str


def read_training_log(path: Path, reward: str = "", step: str = "", called: str = "") -> TrainingLog:
    """Read a log.

    Parameters
    ----------
    path : Path
    reward, step : str
        Names in the log, dotted where objects stand in objects; ``""``: those that trainers are known to use.
    called : str
        What sentences about the file call it; default: its path as the command's option.

    Raises
    ------
    DryRunError
        It cannot be read, or no row has a reward.
    """
    called = called or f"--log {path}"
    reading = _Reading(((reward, ""),) if reward else REWARDS, (step,) if step else STEPS)
    for row in logged_rows(path, called):
        reading.take(row)
        if len(reading.points) > MOST_ROWS:
            raise DryRunError(f"{called}, {row.where}: more than {MOST_ROWS:,} rows with a reward.")
    if reading.chosen is None:
        raise DryRunError(_nothing(called, reward, list(reading.seen)))
    if step and all(at is None for at, _, _ in reading.points):
        raise DryRunError(f"{called}: no row with a reward has a number called {step[:80]!r}.")
    curve = _curve(reading.points)
    return TrainingLog(
        name=one_line(path.name, 120),
        trainer=reading.chosen[1] or (TRL if np.isfinite(curve.dead).any() else ""),
        column=one_line(reading.chosen[0], 120),
        curve=curve,
        validation=_validation(reading.validation),
        without=reading.without,
        digest=_digest(curve),
    )


@dataclass(slots=True)
class _Reading:
    """What was read so far. The first row that has a known reward decides which name is meant."""

    rewards: tuple[tuple[str, str], ...]
    steps: tuple[str, ...]
    chosen: tuple[str, str] | None = None
    points: list[Point] = field(default_factory=list)
    validation: list[tuple[float, float]] = field(default_factory=list)
    seen: dict[str, None] = field(default_factory=dict)
    without: int = 0

    def take(self, row: LoggedRow) -> None:
        values = {name.casefold(): value for name, value in row.values.items()}
        step = next((values[name] for label in self.steps if (name := label.casefold()) in values), None)
        if step is not None and (held_out := _held_out(values)) is not None:
            self.validation.append((step, held_out))
        if self.chosen is None:
            self.chosen = next((reward for reward in self.rewards if reward[0].casefold() in values), None)
        if self.chosen is None or (name := self.chosen[0].casefold()) not in values:
            self.without += 1
            self.seen |= dict.fromkeys(row.values) if len(self.seen) < SHOWN_NAMES else {}
            return
        dead = next((values[label] for label in DEAD if label in values), np.nan)
        self.points.append((step, values[name], dead))


def read_uploaded_log(name: str, content: bytes, reward: str = "") -> TrainingLog:
    """The same of a file that came over the network: its name decides no path.

    Raises
    ------
    DryRunError
        As `read_training_log`.
    """
    ending = Path(name).suffix.lower()
    with tempfile.TemporaryDirectory(prefix="dryrun-log-") as folder:
        path = Path(folder) / f"log{ending if ending in TABLES else ''}"
        path.write_bytes(content)
        return replace(read_training_log(path, reward, called=name), name=one_line(name, 120))


def _held_out(values: Mapping[str, float]) -> float | None:
    """The mean reward on validation prompts; over the data sets where verl has several."""
    known = next((values[name] for name in VALIDATION if name in values), None)
    if known is not None:
        return known
    each = [value for name, value in values.items() if _VERL_VALIDATION.match(name)]
    return sum(each) / len(each) if each else None


def _validation(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """By step, the last of a step; at most `MOST_VALIDATIONS`, evenly chosen with both ends."""
    ordered = sorted(dict(points).items())
    places = np.linspace(0, len(ordered) - 1, min(len(ordered), MOST_VALIDATIONS)).round().astype(int)
    return tuple(ordered[place] for place in places)


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


def _nothing(called: str, reward: str, seen: Sequence[str]) -> str:
    if not seen:
        return (
            f"{called}: no row holds a number. Is it the training's log? TRL's, verl's, OpenAI's, "
            "JSON lines and CSV are read."
        )
    wanted = f"called {reward[:80]!r}" if reward else "that is known as a mean reward"
    named = ", ".join(one_line(name, 60) for name in seen[:SHOWN_NAMES])
    return (
        f"{called}: no row has a number {wanted}. Its rows hold {named}. "
        "Name the reward: --reward-column NAME, with dots where objects stand in objects."
    )
