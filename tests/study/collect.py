"""The small files of a study, collected into two Parquet files that are committed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.study.conditions import Condition, conditions

HERE = Path(__file__).parent
TRAININGS, DRY_RUNS = HERE / "trainings.parquet", HERE / "dry_runs.parquet"

Rows = list[dict[str, Any]]


def collect(data: Path, folder: Path = HERE, chosen: Sequence[Condition] | None = None) -> None:
    """Write `trainings.parquet`, a row per training, and `dry_runs.parquet`, a row per dry run."""
    trainings: Rows = []
    dry_runs: Rows = []
    for condition in chosen or conditions():
        own = {path.name: json.loads(path.read_text("utf-8")) for path in _files(data, condition)}
        before = own.pop(f"{condition.name}.before.json", None)
        for name, found in own.items():
            piece = name.removeprefix(f"{condition.name}.").removesuffix(".json")
            if piece.startswith("k"):
                dry_runs.append({"condition": condition.name, "k": int(piece[1:]), **found})
            elif before:
                trainings.append({"condition": condition.name, **_training(piece, before, found)})
    _write(trainings, folder / TRAININGS.name)
    _write(dry_runs, folder / DRY_RUNS.name)


def _files(data: Path, condition: Condition) -> list[Path]:
    return sorted((data / "results").glob(f"{condition.name}.*.json"))


def _training(piece: str, before: dict[str, float], found: dict[str, Any]) -> dict[str, Any]:
    seed, _, variant = piece.partition(".")
    return {
        "seed": int(seed),
        "scaled": variant != "unscaled",
        **{f"{name}_before": value for name, value in before.items()},
        **{f"{name}_after": value for name, value in found["after"].items()},
        "course": found["course"],
        "seconds": round(found["seconds"], 1),
    }


def _write(rows: Rows, path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path, compression="zstd")


def read_rows(path: Path) -> Rows:
    """The rows of a collected file."""
    rows: Rows = pq.read_table(path).to_pylist()
    return rows
