"""A run at the command line that something happens to, and what must be there when it has ended."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from dryrun.cli.main import main
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, list_runs
from tests.helpers.fake_endpoint import messages_hash

CALLS = 120
"""Of the run that `tests/conftest.py` describes as ``arguments``."""
CONCURRENCY = 2


def finish(arguments: list[str], out: Path) -> dict[str, Any]:
    """Run to the end and return the report without what differs between equal runs."""
    assert main([*arguments, "--out", str(out)]) == 0
    text = re.sub(r"http://127\.0\.0\.1:\d+", "http://endpoint", out.read_text())
    report: dict[str, Any] = json.loads(text)
    del report["timestamp"], report["run"]["id"]
    return report


def assert_whole(store: Store) -> None:
    """Every rollout of the newest run has one row and a reward."""
    results = load_results(list_runs(store)[0])
    assert (results.pending, results.rollouts.num_rows) == (0, CALLS)
    assert results.rollouts["reward"].null_count == 0


def stored_calls(store: Store) -> set[tuple[str, int | None]]:
    """The calls whose responses are on disk, as the server counts them."""
    runs = list_runs(store)
    return calls_of(runs[0]) if runs else set()


def calls_of(run: Run) -> set[tuple[str, int | None]]:
    """The calls of this run whose responses are on disk."""
    planned = run.plan()
    if planned is None:
        return set()
    plan, samples, _ = planned
    done, prompts = samples.finished_keys(plan["sample_key"]), run.prompts()
    return {
        (messages_hash(prompts[row["prompt"]].messages), row["rollout"])
        for row in plan.to_pylist()
        if row["sample_key"] in done
    }
