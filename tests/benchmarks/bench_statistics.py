"""Statistics of 10 million scores, as ratios to plain NumPy on the same scores.

python -m tests.benchmarks.bench_statistics [--scores 10000000]
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from dryrun.analysis.figures.statistics import describe
from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.evidence import diagnose_with_evidence
from dryrun.analysis.verdict.stability import stability
from dryrun.core.thresholds import Thresholds

K = 4


def scores(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and their prompts, `K` responses each."""
    rng = np.random.default_rng(0)
    prompt = np.repeat(np.arange(count // K), K)
    return np.clip(rng.random(count // K)[prompt] + rng.normal(0, 0.2, prompt.size), 0, 1), prompt


def timed(name: str, seconds: float, plain: float) -> None:
    """One line."""
    print(f"{name:58s} {seconds:7.2f} s  {seconds / plain:6.2f} x NumPy")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scores", type=int, default=10_000_000)
    score, prompt = scores(parser.parse_args().scores)
    start = time.perf_counter()
    score.mean(), score.std(ddof=1), score.min(), score.max(), np.percentile(score, (10, 25, 50, 75, 90))
    np.histogram(score, 20)
    plain = time.perf_counter() - start
    timed(f"NumPy: mean, std, percentiles, histogram of {score.size:,}", plain, plain)

    start = time.perf_counter()
    figures = describe(score)
    timed("The report's figures of the same", time.perf_counter() - start, plain)
    start = time.perf_counter()
    held = stability(score, prompt, Thresholds())
    timed("Intervals over prompts and stability", time.perf_counter() - start, plain)
    assert figures.mean is not None
    assert held is not None
    span = f"{held.mean.low:.6f}-{held.mean.high:.6f}"
    print(f"mean {figures.mean:.6f}, NumPy {score.mean():.6f}; 95 % {span}")

    rng = np.random.default_rng(0)
    table = np.clip(rng.random((300, 1)) + rng.normal(0, 0.2, (300, 4)), 0, 1)
    seen = Observations.of(table)
    start = time.perf_counter()
    diagnose_with_evidence(seen)
    print(f"the whole judgement of 300 x 4 scores: {time.perf_counter() - start:.3f} s")


if __name__ == "__main__":
    main()
