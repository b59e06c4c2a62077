"""What does the engine cost beyond a bare loop over the same client, at 0 and at 200 ms?

Prints, for each latency, requests per second and CPU per request of the bare loop and of a whole run
(storage and grading included), their ratio, and the peak memory; then the cost of scoring stored samples::

    python -m tests.benchmarks.bench_engine [--prompts 2000] [--concurrency 64]

Each measurement is a process of its own; the server is another one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiohttp import web

from dryrun.__main__ import keep_pandas_out
from dryrun.config import ModelConfig, ModelKind, SamplingConfig
from dryrun.dataset import dataset_from_items
from dryrun.records import Prompt
from dryrun.runner import build_model, prepare, regraded, start, work_on
from dryrun.store import Store
from tests.fake_endpoint import prompt_text
from tests.support import EXACT

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one measurement: wall and CPU seconds of the work, peak memory of the process in MB."""

    wall: float
    cpu: float
    peak: float


def rows(count: int) -> list[dict[str, Any]]:
    """Prompts whose answer is their number; the server is right seven times in ten."""
    return [
        {"messages": [{"role": "user", "content": f"item {number}"}], "reference_answer": str(number)}
        for number in range(count)
    ]


def serve(latency: float, pipe: Connection) -> None:
    """A plain server: no counting, no faults, so that little of what is measured is its own."""

    async def chat(request: web.Request) -> web.Response:
        number = int(prompt_text(json.loads(await request.read())).removeprefix("item "))
        await asyncio.sleep(latency)
        message = {"role": "assistant", "content": str(number) if number % 10 < 7 else "wrong"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3}
        return web.json_response(
            {"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage}
        )

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", chat)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


@contextmanager
def server(latency: float) -> Iterator[str]:
    """Its base URL, while it lasts."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=serve, args=(latency, there), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1"
    finally:
        process.terminate()
        process.join()


def model_config(base_url: str, concurrency: int) -> ModelConfig:
    """The mock's."""
    return ModelConfig(kind=ModelKind.ENDPOINT, name="mock", base_url=base_url, concurrency=concurrency)


async def bare_loop(base_url: str, count: int, concurrency: int) -> None:
    """Nothing but the calls: workers over one iterator, answers thrown away."""
    dataset = dataset_from_items(rows(count))
    todo: Iterator[Prompt] = (dataset.prompt(row) for row in range(count))

    async with build_model(model_config(base_url, concurrency), "k", lambda _: None) as model:

        async def worker() -> None:
            for prompt in todo:
                await model.generate(prompt, 0)

        await asyncio.gather(*(worker() for _ in range(concurrency)))


async def whole_run(base_url: str, count: int, concurrency: int, grader: dict[str, Any] = EXACT) -> None:
    """A run as the command line makes it, without the report."""
    config = model_config(base_url, concurrency)
    sampling = SamplingConfig(size=count, rollouts=1)
    run = start(
        Store(Path(os.environ["DRYRUN_DATA"])),
        prepare(dataset_from_items(rows(count)), grader, model=config, sampling=sampling),
    )
    status = await work_on(run, api_key="k")
    assert status.graded == count, status


async def rescore(base_url: str, count: int, concurrency: int) -> None:
    """The second half of it: a grader that has not seen the stored samples."""
    store = Store(Path(os.environ["DRYRUN_DATA"]))
    await whole_run(base_url, count, concurrency)
    run = start(
        store,
        prepare(
            dataset_from_items(rows(count)),
            EXACT,
            model=model_config(base_url, concurrency),
            sampling=SamplingConfig(size=count, rollouts=1),
        ),
    )
    again = start(store, regraded(run, EXACT | {"name": "another"}))
    wall, cpu = time.perf_counter(), time.process_time()
    status = await work_on(again, api_key="k")
    print_cost(wall, cpu)
    assert status.graded == status.reused == count, status


def print_cost(wall: float, cpu: float) -> None:
    """What has been spent since, for the parent to read."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu, peak]), flush=True)


WORK = {"bare": bare_loop, "engine": whole_run, "rescore": rescore}


def measure(what: str, base_url: str, count: int, concurrency: int) -> Cost:
    """One kind of work in a process and a data directory of its own."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            f"{sys.executable} -m tests.benchmarks.bench_engine --work {what} --base-url {base_url} "
            f"--prompts {count} --concurrency {concurrency}".split(),
            cwd=ROOT,
            env={**os.environ, "DRYRUN_DATA": folder, "ARROW_DEFAULT_MEMORY_POOL": "system"},
            capture_output=True,
            text=True,
            check=True,
        )
    return Cost(*json.loads(done.stdout.splitlines()[0]))


def compare(latency: float, count: int, concurrency: int) -> None:
    """Loop against engine at one latency, one after the other, best of three."""
    with server(latency) as base_url:
        pairs = [
            [measure(what, base_url, count, concurrency) for what in ("bare", "engine")] for _ in range(3)
        ]
    bare = min((pair[0] for pair in pairs), key=lambda cost: cost.wall)
    engine = min((pair[1] for pair in pairs), key=lambda cost: cost.wall)
    print(
        f"{latency * 1000:4.0f} ms   loop {count / bare.wall:6.0f}/s  {bare.cpu / count * 1000:.2f} ms CPU   "
        f"engine {count / engine.wall:6.0f}/s  {engine.cpu / count * 1000:.2f} ms CPU   "
        f"pace {bare.wall / engine.wall:.2f} of the loop   "
        f"beyond it {(engine.cpu - bare.cpu) / count * 1000:.2f} ms CPU a request   "
        f"peak {engine.peak:.0f} MB"
    )


def main() -> None:
    """Print the table, or do one kind of work for the parent."""
    options = argparse.ArgumentParser(description="The engine against a bare loop")
    options.add_argument("--prompts", type=int, default=2000)
    options.add_argument("--concurrency", type=int, default=64)
    options.add_argument("--work", choices=sorted(WORK))
    options.add_argument("--base-url")
    given = options.parse_args()
    if given.work:
        keep_pandas_out()  # as the command line does
        wall, cpu = time.perf_counter(), time.process_time()
        asyncio.run(WORK[given.work](given.base_url, given.prompts, given.concurrency))
        print_cost(wall, cpu)
        return
    for latency in (0.0, 0.2):
        compare(latency, given.prompts, given.concurrency)
    with server(0.0) as base_url:
        cost = measure("rescore", base_url, given.prompts, given.concurrency)
    print(f"scoring {given.prompts:,} stored samples again: {cost.cpu:.2f} s CPU, {cost.wall:.2f} s")


if __name__ == "__main__":
    main()
