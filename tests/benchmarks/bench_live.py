"""The page of a live run: what a second of watching costs the server, whatever the size of the run.

A run of made-up responses grows by some rows a second in another process; one browser watches. Prints
milliseconds of the server's processor time per second, with the page open and without (Linux)::

    python -m tests.benchmarks.bench_live [--responses 1200 100000] [--rows 20] [--seconds 20]
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import sync_playwright

from dryrun.core.records import RunState
from dryrun.store.partition import Store
from dryrun.store.runs import Run
from dryrun.store.schemas import grade_row, sample_row
from tests.benchmarks.bench_large import processor_seconds
from tests.benchmarks.bench_samples import answer, graded, large_run
from tests.browser.conftest import QUIET, chromium
from tests.helpers.browser import App, start_app

ROLLOUTS, WORDS = 4, 60


def growing_run(store: Store, responses: int) -> Run:
    """A run of which a part is stored; the rest of its rows comes from `grow`."""
    run = large_run(store, responses // ROLLOUTS, ROLLOUTS, WORDS)
    planned = run.plan()
    assert planned is not None
    for partition in planned[1:]:
        for path in partition.parts()[-1:]:  # of a small run this is all there is
            path.unlink()
    return run


def grow(run: Run, rows: int) -> None:
    """Store so many rows a second, as a live run does, until the process is ended."""
    planned = run.plan()
    assert planned is not None
    plan, samples, grades = planned
    chance, left = random.Random(1), plan.to_pylist()[-2_000:]
    with run.hold():
        status = replace(
            run.status(), state=RunState.RUNNING, message="Generating and grading.", rate=float(rows)
        )
        while True:
            some, left = left[:rows], left[rows:]
            samples.append([sample_row(answer(row, chance, WORDS)) for row in some])
            grades.append([grade_row(row["grade_key"], graded(chance)) for row in some])
            done = status.total - len(left)
            run.write_status(replace(status, sampled=done, graded=done))
            time.sleep(1.0)


def per_second(app: App, seconds: float) -> float:
    """Milliseconds of the server's processor time per second."""
    before, began = processor_seconds(app.process.pid), time.monotonic()
    time.sleep(seconds)
    return 1000 * (processor_seconds(app.process.pid) - before) / (time.monotonic() - began)


def watched(folder: Path, responses: int, rows: int, seconds: float) -> tuple[float, float]:
    """The same without the page and with it."""
    run = growing_run(Store(folder), responses)
    worker = multiprocessing.Process(target=grow, args=(run, rows), daemon=True)
    worker.start()
    app = start_app(folder)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
            page = browser.new_page()
            page.goto(f"{app.url}/run?run={run.id}")
            page.get_by_text("95 % interval").first.wait_for(timeout=60_000)
            time.sleep(5)
            with_page = per_second(app, seconds)
            browser.close()
            time.sleep(5)
            return per_second(app, seconds / 2), with_page
    finally:
        app.stop()
        worker.terminate()


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--responses", type=int, nargs="+", default=[1_200, 100_000])
    options.add_argument("--rows", type=int, default=20)
    options.add_argument("--seconds", type=float, default=20.0)
    given = options.parse_args()
    for responses in given.responses:
        with tempfile.TemporaryDirectory() as folder:
            idle, busy = watched(Path(folder), responses, given.rows, given.seconds)
        print(f"{responses:>8,} responses: {busy:6.1f} ms per second watched, {idle:5.1f} ms without a page")


if __name__ == "__main__":
    main()
