"""The policies judged again by the program as it is now: which verdicts have changed since the study."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.study.collect import DRY_RUNS, HERE, read_rows
from tests.study.conditions import conditions, settings
from tests.study.results import Result, verdict_word

AGAIN = HERE / "again.json"


def judge_again(data: Path, out: Path = AGAIN) -> None:
    """Make the dry runs with 4 responses again, grader probed, and write their verdicts.

    Parameters
    ----------
    data : Path
        With the study's checkpoints; the new dry runs go to its folder ``again``, and those there stay.
    out : Path
        JSON, an object of verdicts by condition.
    """
    from tests.study.pretrain import checkpoint
    from tests.study.work import SIZES, foretold, kept

    policies = [
        checkpoint(data / "checkpoints" / f"step{step:05d}.npz") for step in settings()["checkpoints"]
    ]
    verdicts: dict[str, str] = {}
    for condition in conditions():
        path = data / "again" / f"{condition.name}.json"
        kept(path, partial(foretold, condition, policies[condition.skill], SIZES[1]))
        verdicts[condition.name] = _probed(json.loads(path.read_text("utf-8")))
        print(condition.name, verdicts[condition.name], flush=True)
    out.write_text(json.dumps(verdicts, indent=1) + "\n", "utf-8")


def changed_rows(shown: Sequence[Result], path: Path = AGAIN) -> list[list[str]]:
    """Where the verdicts differ: condition, verdict in the study and now, gain, whether it learned."""
    now: dict[str, str] = json.loads(path.read_text("utf-8"))
    then = {row["condition"]: _probed(row) for row in read_rows(DRY_RUNS) if row["k"] == 4}
    return [
        [name, then[name], now[name], f"{row.gain:+.3f}", "yes" if row.learns else "no"]
        for row in shown
        if (name := row.condition.name) in now and now[name] != then[name]
    ]


def _probed(row: dict[str, Any]) -> str:
    return verdict_word(row["probed_verdict"], row["probed_conditions"])
