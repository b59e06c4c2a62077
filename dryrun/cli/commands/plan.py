"""``plan``: what a sample of N prompts with k responses each will be able to tell."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from rich.table import Table

from dryrun.analysis.figures.groups import GROUP
from dryrun.analysis.sample_size import DISTANCE, GRID_PROMPTS, GRID_ROLLOUTS, Spread, foresee
from dryrun.cli import options as shared
from dryrun.cli.dataset_options import add_columns, add_dataset, read_given
from dryrun.cli.terminal import consoles
from dryrun.core.errors import DryRunError, text_of_file
from dryrun.core.thresholds import Thresholds
from dryrun.engine.estimate import assumed_for, assumption_words, earlier_spread, plan_words, spread_of
from dryrun.graders import load_grader


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``plan``."""
    shared.add_size(command)
    command.add_argument(
        "--group", type=shared.positive, default=GROUP, help="responses per prompt in training (default: 8)"
    )
    known = command.add_argument_group("what is known of the scores", "the first that is given counts")
    known.add_argument(
        "--spread",
        type=float,
        nargs=2,
        metavar=("BETWEEN", "WITHIN"),
        help="standard deviations between and within prompts, on 0 to 1",
    )
    known.add_argument("--run", help="learn them from this run")
    add_dataset(known, words="with --grader: learn them from the newest run of both")
    known.add_argument("--grader", type=Path, help="alone: assume what fits its type")
    add_columns(command)
    shared.add_data(command)


def execute(options: argparse.Namespace) -> int:
    """Print the plan, what it rests on, and a table of other sizes."""
    spread, limits = _spread(options), Thresholds()
    foresight = foresee(options.samples, options.rollouts, spread, limits.mean_low, options.group)
    console, _ = consoles()
    console.print(plan_words(foresight, limits), soft_wrap=True)
    console.print(assumption_words(spread, options.group), style="dim", soft_wrap=True)
    console.print(_table(spread, limits, options.group))
    return 0


def _spread(options: argparse.Namespace) -> Spread:
    if options.spread is not None:
        return _as_spread(*options.spread)
    if options.run is not None:
        return _learned(options)
    if options.grader is None:
        if options.dataset is not None:
            raise DryRunError("--dataset needs --grader: an earlier run is known by both.")
        return assumed_for(None)
    grader = load_grader(text_of_file(options.grader, "--grader")).raw
    if options.dataset is not None:
        dataset = read_given(options, options.dataset, options.samples)
        earlier = earlier_spread(shared.store_of(options), dataset.ref.fingerprint, grader)
        if earlier is not None:
            return earlier[1]
    return assumed_for(grader)


def _as_spread(between: float, within: float) -> Spread:
    if not (math.isfinite(between) and math.isfinite(within) and min(between, within) >= 0):
        raise DryRunError("--spread: give two standard deviations of 0 or more.")
    if math.hypot(between, within) > 0.51:
        raise DryRunError("--spread: together these are wider than scores between 0 and 1 can be (0.5).")
    return Spread(0.5, within, between)


def _learned(options: argparse.Namespace) -> Spread:
    spread = spread_of(shared.run_of(options))
    if spread is None:
        raise DryRunError("--run: it has fewer than 30 prompts with a score, too few to learn from.")
    return spread


def _table(spread: Spread, limits: Thresholds, group: int) -> Table:
    low = limits.mean_low
    table = Table(
        title=f"Mean ±, chance to tell {low - DISTANCE:.2f} from {low:.2f}, share with a signal ±",
        title_justify="left",
        box=None,
    )
    table.add_column("prompts", justify="right")
    for rollouts in GRID_ROLLOUTS:
        table.add_column(f"k = {rollouts}", justify="right", no_wrap=True)
    for prompts in GRID_PROMPTS:
        cells = [_cell(spread, low, group, prompts, rollouts) for rollouts in GRID_ROLLOUTS]
        table.add_row(str(prompts), *cells)
    return table


def _cell(spread: Spread, low: float, group: int, prompts: int, rollouts: int) -> str:
    foresight = foresee(prompts, rollouts, spread, low, group)
    parts = [f"±{foresight.mean:.3f}", f"{min(foresight.side, 0.99):4.0%}"]
    parts += ["     " if foresight.usable is None else f"±{foresight.usable:.2f}"]
    return " ".join(part.replace("0.", ".") for part in parts)
