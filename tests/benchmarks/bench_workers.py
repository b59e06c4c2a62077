"""Where a campaign stops scaling: many workers in few processes, each waiting as its calls would.

A worker here makes no call. Every second it has 64 calls of 2 s behind it, 32 responses, and does with them
what a session does beside calling: rows of responses, grades and attempts become real parts on disk, the
status is written, the keeper (a Ray actor in a process of its own) hears of it and leases more of the budget.
Measured is what workers share: the keeper, the driver that prepares shards, and here also the disk and the
two processors, which on a cluster each machine has for itself. Needs ``requirements-ray.txt``::

    python -m tests.benchmarks.bench_workers [--seconds 20] [--plot docs/images/workers.png]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import ray
import vl_convert

from dryrun.core.config import SamplingConfig
from dryrun.core.records import Attempt, Grade, GradeOutcome, RunState, Sample, SampleOutcome
from dryrun.dataset import dataset_from_items
from dryrun.engine.budget import Budget
from dryrun.engine.campaign.keeper import BudgetKeeper
from dryrun.engine.campaign.on_ray import SESSIONS, RayLine
from dryrun.engine.campaign.shard import Leased
from dryrun.engine.prepare import prepare, start
from dryrun.engine.profile.shards import SHARD_ROWS
from dryrun.store.partition import Store
from dryrun.store.runs import Run, RunStatus
from dryrun.store.schemas import attempt_row, grade_row, sample_row
from tests.helpers.support import EXACT, endpoint_config, sum_rows

CALLS, LATENCY = 64, 2.0
EACH_SECOND = int(CALLS / LATENCY)
"""Responses of a worker."""
PROCESSES = 2
WITH_WRITES = (1, 10, 25, 50, 100, 200, 400)
KEEPER_ALONE = (50, 100, 200, 400, 800)
TEXT = "A response of some four hundred characters. " * 9


class WatchedKeeper(BudgetKeeper):
    """A keeper that knows what it takes itself."""

    async def cpu(self) -> float:
        """Seconds of a processor so far."""
        return time.process_time()


class Site:
    """A process with many workers."""

    async def play(
        self, keeper: Any, folder: str, numbers: list[int], seconds: float, writes: bool
    ) -> tuple[int, list[float], list[float]]:
        """Let them work; responses, and the seconds that writes and words with the keeper took."""
        runs = [_run(Path(folder) / str(number)) for number in numbers]
        ends = await asyncio.gather(*(_worker(keeper, run, seconds, writes) for run in runs))
        done, wrote, asked = zip(*ends, strict=True)
        return sum(done), [x for one in wrote for x in one], [x for one in asked for x in one]


async def _worker(
    keeper: Any, run: Run, seconds: float, writes: bool
) -> tuple[int, list[float], list[float]]:
    line, name = RayLine(keeper), run.store.root.name
    samples, grades, attempts = run.store.samples("m"), run.store.grades("g"), run.attempts()
    wrote: list[float] = []
    asked: list[float] = []

    def write(done: int, status: RunStatus) -> None:
        began = time.perf_counter()
        keys = [f"{name}-{done + number}" for number in range(EACH_SECOND)]
        attempts.append(
            [attempt_row(Attempt(key, 1, "answered", 200, "", LATENCY, 100, 90), False) for key in keys]
        )
        samples.append(
            [sample_row(Sample(key, 0, SampleOutcome.ANSWERED, TEXT, prompt_tokens=100)) for key in keys]
        )
        grades.append([grade_row(key, Grade(GradeOutcome.GRADED, 1.0)) for key in keys])
        run.write_status(status)
        wrote.append(time.perf_counter() - began)

    loop, done = asyncio.get_running_loop(), 0
    status = replace(run.status(), state=RunState.RUNNING)
    async with Leased(run, line) as share:
        budget = share.budget
        # A worker begins when its shard does, not with all others.
        await asyncio.sleep(0.618 * int(name) % 1)
        due = loop.time()
        end = due + seconds
        while (due := max(due + 1.0, loop.time())) < end:
            await asyncio.sleep(due - loop.time())
            status = replace(
                status, attempts=done + EACH_SECOND, answers=done + EACH_SECOND, updated=time.time()
            )
            if writes:
                await asyncio.to_thread(write, done, status)
            share.notify(status)
            ask: Any = None
            if status.attempts + CALLS > (budget.calls or 0):
                ask = share.more(status)
            elif done // EACH_SECOND % 10 == 0:
                ask = line.report(run.id, status)
            if ask is not None:
                began = time.perf_counter()
                budget = await ask or budget
                asked.append(time.perf_counter() - began)
            done += EACH_SECOND
    return done, wrote, asked


def _run(folder: Path) -> Run:
    model = endpoint_config("http://127.0.0.1:9/v1")
    sampling = SamplingConfig(size=1, rollouts=1)
    return start(
        Store(folder), prepare(dataset_from_items(sum_rows(1)), EXACT, model=model, sampling=sampling)
    )


def played(workers: int, seconds: float, writes: bool) -> dict[str, float]:
    """What so many workers reach together."""
    keeper = ray.remote(num_cpus=0, max_concurrency=SESSIONS)(WatchedKeeper).remote(Budget(calls=10**9), {})
    ray.get(keeper.expect.remote(workers))
    sites = [ray.remote(num_cpus=0)(Site).remote() for _ in range(min(PROCESSES, workers))]
    before = ray.get(keeper.cpu.remote())
    with tempfile.TemporaryDirectory() as folder:
        shares = [list(range(workers))[number :: len(sites)] for number in range(len(sites))]
        ends = ray.get(
            [
                site.play.remote(keeper, folder, numbers, seconds, writes)
                for site, numbers in zip(sites, shares, strict=True)
            ]
        )
    cpu = ray.get(keeper.cpu.remote()) - before
    for actor in (keeper, *sites):
        ray.kill(actor)
    done, asked = sum(end[0] for end in ends), sorted(x for end in ends for x in end[2])
    wrote = [x for end in ends for x in end[1]]
    found = {
        "workers": workers,
        "share": done / (workers * EACH_SECOND * (int(seconds) - 1)),
        "keeper, median ms": 1e3 * statistics.median(asked),
        "keeper, 99 % ms": 1e3 * asked[int(0.99 * len(asked))],
        "keeper, CPU ms a second of a worker": 1e3 * cpu / workers / seconds,
        "write, median ms": 1e3 * statistics.median(wrote) if wrote else float("nan"),
        "load": os.getloadavg()[0],
    }
    print({name: round(value, 2) for name, value in found.items()}, flush=True)
    return found


def seconds_to_prepare() -> float:
    """How long the driver needs for a shard before a worker can have it."""
    rows = dataset_from_items(sum_rows(SHARD_ROWS))
    sampling = SamplingConfig(size=SHARD_ROWS, rollouts=2)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        model = endpoint_config("http://127.0.0.1:9/v1")
        start(Store(Path(folder)), prepare(rows, EXACT, model=model, sampling=sampling))
        return time.process_time() - began


def draw(path: Path, together: list[dict[str, float]], alone: list[dict[str, float]], most: float) -> None:
    """The plot of `docs/scale.md`."""
    both = [
        {"workers": one["workers"], "share": min(one["share"], 1.0), "what": what}
        for what, many in (("everything on two processors", together), ("the keeper alone", alone))
        for one in many
    ]
    scale = alt.Scale(type="log")
    lines = (
        alt.Chart(pd.DataFrame(both))
        .mark_line(point=True)
        .encode(
            x=alt.X("workers:Q", scale=scale, title="workers, each with 64 calls of 2 s under way"),
            y=alt.Y("share:Q", title="share of what they would do alone", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("what:N", title=None, legend=alt.Legend(orient="bottom")),
        )
    )
    words = pd.DataFrame({"workers": [most], "words": ["one driver prepares no more shards"]})
    rule = alt.Chart(words).mark_rule(strokeDash=[4, 4]).encode(x="workers:Q")
    text = alt.Chart(words).mark_text(align="right", dx=-6, dy=-120).encode(x="workers:Q", text="words:N")
    chart = (lines + rule + text).properties(width=640, height=300)
    path.write_bytes(vl_convert.vegalite_to_png(chart.to_json(), scale=1.5))


def main() -> None:
    """Print the figures, and draw them."""
    options = argparse.ArgumentParser(description="Many workers, one keeper")
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--plot", type=Path)
    given = options.parse_args()
    prepared = seconds_to_prepare()
    shard = 2 * SHARD_ROWS / EACH_SECOND
    most = shard / prepared
    print(f"a shard: {prepared:.2f} s CPU to prepare, {shard:.0f} s to work on: {most:.0f} workers at most")
    ray.init("local", num_cpus=2, log_to_driver=False, logging_level="ERROR", object_store_memory=100 * 2**20)
    together = [played(workers, given.seconds, True) for workers in WITH_WRITES]
    alone = [played(workers, given.seconds, False) for workers in KEEPER_ALONE]
    if given.plot:
        draw(given.plot, together, alone, most)


if __name__ == "__main__":
    main()
