"""How fast, and in how much memory, is a large dataset read, validated and sampled?

Prints ratios to the speed of parsing each line with orjson and nothing else::

    python -m tests.benchmarks.bench_dataset [--rows 1000000] [--folder /somewhere/with/space]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from dryrun.core.config import SamplingConfig, SamplingMethod
from dryrun.dataset import read_dataset
from dryrun.dataset.draw import draw

WORDS = ["alpha", "river", "seven", "grüßen", "matrix", "of", "the", "a", "proof", "\\n", "“so”", "x=3"]
GROUP = 20_000
MEGABYTE = 1 << 20


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Rows of about 1 kB as JSON, each different."""
    rng = random.Random(0)
    for number in range(count):
        text = " ".join(rng.choices(WORDS, k=130))
        yield {
            "messages": [
                {"role": "developer", "content": "Answer with one number."},
                {"role": "user", "content": f"Question {number}: {text}"},
            ],
            "reference_answer": str(rng.randrange(10**6)),
            "topic": f"topic {number % 40}",
            "metadata": {"level": rng.randrange(5), "source": "generated", "weight": rng.random()},
        }


def write(folder: Path, count: int) -> tuple[Path, Path]:
    """The same rows as JSONL and as Parquet; the Parquet file has a large column that nobody asked for."""
    jsonl, parquet = folder / "rows.jsonl", folder / "rows.parquet"
    writer: pq.ParquetWriter | None = None
    group: list[dict[str, Any]] = []
    with jsonl.open("wb") as file:
        for row in rows(count):
            file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            group.append(row)
            if len(group) == GROUP:
                table = pa.Table.from_pylist(group)
                writer = writer or pq.ParquetWriter(parquet, table.schema)
                writer.write_table(table)
                group = []
        if group:
            table = pa.Table.from_pylist(group)
            writer = writer or pq.ParquetWriter(parquet, table.schema)
            writer.write_table(table)
    if writer is not None:
        writer.close()
    return jsonl, parquet


def parse_only(path: Path) -> int:
    """The yardstick."""
    count = 0
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)
            count += 1
    return count


def read_and_sample(path: Path) -> int:
    """Validate the file and draw 300 rows of it."""
    dataset = read_dataset(path, path.name)
    chosen = draw(dataset, SamplingConfig(size=300, method=SamplingMethod.STRATIFIED))
    assert len(dataset.prompts(chosen)) == min(300, len(dataset))
    return len(dataset)


def _child(work: Callable[[Path], int], path: Path, sink: Any) -> None:
    before = peak()
    start = time.perf_counter()
    count = work(path)
    seconds = time.perf_counter() - start
    sink.send((count, seconds, peak() - before))


def peak() -> int:
    """The most memory this process has had, in bytes. (Linux's ru_maxrss counts the parent's, too.)"""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(work: Callable[[Path], int], path: Path) -> tuple[int, float, int]:
    """Rows, seconds, and bytes by which the peak grew, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    source, sink = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(work, path, sink))
    process.start()
    sink.close()
    found: tuple[int, float, int] = source.recv()
    process.join()
    return found


def main() -> None:
    """Write the files, measure, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--folder", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        jsonl, parquet = write(Path(folder), given.rows)
        _, base, _ = measure(parse_only, jsonl)
        size = jsonl.stat().st_size / MEGABYTE
        print(f"{given.rows:,} rows, {size:,.0f} MiB of JSONL, {os.cpu_count()} processors")
        print(f"orjson.loads of each line   {base:6.2f} s  1.00")
        for path in (jsonl, parquet):
            _, seconds, grown = measure(read_and_sample, path)
            ratio, each = base / seconds, grown / given.rows
            print(
                f"read and sample {path.suffix:11} {seconds:6.2f} s  {ratio:.2f}  "
                f"peak +{grown / MEGABYTE:,.0f} MiB ({each:.0f} bytes a row)"
            )


if __name__ == "__main__":
    main()
