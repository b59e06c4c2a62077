"""A whole dataset profiled: is memory flat, is the pace even, does a second call ask nothing?

Prints peak memory and pace of ``profile --all`` against an endpoint on loopback, for two sizes, and from both
what a million rows would need::

    python -m tests.benchmarks.bench_profile [--rows 200000] [--responses 2] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from tests.benchmarks.bench_engine import rows
from tests.benchmarks.bench_large import watched
from tests.benchmarks.mock_endpoint import counts, mock_endpoint
from tests.helpers.support import EXACT, write_jsonl

MILLION = 1_000_000
SMALL = 4
"""The smaller size is this part of the larger."""


def profiled(folder: Path, prompts: int, given: argparse.Namespace) -> tuple[float, float, float]:
    """Seconds and peak memory in MB of the first call, and seconds of the second, which asks nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    dataset, grader = write_jsonl(folder / "rows.jsonl", rows(prompts)), folder / "grader.json"
    grader.write_text(json.dumps(EXACT))
    out = folder / "profile.parquet"
    size = ["--all", "--first", str(given.responses), "--most", str(given.responses)]
    with mock_endpoint() as base_url:
        model = ["--model", "mock", "--base-url", base_url, "--concurrency", str(given.concurrency)]
        files = ["--dataset", str(dataset), "--grader", str(grader), "--data", str(folder / "data")]
        command = ["profile", *files, *model, *size, "--out", str(out)]
        _, first, peak = watched(command, base_url)
        asked = counts(base_url).calls
        assert asked == prompts * given.responses, asked
        _, again, _ = watched(command, base_url)
        assert counts(base_url).calls == asked, "the second call asked something"
    print(
        f"{prompts:,} rows x {given.responses}: {first:.0f} s ({asked / first:.0f} answers a second), "
        f"peak {peak:.0f} MB; the same command again: {again:.0f} s, no call; "
        f"{out.stat().st_size / 2**20:.0f} MB Parquet",
        flush=True,
    )
    return first, peak, again


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description="A whole dataset profiled")
    options.add_argument("--rows", type=int, default=200_000)
    options.add_argument("--responses", type=int, default=2)
    options.add_argument("--concurrency", type=int, default=64)
    options.add_argument("--keep", type=Path, help="leave the data directories here")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = given.keep or Path(folder)
        less = given.rows // SMALL
        small = profiled(base / "small", less, given)
        large = profiled(base / "large", given.rows, given)
    each = [(more - few) / (given.rows - less) for few, more in zip(small, large, strict=True)]
    seconds, peak, _ = (had + (MILLION - given.rows) * one for had, one in zip(large, each, strict=True))
    print(f"A million rows, extrapolated from these two: {seconds / 60:.0f} min, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
