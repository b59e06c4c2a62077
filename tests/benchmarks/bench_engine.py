"""What does the engine cost beyond a bare loop over the openai SDK, and what do faults cost it?

Everything is measured in one go on one machine and printed as ratios, medians of `--repeat` rounds::

    python -m tests.benchmarks.bench_engine [--prompts 2000] [--concurrency 64] [--base-url URL]

Each measurement is a process of its own with a data directory of its own; the server is another one
(`tests.benchmarks.mock_endpoint`, or any at `--base-url` that answers alike, without the part on faults).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dryrun.__main__ import keep_pandas_out
from dryrun.core.config import ModelConfig, ModelKind, SamplingConfig
from dryrun.dataset import dataset_from_items
from dryrun.engine.prepare import prepare, regraded, start
from dryrun.engine.work import work_on
from dryrun.models.client import Client
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run
from tests.benchmarks.mock_endpoint import Settings, counts, mock_endpoint, reset
from tests.helpers.support import EXACT, ROOT, write_jsonl

LATENCIES = (0.0, 0.2)
FAULTY_PROMPTS, FAULTY_LATENCY = 400, 0.05
DEADLINE = 5.0
"""Seconds a call may take where some hang."""
FAULTS = {
    "clean": Settings(latency=FAULTY_LATENCY),
    "one 429 in ten": Settings(latency=FAULTY_LATENCY, failing=0.1),
    "one 429 in ten, Retry-After 1": Settings(latency=FAULTY_LATENCY, failing=0.1, retry_after="1"),
    "three 429 in ten": Settings(latency=FAULTY_LATENCY, failing=0.3),
    "three 429 in ten, Retry-After 1": Settings(latency=FAULTY_LATENCY, failing=0.3, retry_after="1"),
    "one 500 in ten": Settings(latency=FAULTY_LATENCY, failing=0.1, status=500),
    "one in fifty hangs": Settings(latency=FAULTY_LATENCY, hang_every=50),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one measurement.

    Attributes
    ----------
    wall, cpu : float
        Seconds of the work alone, imports aside.
    whole, whole_cpu, peak : float
        Seconds and MB of the whole process.
    """

    wall: float
    cpu: float
    whole: float
    whole_cpu: float
    peak: float


def rows(count: int) -> list[dict[str, Any]]:
    """Prompts whose answer is their number; the server is right seven times in ten."""
    return [
        {"messages": [{"role": "user", "content": f"item {number}: {text}"}], "reference_answer": str(number)}
        for number in range(count)
        for text in ("reply with the item number only.",)
    ]


def model_config(given: argparse.Namespace) -> ModelConfig:
    """The mock's."""
    return ModelConfig(
        kind=ModelKind.ENDPOINT,
        name="mock",
        base_url=given.base_url,
        concurrency=given.concurrency or None,
        timeout=given.timeout,
    )


async def lean_loop(given: argparse.Namespace) -> None:
    """The same over the engine's own client: what storage, grading and retries cost beyond it."""
    client = Client(given.base_url, "k")
    await client.open()
    todo = iter(rows(given.prompts))

    async def worker() -> None:
        for row in todo:
            await client.ask("/chat/completions", {"model": "mock", "messages": row["messages"]}, 60.0)

    await asyncio.gather(*(worker() for _ in range(given.concurrency)))
    await client.close()


def new_run(given: argparse.Namespace) -> Run:
    """A run that has not begun."""
    return start(
        Store(Path(os.environ["DRYRUN_DATA"])),
        prepare(
            dataset_from_items(rows(given.prompts)),
            EXACT,
            model=model_config(given),
            sampling=SamplingConfig(size=given.prompts, rollouts=1),
        ),
    )


async def engine(given: argparse.Namespace) -> None:
    """A run as the command line makes it, without the report: planned, called, graded, stored."""
    run = new_run(given)
    status = await work_on(run, api_key="k")
    assert status.graded == given.prompts, status
    rollouts = load_results(run).rollouts
    assert rollouts.num_rows == len(set(rollouts["sample_key"].to_pylist())) == given.prompts


async def rescore(given: argparse.Namespace) -> None:
    """The second half of it alone: a grader that has not seen the stored samples."""
    await engine(given)
    again = start(
        Store(Path(os.environ["DRYRUN_DATA"])), regraded(new_run(given), EXACT | {"name": "another"})
    )
    began = Clock()
    status = await work_on(again, api_key="k")
    began.report()
    assert status.graded == status.reused == given.prompts, status


class Clock:
    """Wall and CPU seconds since it was made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def report(self) -> None:
        """Tell the parent."""
        print(json.dumps([time.perf_counter() - self.wall, time.process_time() - self.cpu]), flush=True)


WORK = {"lean": lean_loop, "engine": engine, "rescore": rescore}


def measure(work: str, base_url: str, prompts: int, concurrency: int, timeout: float = 60.0) -> Cost:
    """One kind of work in a process of its own."""
    if work == "sdk":
        return _spawned(["tests/benchmarks/sdk_loop.py", base_url, str(prompts), str(concurrency)])
    arguments = f"--work {work} --base-url {base_url} --prompts {prompts} --concurrency {concurrency}"
    return _spawned(f"-m tests.benchmarks.bench_engine {arguments} --timeout {timeout}".split())


def command(base_url: str, prompts: int, concurrency: int) -> Cost:
    """What a user types, from the first import to the last line of the report."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = write_jsonl(Path(folder) / "rows.jsonl", rows(prompts))
        grader = Path(folder) / "grader.json"
        grader.write_text(json.dumps(EXACT))
        files = ["--dataset", str(dataset), "--grader", str(grader), "--out", f"{folder}/report.json"]
        model = ["--model", "mock", "--base-url", base_url, "--concurrency", str(concurrency)]
        cost = _spawned(
            ["-m", "dryrun", "run", *files, *model, "--samples", str(prompts), "--rollouts", "1"],
            codes=(0, 1),
        )
        report = json.loads((Path(folder) / "report.json").read_text())
    assert report["responses_evaluated"] == prompts
    assert round(report["statistics"]["mean"], 3) == 0.7
    return cost


