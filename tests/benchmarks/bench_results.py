"""The results page when a threshold moves: processor time, as a ratio to drawing it with nothing kept.

    python -m tests.benchmarks.bench_results [--moves 12]

Three kinds of redraw of the recorded run's page: nothing kept (every cache emptied), a value that is new, and
one that was shown before, which is also what any other click on the page costs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable

import streamlit as st
from streamlit.testing.v1 import AppTest

from dryrun.app.shared import widgets as drawing
from tests.helpers.support import ROOT


def opened() -> AppTest:
    """The page of the recorded run."""
    test = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    test.run()
    test.switch_page("pages/results.py").query_params["run"] = "recorded"
    return test.run()


def seconds(test: AppTest, value: float) -> float:
    """Processor seconds of one move of the lower limit."""
    before, own = time.process_time(), time.thread_time()
    test.number_input(key="mean_low").set_value(value).run()
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
    """Empty what the page keeps between redraws."""
    st.cache_resource.clear()
    drawing.chart_spec.cache_clear()


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description="The results page when a threshold moves")
    options.add_argument("--moves", type=int, default=12)
    moves = options.parse_args().moves
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DRYRUN_DATA"] = folder
        test = opened()
        values = [0.11 + number / 1000 for number in range(moves)]
        bare = measured(test, [value + 0.0005 for value in values], forget)
        new = measured(test, values)
        seen = measured(test, values)
    print(f"{'redraw':22}{'ms':>6}{'of nothing kept':>18}   ({threading.active_count()} threads)")
    for words, took in (("nothing kept", bare), ("a new value", new), ("a value seen before", seen)):
        print(f"{words:22}{took * 1000:6.0f}{took / bare:18.2f}")


if __name__ == "__main__":
    main()
