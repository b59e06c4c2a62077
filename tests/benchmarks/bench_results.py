"""The results page when a threshold moves: processor time, as a ratio to drawing it with nothing kept.

    python -m tests.benchmarks.bench_results [--moves 12] [--against FOLDER]

Three kinds of redraw of the recorded run's page: nothing kept (every cache emptied), a value that is new, and
one that was shown before. ``--against`` measures the same in a copy of another version, in the same run.
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
from collections.abc import Callable
from pathlib import Path

import streamlit as st
from streamlit.testing.v1 import AppTest

HERE = Path(__file__).resolve().parents[2]
FIELDS = ("mean_low", "limit_mean_low")
"""The sidebar's field and the one under the histogram: a move of one draws the other anew."""


def opened() -> AppTest:
    """The page of the recorded run in the version of the working directory."""
    test = AppTest.from_file(str(Path.cwd() / "streamlit_app.py"), default_timeout=60)
    test.query_params["run"] = "recorded"
    test.run()
    return test.switch_page("pages/results.py").run()


def seconds(test: AppTest, value: float) -> float:
    """Processor seconds of one move of the lower limit."""
    field = next(one for one in test.number_input if one.key in FIELDS)
    before, own = time.process_time(), time.thread_time()
    field.set_value(value).run()
    assert not test.exception
    return time.process_time() - before - (time.thread_time() - own)


def measured(test: AppTest, values: list[float], prepare: Callable[[], None] = lambda: None) -> float:
    """Median of some moves."""
    found = []
    for value in values:
        prepare()
        found.append(seconds(test, value))
    return statistics.median(found)


def forget() -> None:
    """Empty what the page keeps between redraws, in whatever module another version has it."""
    st.cache_resource.clear()
    for module in list(sys.modules.values()):
        if kept := vars(module).get("chart_spec"):
            kept.cache_clear()


def here(moves: int) -> dict[str, float]:
    """Milliseconds of each kind of redraw."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DRYRUN_DATA"] = folder
        test = opened()
        values = [0.11 + number / 1000 for number in range(moves)]
        kinds = {
            "nothing kept": measured(test, [value + 0.0005 for value in values], forget),
            "a new value": measured(test, values),
            "a value seen before": measured(test, values),
        }
    return {words: 1000 * took for words, took in kinds.items()}


def there(folder: Path, moves: int) -> dict[str, float]:
    """The same in a process that runs the version in this folder."""
    command = [sys.executable, __file__, "--json", "--moves", str(moves)]
    variables = {**os.environ, "PYTHONPATH": str(folder)}
    told = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description="The results page when a threshold moves")
    options.add_argument("--moves", type=int, default=12)
    options.add_argument("--against", type=Path, help="a copy of another version")
    options.add_argument("--json", action="store_true", help="the figures of the working directory alone")
    given = options.parse_args()
    if given.json:
        print(json.dumps(here(given.moves)))
        return
    found = there(HERE, given.moves)
    before = there(given.against.resolve(), given.moves) if given.against else {}
    print(f"{'redraw':22}{'ms':>6}{'of nothing kept':>18}" + (f"{'of the other':>15}" if before else ""))
    for words, took in found.items():
        ratio = f"{took / before[words]:15.2f}" if before else ""
        print(f"{words:22}{took:6.0f}{took / found['nothing kept']:18.2f}{ratio}")


if __name__ == "__main__":
    main()
