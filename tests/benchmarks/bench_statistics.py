"""Statistics of 10 million scores in flat memory, as ratios to plain NumPy on the same scores.

    python -m tests.benchmarks.bench_statistics [--scores 10000000]

Scores come in parts of a million, as a large run's files do, and are sketched and forgotten one by one.
"""

from __future__ import annotations

import argparse
import functools
import operator
import time
import tracemalloc
from collections.abc import Iterator

import numpy as np

from dryrun.analysis.observations import Observations
from dryrun.analysis.sketch import describe_sketch, sketch_of, sketch_stability
from dryrun.analysis.verdict.evidence import diagnose_with_evidence
from dryrun.core.thresholds import Thresholds

PART, K = 1_000_000, 4


def parts(count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Scores and prompts of one part after the other."""
    for number in range(max(count // PART, 1)):
        rng = np.random.default_rng(number)
        own = np.repeat(rng.random(PART // K), K)
        yield (
            np.clip(own + rng.normal(0, 0.2, PART), 0, 1),
            number * PART + np.repeat(np.arange(PART // K), K),
        )


def timed(name: str, seconds: float, plain: float) -> None:
    """One line."""
    print(f"{name:58s} {seconds:7.2f} s  {seconds / plain:6.2f} x NumPy")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scores", type=int, default=10_000_000)
    count = parser.parse_args().scores
    held = list(parts(count))
    every = np.concatenate([score for score, _ in held])
    start = time.perf_counter()
    every.mean(), every.std(ddof=1), every.min(), every.max(), np.percentile(every, (10, 25, 50, 75, 90))
    np.histogram(every, 20)
    plain = time.perf_counter() - start
    timed(f"NumPy: mean, std, percentiles, histogram of {every.size:,}", plain, plain)

    start = time.perf_counter()
    found = functools.reduce(operator.add, (sketch_of(score, prompt) for score, prompt in held))
    figures, held_up = describe_sketch(found), sketch_stability(found, Thresholds())
    timed("Sketch: the same, with intervals over prompts and stability", time.perf_counter() - start, plain)
    assert figures.mean is not None
    assert held_up is not None
    span = f"{held_up.mean.low:.6f}-{held_up.mean.high:.6f}"
    print(f"mean {figures.mean:.6f}, NumPy {every.mean():.6f}; 95 % {span}")
    del every, held

    tracemalloc.start()
    functools.reduce(operator.add, (sketch_of(*part) for part in parts(count // 5)))
    small = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    functools.reduce(operator.add, (sketch_of(*part) for part in parts(count)))
    large = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"peak memory: {large / 1e6:.0f} MB for {count:,} scores, {small / 1e6:.0f} MB for a fifth of them")

    rng = np.random.default_rng(0)
    table = np.clip(rng.random((300, 1)) + rng.normal(0, 0.2, (300, 4)), 0, 1)
    seen = Observations.of(table)
    start = time.perf_counter()
    diagnose_with_evidence(seen)
    print(f"the whole judgement of 300 x 4 scores: {time.perf_counter() - start:.3f} s")


if __name__ == "__main__":
    main()
