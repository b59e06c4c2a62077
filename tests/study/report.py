"""docs/evidence.md, written from the collected results; what people read off is in `sentences`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from tests.study.again import changed_rows
from tests.study.charts import draw
from tests.study.collect import DRY_RUNS, TRAININGS, read_rows
from tests.study.conditions import conditions, settings
from tests.study.results import (
    FALLS,
    FORECASTS,
    GO,
    Forecast,
    Goals,
    Result,
    by_code,
    forecast,
    goals,
    results,
)
from tests.study.sentences import sentences

DOCS = Path(__file__).parents[2] / "docs"
BANDS = ((0.0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 1.01))
"""Of the Signal Index, each with its lower end."""
Table = list[list[str]]


def write_report(docs: Path = DOCS, held_out: bool = True) -> Path:
    """Write the page and its pictures; without `held_out` of the open half alone."""
    rows = (read_rows(TRAININGS), read_rows(DRY_RUNS))
    chosen = [one for one in conditions() if held_out or not one.held_out]
    found, unscaled = results(chosen, *rows), results(chosen, *rows, scaled=False)
    draw(found, docs / "images")
    path = docs / "evidence.md"
    path.write_text(page(found, unscaled), "utf-8")
    return path


def page(found: Sequence[Result], unscaled: Sequence[Result]) -> str:
    """The whole text."""
    halves = {
        "open half": [one for one in found if not one.condition.held_out],
        "held-out half": [one for one in found if one.condition.held_out],
        "all": list(found),
    }
    chosen, said = settings(), sentences()
    learned = sum(one.learns for one in found)
    values = {
        **chosen,
        "checkpoints": ", ".join(map(str, chosen["checkpoints"])),
        "count": len(found),
        "planned": len(conditions()),
        "learned": learned,
        "held_out": len(halves["held-out half"]),
        "seeds": seeds_words(found),
        "trainings": sum(one.seeds for one in [*found, *unscaled]),
    }
    parts = [
        said["design"].format(**values),
        "## What foretold learning\n",
        said["auc"],
        table(["AUC, 95 % interval", *halves], auc_rows(halves)),
        "![Signal Index against gain](images/evidence_signal.svg)\n",
        "## The goal on the held-out half\n",
        goal_words(goals(halves["held-out half"])),
        said["goal"],
        "## GO and learning\n",
        said["cells"],
        table(["verdict", *halves], cell_rows(halves)),
        "## Where the reward rose and the truth fell\n",
        said["fell"],
        table(
            ["condition", "reward", "true accuracy", "verdict", "after probing", "faults found"],
            fell_rows(found),
        ),
        "![Gain in the given reward against gain in true accuracy](images/evidence_reward.svg)\n",
        "## Calibration\n",
        said["calibration"],
        table(["Signal Index", *VERDICTS], band_rows(found)),
        "## Rule by rule\n",
        said["rules"],
        table(["what was said", "conditions", "learned", "unlearned", "mean gain"], code_rows(found)),
        "## Judged again\n",
        said["again"],
        table(["condition", "verdict in the study", "verdict now", "gain", "learned"], changed_rows(found)),
        "## Without division by the spread\n",
        said["unscaled"],
        table(["condition", "gain", "gain, not divided", "verdict"], unscaled_rows(found, unscaled)),
        "## Every condition\n",
        said["every"],
        table(
            [
                "condition",
                "half",
                "seeds",
                "before",
                "gain",
                "± error",
                "relative",
                "reward",
                "learns",
                "tree",
                "verdict",
                "after probing",
                "Signal Index",
            ],
            [condition_row(one) for one in found],
        ),
        "## Limits\n",
        said["limits"],
    ]
    return "\n".join(parts).rstrip() + "\n"


def seeds_words(found: Sequence[Result]) -> str:
    """How many conditions have how many seeds."""
    counts = [sum(one.seeds == seeds for one in found) for seeds in (1, 2, 3)]
    said = [
        f"{count} conditions have {seeds} seed{'s' if seeds > 1 else ''}"
        for seeds, count in enumerate(counts, 1)
        if count
    ]
    return ", ".join(said)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines) + "\n"


def auc_rows(halves: dict[str, list[Result]]) -> Table:
    return [[name, *(auc_words(forecast(found, name)) for found in halves.values())] for name in FORECASTS]


def auc_words(one: Forecast) -> str:
    if not np.isfinite(one.value):
        return "-"
    return f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f}), {one.count}"


def goal_words(reached: Goals) -> str:
    """The goal as it was written down, and how it fell."""
    signal = reached.signal
    lines = [
        ("AUC of the Signal Index at least 0.90", auc_words(signal), signal.value >= Goals.LEAST_AUC),
        *(
            (f"at most one {what}", f"{len(names)}{listed(names)}", len(names) <= Goals.MOST)
            for what, names in (
                ("GO that does not learn", reached.go_not_learning),
                ("NO-GO added by evidence that does", reached.stopped_but_learning),
            )
        ),
    ]
    return table(
        ["goal", "measured", "result"], [[goal, was, "met" if met else "missed"] for goal, was, met in lines]
    )


def listed(names: Sequence[str]) -> str:
    return f": {', '.join(names)}" if names else ""


def cell_rows(halves: dict[str, list[Result]]) -> Table:
    said: dict[str, Callable[[Result], bool]] = {
        "tree": lambda one: one.said["tree"] == GO,
        "verdict": lambda one: one.said["verdict"] == GO,
        "GO without conditions, grader probed": lambda one: one.word == GO,
    }
    return [
        [f"{name}: {'GO' if go else 'no GO'}, {'learns' if learns else 'does not learn'}"]
        + [str(sum(is_go(one) == go and one.learns == learns for one in found)) for found in halves.values()]
        for name, is_go in said.items()
        for go in (True, False)
        for learns in (True, False)
    ]


def fell_rows(found: Sequence[Result]) -> Table:
    fell = [one for one in found if one.reward_gain > -FALLS and one.gain < FALLS]
    return [
        [
            one.condition.name,
            f"{one.reward_gain:+.2f}",
            f"{one.gain:+.2f}",
            one.unprobed,
            one.word,
            ", ".join(sorted(set(one.said["flaws"]))) or "none",
        ]
        for one in sorted(fell, key=lambda one: one.gain)
    ]


VERDICTS = ("GO", "GO, with conditions", "NO-GO", "INVALID")


def band_rows(found: Sequence[Result]) -> Table:
    rows = []
    for low, high in BANDS:
        inside = [one for one in found if one.said["signal"] is not None and low <= one.said["signal"] < high]
        rows.append([f"{low:.2f} to {min(high, 1):.2f}", *_shares(inside)])
    return [*rows, ["not measured", *_shares([one for one in found if one.said["signal"] is None])]]


def _shares(found: Sequence[Result]) -> list[str]:
    own = [[one for one in found if one.unprobed == verdict] for verdict in VERDICTS]
    return [f"{sum(one.learns for one in some)} of {len(some)} learned" if some else "" for some in own]


def code_rows(found: Sequence[Result]) -> Table:
    return [
        [
            code,
            str(len(own)),
            str(sum(one.learns for one in own)),
            str(sum(one.gain < FALLS for one in own)),
            f"{np.mean([one.gain for one in own]):+.3f}",
        ]
        for code, own in by_code(found).items()
    ]


def unscaled_rows(found: Sequence[Result], unscaled: Sequence[Result]) -> Table:
    usual = {one.condition.name: one for one in found}
    pairs = [(usual[one.condition.name], one) for one in unscaled if one.condition.name in usual]
    return [
        [one.condition.name, f"{one.gain:+.3f}", f"{other.gain:+.3f}", one.unprobed] for one, other in pairs
    ]


def condition_row(one: Result) -> list[str]:
    signal = one.said["signal"]
    return [
        one.condition.name,
        "held out" if one.condition.held_out else "open",
        str(one.seeds),
        f"{one.before:.2f}",
        f"{one.gain:+.3f}",
        f"{one.error:.3f}" if np.isfinite(one.error) else "-",
        f"{one.gain / one.before:+.0%}" if one.before else "-",
        f"{one.reward_gain:+.2f}",
        "yes" if one.learns else "no",
        str(one.said["tree"]),
        one.unprobed,
        one.word,
        "-" if signal is None else f"{signal:.2f}",
    ]
