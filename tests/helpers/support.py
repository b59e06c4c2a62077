"""Small things many tests need: rows of sums, a grader for them, a run against a loopback server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dryrun.core.config import ModelConfig, ModelKind, SamplingConfig
from dryrun.dataset import dataset_from_items
from dryrun.engine.prepare import prepare, start
from dryrun.engine.work import work_on
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, RunStatus
from tests.helpers.fake_endpoint import FakeEndpoint

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
RECORDED = ROOT / "sample_data" / "recorded"

EXACT: dict[str, Any] = {
    "type": "string_check",
    "name": "exact",
    "input": "{{sample.output_text}}",
    "reference": "{{item.reference_answer}}",
    "operation": "eq",
}
FUZZY: dict[str, Any] = {
    "type": "text_similarity",
    "name": "fuzzy",
    "input": "{{sample.output_text}}",
    "reference": "{{item.reference_answer}}",
    "evaluation_metric": "fuzzy_match",
}


def sum_rows(count: int) -> list[dict[str, Any]]:
    """`count` different rows that ask for a sum; two topics, reference answers all right."""
    return [
        {
            "messages": [{"role": "user", "content": f"{number} + {number + 1} ="}],
            "reference_answer": str(2 * number + 1),
            "topic": "even" if number % 2 == 0 else "odd",
        }
        for number in range(count)
    ]


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as a JSONL file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def endpoint_config(base_url: str, **fields: Any) -> ModelConfig:
    """A model at a loopback server."""
    return ModelConfig(**{"kind": ModelKind.ENDPOINT, "name": "fake", "base_url": base_url, **fields})


def grader_file(folder: Path, grader: object) -> str:
    """The path of a file in the folder that holds the grader's JSON."""
    path = folder / "grader.json"
    path.write_text(json.dumps(grader))
    return str(path)


def input_files(folder: Path, rows: int = 60, grader: dict[str, Any] = EXACT) -> list[str]:
    """``--dataset`` and ``--grader`` with files written into the folder."""
    dataset = write_jsonl(folder / "rows.jsonl", sum_rows(rows))
    return ["--dataset", str(dataset), "--grader", grader_file(folder, grader)]


def at(endpoint: FakeEndpoint, *more: str) -> list[str]:
    """Options of the command line: the model at this server, two responses to each prompt."""
    return ["--model", "fake", "--base-url", endpoint.base_url, "--rollouts", "2", "--model-seed", "0", *more]


def make_run(
    store: Store,
    base_url: str,
    *,
    rows: int | list[dict[str, Any]] = 40,
    grader: dict[str, Any] = EXACT,
    rollouts: int = 2,
    size: int = 300,
    **model: Any,
) -> Run:
    """A run that was started but not worked on."""
    items = sum_rows(rows) if isinstance(rows, int) else rows
    sampling = SamplingConfig(size=size, rollouts=rollouts)
    config = endpoint_config(base_url, **{"seed": 0, **model})
    return start(store, prepare(dataset_from_items(items), grader, model=config, sampling=sampling))


def work(run: Run, check: bool = False, **options: Any) -> RunStatus:
    """Do what is left to do of `run`; its grader is checked whole only if a test asks for that."""
    return asyncio.run(work_on(run, api_key="test-key", check=check, **options))


def copied(runs: list[Run], store: Store) -> list[Run]:
    """The same runs in a data directory of a test's own; to make them anew would cost much more."""
    shutil.copytree(runs[0].store.root, store.root, dirs_exist_ok=True)
    return [Run(store, run.id) for run in runs]


def stored_grades(run: Run) -> int:
    """How many grades of the run are on disk."""
    rewards = load_results(run).rollouts["reward"]
    return int(len(rewards) - rewards.null_count)


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something that another thread or process does; fail if it never comes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class Command(subprocess.Popen[str]):
    """The command line in a process of its own, with both outputs as text; ended with its block."""

    def __init__(self, arguments: list[str], before: Callable[[], None] | None = None) -> None:
        super().__init__(
            [sys.executable, "-m", "dryrun", *arguments],
            cwd=ROOT,
            env={**os.environ, "OPENAI_API_KEY": "k"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        )

    def __exit__(self, *error: Any) -> None:
        if error != (None, None, None):  # Popen would wait for ever for what a failed test left running
            self.kill()
        super().__exit__(*error)