def _spawned(arguments: list[str], codes: tuple[int, ...] = (0,)) -> Cost:
    """Run Python and take its costs; what it prints as the first line is the cost of the work alone."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, "DRYRUN_DATA": folder, "OPENAI_API_KEY": "k"}
            | {"ARROW_DEFAULT_MEMORY_POOL": "system"},
            stdout=said,
        )
        _, status, used = os.wait4(process.pid, 0)
        whole = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode in codes, arguments
        said.seek(0)
        first = re.match(r"\[([\d.e-]+), ([\d.e-]+)\]", said.readline())
    wall, cpu = (float(first[1]), float(first[2])) if first else (whole, 0.0)
    mega = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(wall, cpu, whole, used.ru_utime + used.ru_stime, used.ru_maxrss / mega)


def paces(base_url: str, latency: float | None, given: argparse.Namespace) -> None:
    """Loop, engine and command at one latency, one after the other, medians."""
    size, wide = given.prompts, given.concurrency
    kinds = ("sdk", "lean", "engine")
    found: dict[str, list[tuple[Cost, float]]] = {}
    for _ in range(given.repeat):
        for kind in (*kinds, "command"):
            if latency is not None:
                reset(base_url, Settings(latency=latency))
            cost = command(base_url, size, wide) if kind == "command" else measure(kind, base_url, size, wide)
            window = counts(base_url).window if latency is not None else cost.wall
            found.setdefault(kind, []).append((cost, size / window))
    print(f"\n{size:,} prompts, {wide} at once, " + ("" if latency is None else f"{latency * 1000:.0f} ms"))
    print(f"  {'':8}{'req/s':>8}{'of SDK':>8}{'CPU ms':>8}{'beyond':>8}{'whole s':>9}{'of SDK':>8}{'MB':>6}")
    pace = {kind: statistics.median(pace for _, pace in pairs) for kind, pairs in found.items()}
    middle = {kind: median([cost for cost, _ in pairs]) for kind, pairs in found.items()}
    for kind, cost in middle.items():
        cpu = (cost.cpu or cost.whole_cpu) / size * 1000
        print(
            f"  {kind:8}{pace[kind]:8.0f}{pace[kind] / pace['sdk']:8.2f}{cpu:8.2f}"
            f"{cpu - middle['sdk'].cpu / size * 1000:8.2f}{cost.whole:9.2f}"
            f"{cost.whole / middle['sdk'].whole:8.2f}{cost.peak:6.0f}"
        )
    if latency:
        bound = wide / latency
        shares = (f"{kind} {pace[kind] / bound:.2f}" for kind in pace)
        print(f"  of the bound of {bound:.0f}/s: " + ", ".join(shares))


def median(costs: list[Cost]) -> Cost:
    """Of each figure by itself."""
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in Cost.__slots__))


def faults(base_url: str, given: argparse.Namespace) -> None:
    """What throttling, errors and hanging calls add to a clean run; that none is lost is asserted."""
    print(f"\n{FAULTY_PROMPTS} prompts at {FAULTY_LATENCY * 1000:.0f} ms, engine, times the clean run")
    for words, wide in ((f"{given.concurrency} at once", given.concurrency), ("finds its level", 0)):
        clean = 0.0
        for name, settings in FAULTS.items():
            walls, calls = [], []
            for _ in range(given.repeat):
                reset(base_url, settings)
                walls.append(measure("engine", base_url, FAULTY_PROMPTS, wide, DEADLINE).wall)
                calls.append(counts(base_url))
                assert calls[-1].answered == FAULTY_PROMPTS, calls[-1]
            wall = statistics.median(walls)
            clean = clean or wall
            beyond = (
                f", {wall - clean:.2f} s more; a call may take {DEADLINE:.0f} s"
                if settings.hang_every
                else ""
            )
            print(f"  {words:16} {name:32}{wall:6.2f} s{wall / clean:6.2f}{calls[-1].calls:6} calls{beyond}")


def main() -> None:
    """Print the tables, or do one kind of work for the parent."""
    options = argparse.ArgumentParser(description="The engine against a bare loop")
    options.add_argument("--prompts", type=int, default=2000)
    options.add_argument("--concurrency", type=int, default=64)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--work", choices=sorted(WORK))
    options.add_argument("--base-url")
    options.add_argument("--timeout", type=float, default=60.0)
    given = options.parse_args()
    if given.work:
        keep_pandas_out()  # as the command line does
        clock = Clock()
        asyncio.run(WORK[given.work](given))
        clock.report()
    elif given.base_url:
        paces(given.base_url, None, given)
    else:
        with mock_endpoint() as base_url:
            for latency in LATENCIES:
                paces(base_url, latency, given)
            faults(base_url, given)
            reset(base_url)
            cost = measure("rescore", base_url, given.prompts, given.concurrency)
        print(f"\n{given.prompts:,} stored samples scored again: {cost.cpu:.2f} s CPU, {cost.wall:.2f} s")


if __name__ == "__main__":
    main()
