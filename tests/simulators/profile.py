"""Is the profile right? Planted pass rates and planted faults, held against what it says of them.

``python -m tests.simulators.profile [--plot docs/images/reliability.svg]`` prints the tables of
``docs/profile.md`` and draws its picture:

- calibration: of prompts with a predicted pass rate (or chance of a mixed group) in a bin, what share of
  fresh responses is right (or of fresh groups of 8 is mixed);
- coverage: how often the interval of 95 % holds the planted rate;
- classes: precision and recall of each class, from a real run of planted responses and a real grader.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from numpy.typing import NDArray

from dryrun.analysis.training.pass_rates import ALWAYS, NEVER, PassRates, pass_rates
from dryrun.analysis.training.profile import CLASSES, DatasetProfile, OutcomeClass
from dryrun.engine.imports.run import import_samples
from dryrun.engine.profile.count import run_profile
from dryrun.engine.work import work_on
from dryrun.store.partition import Store
from dryrun.store.results import load_results

GROUP = 8
COLOURS = alt.Scale(
    domain=["Dry Run", "share of right responses"],
    range=["#1a5fb4", "#e66100"],
)
BINS = np.array([0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0])
Draw = Callable[[np.random.Generator, int], np.ndarray]


def two_thirds_dead(rng: np.random.Generator, prompts: int) -> np.ndarray:
    """40 % never right, 25 % always, the rest between."""
    kind = rng.random(prompts)
    return np.where(kind < 0.4, 0.0, np.where(kind < 0.65, 1.0, rng.beta(2, 2, prompts)))


WORLDS: dict[str, Draw] = {
    "around one half: Beta(2, 2)": lambda rng, prompts: rng.beta(2, 2, prompts),
    "both ends: Beta(0.5, 0.5)": lambda rng, prompts: rng.beta(0.5, 0.5, prompts),
    "hard: Beta(0.3, 0.9)": lambda rng, prompts: rng.beta(0.3, 0.9, prompts),
    "dead ends: 40 % never, 25 % always": two_thirds_dead,
}


@dataclass(frozen=True)
class World:
    """Planted rates, the profile of a few responses, and fresh responses to hold it against."""

    rate: np.ndarray
    right: np.ndarray
    tried: np.ndarray
    found: PassRates
    fresh: np.ndarray

    @property
    def mixed(self) -> NDArray[np.bool_]:
        """Whether a fresh group holds right and wrong responses."""
        differ: NDArray[np.bool_] = np.logical_and(self.fresh > 0, self.fresh < GROUP)
        return differ


def world(draw: Draw, prompts: int, responses: int, seed: int, most: int = 0) -> World:
    """A few responses to each prompt; with `most`, more in a second stage to those that are undecided."""
    rng = np.random.default_rng(seed)
    rate = draw(rng, prompts)
    right, tried = rng.binomial(responses, rate), np.full(prompts, responses)
    none = np.zeros(prompts, np.int64)
    while responses < most:
        found = pass_rates(right, tried, none, GROUP)
        sure = np.maximum.reduce([found.never, found.always, 1 - found.never - found.always])
        more = np.where(sure < 0.8, responses, 0)
        right, tried, responses = right + rng.binomial(more, rate), tried + more, 2 * responses
    fresh = rng.binomial(GROUP, rate)
    return World(rate, right, tried, pass_rates(right, tried, none, GROUP), fresh)


def reliability(
    predicted: np.ndarray, seen: np.ndarray, edges: np.ndarray = BINS
) -> list[tuple[float, float, int]]:
    """Of each bin of the prediction: its mean, the mean of what was seen, and the prompts in it."""
    which = np.clip(np.digitize(predicted, edges) - 1, 0, len(edges) - 2)
    rows = []
    for number in range(len(edges) - 1):
        inside = which == number
        if inside.any():
            rows.append((float(predicted[inside].mean()), float(seen[inside].mean()), int(inside.sum())))
    return rows


def plug_in(right: np.ndarray, tried: np.ndarray) -> np.ndarray:
    """The chance of a mixed group if the share of right responses were the pass rate."""
    share = right / tried
    chance: np.ndarray = 1 - share**GROUP - (1 - share) ** GROUP
    return chance


@dataclass(frozen=True)
class Predicted:
    """Predictions of one figure over all worlds, and what fresh responses showed."""

    figure: str
    how: str
    said: np.ndarray
    seen: np.ndarray


def predictions(prompts: int = 4000, responses: int = 2, most: int = 8) -> list[Predicted]:
    """All worlds together, two stages as `profile --all` asks."""
    worlds = [world(draw, prompts, responses, seed, most) for seed, draw in enumerate(WORLDS.values())]
    rate = np.concatenate([one.found.rate for one in worlds])
    mixed = np.concatenate([one.found.mixed for one in worlds])
    raw = np.concatenate([one.right / one.tried for one in worlds])
    naive = np.concatenate([plug_in(one.right, one.tried) for one in worlds])
    fresh = np.concatenate([one.fresh / GROUP for one in worlds])
    seen = np.concatenate([one.mixed for one in worlds]).astype(float)
    return [
        Predicted("pass rate", "", rate, fresh),
        Predicted("pass rate", "unshrunk", raw, fresh),
        Predicted("mixed group", "", mixed, seen),
        Predicted("mixed group", "plug-in", naive, seen),
    ]


def calibration_table() -> list[str]:
    """Rows of Markdown."""
    lines = ["| figure | predicted | seen | prompts |", "|---|---|---|---|"]
    for one in predictions():
        name = ", ".join(filter(None, (one.figure, one.how)))
        for said, was, count in reliability(one.said, one.seen):
            lines.append(f"| {name} | {said:.2f} | {was:.2f} | {count:,} |")
    return lines


def reliability_chart() -> alt.HConcatChart:
    """Predicted against seen, a dot a bin of 0.1: on the line where the prediction is right."""
    rows = [
        {
            "figure": one.figure,
            "how": "share of right responses" if one.how else "Dry Run",
            "predicted": said,
            "seen": was,
            "prompts": count,
        }
        for one in predictions()
        for said, was, count in reliability(one.said, one.seen, np.linspace(0, 1, 11))
    ]
    table, line = pd.DataFrame(rows), pd.DataFrame({"predicted": [0, 1], "seen": [0, 1]})
    panels = []
    for figure, title in (("pass rate", "Pass rate"), ("mixed group", f"Groups of {GROUP} that are mixed")):
        x = alt.X("predicted:Q", title="predicted", scale=alt.Scale(domain=[0, 1]))
        y = alt.Y("seen:Q", title="seen in fresh responses", scale=alt.Scale(domain=[0, 1]))
        colour = alt.Color("how:N", title=None, legend=alt.Legend(orient="bottom"), scale=COLOURS)
        size = alt.Size("prompts:Q", legend=None, scale=alt.Scale(domain=[0, 6000], range=[20, 260]))
        base = alt.Chart(table[table["figure"] == figure]).encode(x=x, y=y, color=colour)
        right = (
            alt.Chart(line).mark_line(strokeDash=[4, 4], color="#8a8f98").encode(x="predicted:Q", y="seen:Q")
        )
        dots = right + base.mark_line() + base.mark_circle(opacity=1.0).encode(size=size)
        panels.append(dots.properties(width=300, height=300, title=title))
    chart: alt.HConcatChart = alt.hconcat(*panels).configure(background="white")
    return chart


def coverage_table(worlds: int = 40, prompts: int = 300) -> list[str]:
    """Rows of Markdown: the share of intervals that hold the planted rate, and errors of both rates."""
    lines = [
        "| planted rates | responses | interval of 95 % holds | error (RMS) | error of the raw share |",
        "|---|---|---|---|---|",
    ]
    for name, draw in WORLDS.items():
        for responses in (2, 4, 8):
            made = [world(draw, prompts, responses, seed) for seed in range(worlds)]
            held = np.mean([covered(one) for one in made])
            error = np.mean([rms(one.found.rate - one.rate) for one in made])
            raw = np.mean([rms(one.right / one.tried - one.rate) for one in made])
            lines.append(f"| {name} | {responses} | {held:.3f} | {error:.3f} | {raw:.3f} |")
    return lines


def covered(one: World) -> float:
    """Share of the intervals that hold the planted rate."""
    return float(np.mean((one.found.low - 1e-9 <= one.rate) & (one.rate <= one.found.high + 1e-9)))


def rms(error: np.ndarray) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(error**2)))


PLANTED = {
    OutcomeClass.NEVER: 120,
    OutcomeClass.LEARNABLE: 200,
    OutcomeClass.ALWAYS: 80,
    OutcomeClass.SHAPING: 60,
    OutcomeClass.NOISY: 40,
    OutcomeClass.BROKEN: 40,
}
"""Prompts of each kind."""
OK = """import random


