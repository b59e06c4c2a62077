"""Runs in a server's process: does memory come back, and do runs and viewers hinder each other?

Prints a table of memory over many runs, then the time of three runs at once, with and without ten viewers of
their pages, as a ratio to one run alone::

    python -m tests.benchmarks.bench_app [--runs 50] [--prompts 500]
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from dryrun.app.run.progress import POLL_SECONDS
from dryrun.app.shared import jobs
from dryrun.core.config import ModelConfig, ModelKind, SamplingConfig
from dryrun.dataset import dataset_from_items
from dryrun.engine.prepare import prepare, start
from dryrun.store.partition import Store
from dryrun.store.runs import Run
from tests.benchmarks.bench_engine import rows
from tests.benchmarks.mock_endpoint import Settings, mock_endpoint, reset
from tests.helpers.support import EXACT, ROOT

VIEWERS = 10
WARM_UP = 5
"""Runs before the base is taken: caches fill, allocators grow."""
LATENCY, AT_ONCE = 0.2, 16


def memory() -> float:
    """Resident MB of this process now (Linux)."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def new_run(base_url: str, prompts: int, seed: int) -> Run:
    """A run whose responses are not stored yet."""
    model = ModelConfig(
        kind=ModelKind.ENDPOINT, name="mock", base_url=base_url, concurrency=AT_ONCE, seed=1000 * seed
    )
    prepared = prepare(
        dataset_from_items(rows(prompts)),
        EXACT,
        model=model,
        sampling=SamplingConfig(size=prompts, rollouts=4),
    )
    return start(Store(Path(os.environ["DRYRUN_DATA"])), prepared)


def worked(runs: list[Run]) -> list[float]:
    """Start them all; seconds until each had ended."""
    began = time.perf_counter()
    ended: dict[str, float] = {}

    def wait(job: jobs.Job) -> None:
        job.join()
        ended[job.dryrun_id] = time.perf_counter() - began

    waiting = [threading.Thread(target=wait, args=(jobs.start_job(run),)) for run in runs]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join()
    return [ended[run.id] for run in runs]


def many(base_url: str, count: int, prompts: int) -> None:
    """Memory after each ten runs."""
    print(f"{count} runs of {4 * prompts:,} calls, one after the other")
    print(f"  {'runs':>6}{'MB':>7}{'threads':>9}")
    for number in range(1 - WARM_UP, count + 1):
        worked([new_run(base_url, prompts, number)])
        if number in (0, count) or (number > 0 and number % 10 == 0):
            print(f"  {number:6}{memory():7.0f}{threading.active_count():9}", flush=True)


def viewed(run: Run) -> AppTest:
    """A session of its own on the run's page."""
    test = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    test.run()
    test.switch_page("pages/run.py").query_params["run"] = run.id
    return test.run()


def together(base_url: str, prompts: int) -> None:
    """One alone, three at once, three at once with ten viewers."""
    reset(base_url, Settings(latency=LATENCY))
    alone = worked([new_run(base_url, prompts, 1001)])[0]
    three = worked([new_run(base_url, prompts, seed) for seed in (1002, 1003, 1004)])
    watched = [new_run(base_url, prompts, seed) for seed in (1005, 1006, 1007)]
    viewers = [viewed(watched[number % 3]) for number in range(VIEWERS)]
    stop, redraws = threading.Event(), []

    def view() -> None:
        while not stop.is_set():
            began = time.perf_counter()
            for viewer in viewers:
                viewer.run()
                assert not viewer.exception
            redraws.append((time.perf_counter() - began) / VIEWERS)
            stop.wait(max(POLL_SECONDS - (time.perf_counter() - began), 0))

    looking = threading.Thread(target=view)
    looking.start()
    seen = worked(watched)
    stop.set()
    looking.join()
    print(f"\n{4 * prompts:,} calls, {AT_ONCE} at once, {LATENCY * 1000:.0f} ms: seconds, times alone")
    for words, seconds in (("alone", [alone]), ("three at once", three), (f"and {VIEWERS} viewers", seen)):
        print(f"  {words:16}{max(seconds):6.1f}{max(seconds) / alone:6.2f}")
    print(f"  a viewer's redraw of the whole page: {statistics.median(redraws) * 1000:.0f} ms")


def main() -> None:
    """Print both tables."""
    options = argparse.ArgumentParser(description="Runs in a server's process")
    options.add_argument("--runs", type=int, default=50)
    options.add_argument("--prompts", type=int, default=500)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, mock_endpoint() as base_url:
        os.environ["DRYRUN_DATA"] = folder
        many(base_url, given.runs, given.prompts)
        together(base_url, given.prompts)


if __name__ == "__main__":
    main()
