"""What does grading cost beyond the call it is about?

Prints the rate of a trivial python grader in the sandbox against the same function in a plain
``multiprocessing.Pool``; of the same grader with a process for each grade against sharing processes; of each
similarity metric against a bare loop over the library's call on the same texts; of string_check against a
bare loop over the comparison; and the peak memory of the parent over 100,000 python grades::

    python -m tests.benchmarks.bench_graders [--grades 20000] [--only python similarity memory]

Both sides of a ratio are measured in turns in one process, and the best of three counts.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from dryrun.core.errors import DryRunError
from dryrun.core.records import Grade, Sample, SampleOutcome
from dryrun.engine.grading_lane import grading_workers
from dryrun.graders import build, load_grader
from dryrun.graders.format.template import sample_fields
from dryrun.graders.kinds.text_similarity import Metric, similarity
from dryrun.graders.protocol import Grader
from tests.helpers.grading import python, string_check
from tests.helpers.grading import similarity as similarity_grader

SOURCE = "def grade(sample, item):\n    return float(sample['output_text'] == item['reference_answer'])\n"
WORDS = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "is",
    "that",
    "for",
    "it",
    "as",
    "was",
    "with",
    "be",
    "by",
    "on",
    "not",
    "he",
    "his",
    "but",
    "at",
    "are",
    "this",
    "have",
    "from",
]


def grade(sample: dict[str, Any], item: dict[str, Any]) -> float:
    """The same as `SOURCE`."""
    return float(sample["output_text"] == item["reference_answer"])


def responses(count: int, words: int) -> list[tuple[Sample, dict[str, Any]]]:
    """Texts of so many words, each with a reference that shares about half of them."""
    chance = random.Random(0)
    made = []
    for number in range(count):
        text = [chance.choice(WORDS) for _ in range(words)]
        other = [word if chance.random() < 0.5 else chance.choice(WORDS) for word in text]
        sample = Sample(str(number), 0, SampleOutcome.ANSWERED, " ".join(text), finish_reason="stop")
        made.append((sample, {"messages": [], "reference_answer": " ".join(other)}))
    return made


async def grade_all(grader: Grader, pairs: Sequence[tuple[Sample, dict[str, Any]]]) -> int:
    """Grade as a run does: a few tasks share one iterator."""
    todo, done = iter(pairs), 0

    async def work() -> None:
        while together := list(islice(todo, grader.at_once)):
            await grader.grade_each(together, take)

    def take(place: int, grade: Grade) -> None:
        nonlocal done
        done += 1

    await asyncio.gather(*(work() for _ in range(grading_workers(grader))))
    return done


def seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def bench_python(count: int) -> None:
    """Sandbox against Pool, both warm, two processes each."""
    pairs = responses(count, 20)
    plain = [(sample_fields(sample), item) for sample, item in pairs]

    async def sandboxed(pool: Any) -> tuple[float, float]:
        ours, theirs = [], []
        async with build(load_grader(python(SOURCE))) as grader:
            await grade_all(grader, pairs[:500])
            for _ in range(3):
                start = time.perf_counter()
                await grade_all(grader, pairs)
                ours.append(time.perf_counter() - start)
                theirs.append(await asyncio.to_thread(seconds, lambda: pool.starmap(grade, plain)))
        return min(ours), min(theirs)

    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(grade, plain[:500])
        ours, theirs = asyncio.run(sandboxed(pool))
    show("python, trivial", count / ours, count / theirs, "multiprocessing.Pool(2).starmap", 0.5)


def bench_apart(count: int) -> None:
    """A plain source, whose grades share processes, against the same one with a process for each grade."""
    pairs = responses(count, 20)

    async def rate() -> tuple[float, float]:
        seconds: tuple[list[float], list[float]] = [], []
        apart = python("import os\n" + SOURCE)
        async with build(load_grader(python(SOURCE))) as plain, build(load_grader(apart)) as other:
            for grader in (plain, other):
                await grade_all(grader, pairs[:200])
            for _ in range(3):
                for grader, taken in zip((plain, other), seconds, strict=True):
                    start = time.perf_counter()
                    await grade_all(grader, pairs)
                    taken.append(time.perf_counter() - start)
        return min(seconds[0]), min(seconds[1])

    together, apart = asyncio.run(rate())
    show("python, each alone", count / apart, count / together, "sharing processes", None)


def bench_comparing(count: int) -> None:
    """Each metric, and string_check, against a bare loop on texts of 100 words."""
    for metric in Metric:
        if metric is Metric.COSINE:
            continue
        try:
            call = similarity(metric)
        except DryRunError as error:  # meteor, where there is no WordNet
            print(f"{metric.value}: {error}")
            continue
        pairs = responses(max(50, count // SLOWER.get(metric, 10)), 100)
        compare(metric.value, similarity_grader(metric.value), pairs, call)
    compare(
        "string_check eq", string_check("eq"), responses(count, 100), lambda a, b: float(a == b), goal=None
    )


SLOWER = {Metric.FUZZY_MATCH: 1, Metric.METEOR: 200}
"""How many times fewer texts a slow metric gets."""


def compare(
    name: str,
    config: dict[str, Any],
    pairs: list[tuple[Sample, dict[str, Any]]],
    call: Callable[[str, str], float],
    goal: float | None = 0.7,
) -> None:
    """One grader against a loop over what it calls."""
    texts = [(sample.text, item["reference_answer"]) for sample, item in pairs]

    def bare() -> None:
        for given, reference in texts:
            call(given, reference)

    async def graded() -> tuple[float, float]:
        ours, theirs = [], []
        async with build(load_grader(config)) as grader:
            await grade_all(grader, pairs[:20])
            for _ in range(3):
                start = time.perf_counter()
                await grade_all(grader, pairs)
                ours.append(time.perf_counter() - start)
                theirs.append(seconds(bare))
        return min(ours), min(theirs)

    ours, theirs = asyncio.run(graded())
    show(name, len(pairs) / ours, len(pairs) / theirs, "a bare loop", goal)


def show(name: str, ours: float, theirs: float, what: str, goal: float | None) -> None:
    wanted = "" if goal is None else f" (wanted: {goal:g})"
    print(
        f"{name:18} {ours:10,.0f}/s   {what} {theirs:12,.0f}/s   ratio {ours / theirs:.2f}{wanted}",
        flush=True,
    )


def bench_memory(count: int) -> None:
    """Peak of the parent over many grades, in a process of its own."""
    code = f"from tests.benchmarks.bench_graders import memory; memory({count})"
    subprocess.run([sys.executable, "-c", code], check=True)


def memory(count: int) -> None:
    """Grade texts that are made as they are needed."""

    async def run() -> None:
        async with build(load_grader(python(SOURCE))) as grader:
            for _ in range(count // 1000):
                await grade_all(grader, responses(1000, 20))

    asyncio.run(run())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory             {count:,} grades   peak of the parent {peak:,.0f} MB (wanted: below 300)")


def main() -> None:
    """Print all of it, or what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--grades", type=int, default=20_000)
    parser.add_argument("--only", nargs="+", default=["python", "similarity", "memory"])
    options = parser.parse_args()
    if "python" in options.only:
        bench_python(options.grades)
        bench_apart(options.grades // 10)
    if "similarity" in options.only:
        bench_comparing(options.grades)
    if "memory" in options.only:
        bench_memory(100_000)


if __name__ == "__main__":
    main()