def grade(sample, item):
    text = sample["output_text"]
    if item["kind"] == "noisy":
        return float(random.random() < 0.5)
    return float(text.split()[-1] == item["reference_answer"] and item["kind"] != "broken reference")
"""
SHORT = """def grade(sample, item):
    return 1 / (1 + len(sample["output_text"])) if item["kind"] == "only shaping" else 0.0
"""
GRADER = {
    "type": "multi",
    "name": "planted",
    "graders": {
        "correct": {"type": "python", "name": "correct", "source": OK},
        "short": {"type": "python", "name": "short", "source": SHORT},
    },
    "calculate_output": "0.8 * correct + 0.2 * short",
}


def planted_responses(responses: int, seed: int = 0) -> tuple[bytes, list[OutcomeClass]]:
    """Rows of responses as JSONL, and the class of each prompt; its number is in the prompt."""
    rng = np.random.default_rng(seed)
    kinds = [kind for kind, count in PLANTED.items() for _ in range(count)]
    lines = []
    for number, kind in enumerate(kinds):
        rate = {OutcomeClass.LEARNABLE: rng.uniform(0.15, 0.85), OutcomeClass.ALWAYS: 1.0}.get(kind, 0.0)
        for _ in range(responses):
            answer = number if kind is OutcomeClass.NOISY or rng.random() < rate else 10_000 + number
            words = "so " * int(rng.integers(0, 30)) if kind is not OutcomeClass.NOISY else ""
            lines.append(
                {
                    "prompt": f"Problem {number}?",
                    "completion": f"{words}{answer}",
                    "reference_answer": str(number),
                    "kind": kind.value,
                }
            )
    return "\n".join(map(json.dumps, lines)).encode(), kinds


def planted_profile(folder: Path, responses: int) -> tuple[DatasetProfile, np.ndarray]:
    """The profile of a real run of planted responses, and the planted class of each of its rows."""
    content, kinds = planted_responses(responses)
    run = import_samples(Store(folder), content, "planted.jsonl", GRADER)
    asyncio.run(work_on(run))
    found = run_profile(load_results(run), "correct")
    numbers = [int(prompt.messages[-1]["content"].split()[1][:-1]) for prompt in run.prompts()]
    return found, np.array([CLASSES.index(kinds[number]) for number in numbers])


def class_rows(found: DatasetProfile, planted: np.ndarray) -> list[tuple[OutcomeClass, float, float]]:
    """Of each planted class its precision and recall."""
    rows = []
    for kind in PLANTED:
        code = CLASSES.index(kind)
        said, true = found.kind == code, planted == code
        both = int((said & true).sum())
        rows.append((kind, both / max(int(said.sum()), 1), both / int(true.sum())))
    return rows


def class_table() -> list[str]:
    """Rows of Markdown for 2, 4 and 8 responses."""
    lines = ["| class | responses | precision | recall | decided |", "|---|---|---|---|---|"]
    for responses in (2, 4, 8):
        with tempfile.TemporaryDirectory() as folder:
            found, planted = planted_profile(Path(folder), responses)
        for kind, precision, recall in class_rows(found, planted):
            decided = 1 - found.undecided[planted == CLASSES.index(kind)].mean()
            figures = f"{precision:.2f} | {recall:.2f} | {decided:.2f}"
            lines.append(f"| {kind.value} | {responses} | {figures} |")
    return lines


def main() -> None:
    """Print the tables, and draw the picture."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--plot", type=Path, help="write the picture here, as SVG")
    given = options.parse_args()
    if given.plot:
        given.plot.write_text(vl_convert.vegalite_to_svg(reliability_chart().to_json()), encoding="utf-8")
    print(f"Never is a rate up to {NEVER}, always from {ALWAYS}.\n")
    for title, table in (
        ("Calibration", calibration_table),
        ("Coverage", coverage_table),
        ("Classes", class_table),
    ):
        print(f"### {title}\n")
        print("\n".join(table()), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
