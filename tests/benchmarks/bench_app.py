"""Runs in a server's process: does memory come back, and do runs and viewers hinder each other?

Prints a table of memory over many runs (``--runs 0``: none), then the time of three runs at once, with and
without ten viewers of their pages, as a ratio to one run alone. At last a server of its own: what each page
takes beside three runs and ten viewers, as a ratio to the same page of the server at rest::

    python -m tests.benchmarks.bench_app [--runs 50] [--prompts 500]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest
from websockets.typing import Subprotocol

from dryrun.app.run.progress import POLL_SECONDS
from dryrun.app.shared import jobs
from dryrun.core.config import ModelConfig, ModelKind, SamplingConfig
from dryrun.dataset import dataset_from_items
from dryrun.engine.prepare import prepare, start
from dryrun.store.partition import Store
from dryrun.store.runs import Run
from tests.benchmarks.bench_engine import rows
from tests.benchmarks.mock_endpoint import Settings, mock_endpoint, reset
from tests.helpers.browser import App, start_app
from tests.helpers.support import EXACT, ROOT, wait_until

VIEWERS = 10
WARM_UP = 5
"""Runs before the base is taken: caches fill, allocators grow."""
LATENCY, AT_ONCE = 0.2, 16
PAGES = {
    "Home": ("", ""),
    "New run": ("configure", ""),
    "Run": ("run", "run={run}"),
    "Results": ("results", "run=recorded"),
    "Runs": ("runs", ""),
    "Compare": ("compare", "run=recorded&with=recorded-grader"),
}
"""Path and parameters of each page that is timed; the run is one that has ended."""
DRAWS = 21
"""Times that each page is drawn; the first two fill caches and are left out."""


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


class Viewer:
    """What a browser says to the server, without drawing anything."""

    def __init__(self, app: App, path: str, query: str) -> None:
        self._address = f"{app.url.replace('http', 'ws')}/_stcore/stream"
        self._path, self._query = path, query
        self.buttons: dict[str, str] = {}
        self.redraws = 0
        self._timers: dict[str, float] = {}

    async def __aenter__(self) -> Viewer:
        """Connect, and draw the page."""
        self._socket = await websockets.connect(
            self._address, subprotocols=[Subprotocol("streamlit")], max_size=None
        )
        await self.draw()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the tab."""
        await self._socket.close()

    async def draw(self, fragment: str = "", click: str = "") -> float:
        """Draw the page, or a fragment of it, after a click on a button; the seconds that it took."""
        asked = BackMsg()
        state = asked.rerun_script
        state.query_string, state.page_name = self._query, self._path
        state.fragment_id, state.is_auto_rerun = fragment, bool(fragment)
        if click:
            state.widget_states.widgets.add(id=self.buttons[click], trigger_value=True)
        began = time.perf_counter()
        await self._socket.send(asked.SerializeToString())
        while True:
            told = ForwardMsg.FromString(await self._socket.recv(decode=False))
            self._note(told)
            early = ForwardMsg.FINISHED_EARLY_FOR_RERUN
            if told.HasField("script_finished") and told.script_finished != early:
                return time.perf_counter() - began

    def _note(self, told: ForwardMsg) -> None:
        button = told.delta.new_element.button
        if button.id:
            self.buttons[button.label] = button.id
        if told.HasField("auto_rerun"):
            self._timers[told.auto_rerun.fragment_id] = told.auto_rerun.interval

    async def watch(self) -> None:
        """Draw what follows the run whenever its timer asks for it, until this is cancelled."""
        while True:
            for fragment in [*self._timers]:
                await self.draw(fragment)
                self.redraws += 1
            await asyncio.sleep(min(self._timers.values(), default=POLL_SECONDS))


async def page_times(app: App, run: Run) -> dict[str, float]:
    """Of each page the median milliseconds until it has been drawn again."""
    found = {}
    for name, (path, query) in PAGES.items():
        async with Viewer(app, path, query.format(run=run.id)) as viewer:
            took = [await viewer.draw() for _ in range(DRAWS)]
        found[name] = 1000 * statistics.median(took[2:])
    return found


async def served(app: App, base_url: str, prompts: int) -> None:
    """Each page at rest, then beside three runs and ten who watch them."""
    ended, *runs = [
        new_run(base_url, size, seed) for seed, size in ((1, 30), *((n, prompts) for n in (2, 3, 4)))
    ]
    async with Viewer(app, "run", f"run={ended.id}") as starter:
        await starter.draw(click="Start")
    await asyncio.to_thread(wait_until, lambda: ended.status().graded > 0 and not ended.held(), 60)
    at_rest = await page_times(app, ended)
    async with contextlib.AsyncExitStack() as stack:
        for run in runs:
            starter = await stack.enter_async_context(Viewer(app, "run", f"run={run.id}"))
            await starter.draw(click="Start")
        queries = [f"run={runs[number % len(runs)].id}" for number in range(VIEWERS)]
        viewers = [await stack.enter_async_context(Viewer(app, "run", query)) for query in queries]
        watching = [asyncio.create_task(viewer.watch()) for viewer in viewers]
        beside = await page_times(app, ended)
        still = sum(run.status().live for run in runs)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    redraws = sum(viewer.redraws for viewer in viewers)
    print(f"\n{still} of {len(runs)} runs live to the end, {redraws:,} redraws of {VIEWERS} viewers")
    print(f"  {'ms to draw':12}{'at rest':>9}{'beside them':>13}{'ratio':>7}")
    for name, took in at_rest.items():
        print(f"  {name:12}{took:9.0f}{beside[name]:13.0f}{beside[name] / took:7.2f}")


def main() -> None:
    """Print both tables."""
    options = argparse.ArgumentParser(description="Runs in a server's process")
    options.add_argument("--runs", type=int, default=50)
    options.add_argument("--prompts", type=int, default=500)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, mock_endpoint() as base_url:
        os.environ["DRYRUN_DATA"] = folder
        if given.runs:
            many(base_url, given.runs, given.prompts)
        together(base_url, given.prompts)
        app = start_app(Path(folder))
        try:
            asyncio.run(served(app, base_url, given.prompts))
        finally:
            app.stop()


if __name__ == "__main__":
    main()
