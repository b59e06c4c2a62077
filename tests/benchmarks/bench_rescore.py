"""What does scoring stored responses again cost beyond a bare loop over the same texts?

Prints CPU seconds of the loop (read the stored Parquet, compare, write scores as Parquet) and of a whole run
that finds every response stored, start-up aside, and their ratio::

    python -m tests.benchmarks.bench_rescore [--samples 2000] [--profile]

The responses are imported, so no server is needed. Best of five, one after the other in one process.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dryrun.__main__ import keep_pandas_out
from dryrun.core.records import RunState
from dryrun.engine.imports.run import import_samples
from dryrun.engine.prepare import regraded, start, stored_responses
from dryrun.engine.work import work_on
from dryrun.store.partition import Store, table_bytes, write_aside
from dryrun.store.runs import Run
from tests.helpers.support import EXACT

ROUNDS = 5


def imported(folder: Path, samples: int) -> Run:
    """A finished run of so many prompts with a response each, right seven times in ten."""
    path = folder / "responses.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(samples):
            response = str(number) if number % 10 < 7 else "wrong"
            record = {"prompt": f"item {number}", "response": response, "reference_answer": str(number)}
            file.write(json.dumps(record) + "\n")
    run = import_samples(Store(folder / "data"), path, path.name, json.dumps(EXACT))
    status = asyncio.run(work_on(run))
    assert (status.state, status.graded) == (RunState.FINISHED, samples), status
    return run


def bare_loop(run: Run) -> Callable[[], None]:
    """Nothing but the reading, the comparing and the writing."""
    planned = run.plan()
    assert planned is not None
    _, samples, _ = planned
    right = {prompt.key: str(prompt.item["reference_answer"]) for prompt in run.prompts()}
    references = list(right.values())

    def once() -> None:
        table = pa.concat_tables(pq.read_table(path, columns=["key", "text"]) for path in samples.parts())
        rows = zip(table["key"].to_pylist(), table["text"].to_pylist(), references, strict=True)
        scores = [{"key": key, "reward": float(text == reference)} for key, text, reference in rows]
        write_aside(run.folder / "scores.parquet", table_bytes(pa.Table.from_pylist(scores)))

    return once


def rescore(run: Run) -> Callable[[], None]:
    """A run as `regrade` makes it, under a grader of a new name each time, without the report."""
    count = iter(range(10**6))
    responses = len(run.prompts())

    def once() -> None:
        again = start(run.store, regraded(run, EXACT | {"name": f"exact {next(count)}"}))
        status = asyncio.run(work_on(again, model=stored_responses(run)))
        assert status.graded == status.reused == responses, status

    return once


def cpu(work: Callable[[], None]) -> float:
    """CPU seconds of the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def main() -> None:
    """Print the two figures and their ratio, or where the time goes."""
    options = argparse.ArgumentParser(description="Scoring stored responses again, against a bare loop")
    options.add_argument("--samples", type=int, default=2000)
    options.add_argument("--profile", action="store_true")
    given = options.parse_args()
    keep_pandas_out()
    with tempfile.TemporaryDirectory() as folder:
        run = imported(Path(folder), given.samples)
        again = rescore(run)
        again()  # imports
        if given.profile:
            profile = cProfile.Profile()
            profile.runcall(again)
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
            return
        loop, whole = cpu(bare_loop(run)), cpu(again)
    print(
        f"{given.samples:,} stored samples: loop {loop:.3f} s CPU, run {whole:.3f} s CPU, "
        f"{whole / loop:.1f} times the loop, {(whole - loop) / given.samples * 1e6:.0f} µs a sample beyond it"
    )


if __name__ == "__main__":
    main()
