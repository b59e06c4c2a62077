"""A profile on Ray beside the same by one process: how long, and is it the same row for row?

Both against an endpoint on loopback, in turns, each round in a new data directory; prints the times, the load
of the machine before each, and their ratio. Needs ``requirements-ray.txt``::

    python -m tests.benchmarks.bench_ray [--rows 20000] [--shard-rows 2500] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

from tests.benchmarks.bench_engine import rows
from tests.benchmarks.mock_endpoint import counts, mock_endpoint, reset
from tests.helpers.support import EXACT, ROOT, write_jsonl

RESPONSES = 2
ON_RAY = ["--on", "ray", "--at-once", "2"]


def seconds_of(command: list[str], base_url: str, asked: int) -> float:
    """How long a command takes, from its start to its end; it must make so many calls."""
    reset(base_url)
    load, began = os.getloadavg()[0], time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "dryrun", *command],
        cwd=ROOT,
        env={**os.environ, "OPENAI_API_KEY": "k"},
        check=True,
        capture_output=True,
    )
    seconds = time.perf_counter() - began
    calls = counts(base_url).calls
    assert calls == asked, calls
    place = "Ray" if "--on" in command else "one process"
    print(
        f"  {place}: {seconds:.1f} s, {asked / seconds:.0f} responses a second; load {load:.1f}", flush=True
    )
    return seconds


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description="A profile on Ray beside one process")
    options.add_argument("--rows", type=int, default=20_000)
    options.add_argument("--shard-rows", type=int, default=2_500)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--concurrency", type=int, default=64)
    given = options.parse_args()
    ratios = []
    with tempfile.TemporaryDirectory() as name, mock_endpoint() as base_url:
        folder = Path(name)
        dataset, grader = write_jsonl(folder / "rows.jsonl", rows(given.rows)), folder / "grader.json"
        grader.write_text(json.dumps(EXACT))
        model = ["--model", "mock", "--base-url", base_url, "--concurrency", str(given.concurrency)]
        size = ["--all", "--first", "2", "--most", "2", "--shard-rows", str(given.shard_rows)]
        common = ["profile", "--dataset", str(dataset), "--grader", str(grader), *model, *size]
        for number in range(given.rounds):
            took, tables = [], []
            for where in ("alone", "ray"):
                out = folder / f"{where}{number}.parquet"
                place = ["--data", str(folder / f"{where}{number}"), "--out", str(out)]
                command = [*common, *place, *(ON_RAY if where == "ray" else [])]
                took.append(seconds_of(command, base_url, RESPONSES * given.rows))
                tables.append(pq.read_table(out))
            assert tables[0].equals(tables[1]), "the profiles differ"
            ratios.append(took[1] / took[0])
            print(
                f"{given.rows:,} rows: the same profile; Ray takes {ratios[-1]:.2f} times as long", flush=True
            )
    print(f"median of {given.rounds}: {statistics.median(ratios):.2f} times")


if __name__ == "__main__":
    main()
