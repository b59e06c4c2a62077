"""Shards on a real Ray of this machine: the same profile, whoever is killed; keys on no disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dryrun.cli.main import main
from dryrun.core.records import RunState
from dryrun.engine.profile.whole import Stages
from dryrun.store.partition import Store
from dryrun.store.runs import list_runs
from tests.engine.test_profile import by_rate, kept_calls, profiler
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import Command, input_files, wait_until

pytest.importorskip("ray")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals"),
]

KEY = "sk-never-on-a-disk"
ROWS, SHARD = 96, 16
AT_ONCE = 8
PATIENCE = 240
"""Seconds: a busy machine takes a minute to start Ray."""
STAGES = Stages(2, 4, 8, SHARD)


@pytest.fixture
def ray_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where Ray keeps its sessions: the path of a socket in it must be short."""
    folder = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    monkeypatch.setenv("TEST_KEY", KEY)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def on_ray(endpoint: FakeEndpoint, store: Store, tmp_path: Path, ray_folder: Path) -> list[str]:
    """A profile of 96 rows in 6 shards, two at once on a Ray of its own, 8 calls at once."""
    endpoint.answer, endpoint.api_key = by_rate, KEY
    model = ["--model", "fake", "--base-url", endpoint.base_url, "--model-seed", "0"]
    rate = ["--concurrency", str(AT_ONCE), "--api-key-env", "TEST_KEY"]
    shards = ["--all", "--most", "4", "--shard-rows", str(SHARD), "--data", str(store.root)]
    place = ["--on", "ray", "--at-once", "2", "--out", str(tmp_path / "profile.parquet")]
    return ["profile", *input_files(tmp_path, ROWS), *model, *rate, *shards, *place]


def processes_below(parent: int) -> dict[int, str]:
    """The command lines of all processes that descend from this one."""
    found: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        found[int(folder.name)] = (int(fields[1]), words)
    below = {parent}
    while more := {pid for pid, (above, _) in found.items() if above in below} - below:
        below |= more
    return {pid: found[pid][1] for pid in below - {parent} if pid in found}


def still(before: dict[int, str]) -> list[str]:
    """The command lines of those that are there still."""
    paths = [Path(f"/proc/{pid}/cmdline") for pid in before]
    return [path.read_text().replace("\0", " ") for path in paths if path.exists()]


def end_all(before: dict[int, str]) -> None:
    for pid in before:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def workers_of(driver: int) -> list[int]:
    """Ray's processes that work on a shard now."""
    return [pid for pid, words in processes_below(driver).items() if words.startswith("ray::work_in_worker")]


def finished_runs(store: Store) -> set[str]:
    folders = (store.root / "profiles").glob("*/shards/*")
    runs = [run for folder in folders for run in list_runs(Store(folder))]
    return {run.id for run in runs if run.status().state is RunState.FINISHED}


def assert_as_alone(endpoint: FakeEndpoint, store: Store, out: Path) -> None:
    """The profile is that of one process that nothing happened to."""
    alone = asyncio.run(
        profiler(
            Store(store.root.parent / "alone"), endpoint, ROWS, work={"api_key": KEY}, stages=STAGES
        ).run()
    )
    table, counts = pq.read_table(out), alone.profile.counts
    assert table["right"].to_pylist() == counts.right.tolist()
    assert table["n"].to_pylist() == counts.tried.tolist()
    assert table["pass_rate"].to_pylist() == alone.profile.rates.rate.tolist()


def test_ray_asks_what_one_process_asks_and_no_disk_sees_the_key(
    on_ray: list[str], endpoint: FakeEndpoint, store: Store, tmp_path: Path, ray_folder: Path
) -> None:
    with Command(on_ray) as process:
        said, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert "Ray works on 2 shards at once" in errors
    assert set(endpoint.calls_by_key.values()) == {1}
    assert endpoint.max_in_flight <= AT_ONCE
    logs = [path for path in ray_folder.rglob("*") if path.is_file()]
    assert any("raylet" in path.name for path in logs), "Ray has kept its logs here"
    written = [*logs, *(path for path in store.root.rglob("*") if path.is_file())]
    assert [path for path in written if KEY.encode() in path.read_bytes()] == []
    assert KEY not in said + errors
    assert_as_alone(endpoint, store, tmp_path / "profile.parquet")


def test_a_worker_and_then_the_driver_are_killed(
    on_ray: list[str], endpoint: FakeEndpoint, store: Store, tmp_path: Path
) -> None:
    def finished(count: int) -> bool:
        return len(finished_runs(store)) >= count

    def worked_on(driver: int) -> bool:
        return len(workers_of(driver)) == 2

    endpoint.delay = 0.4
    with Command(on_ray) as process:
        wait_until(partial(finished, 1), PATIENCE)
        wait_until(partial(worked_on, process.pid))
        kept = dict.fromkeys(kept_calls(store), 1)
        os.kill(random.Random(1).choice(workers_of(process.pid)), signal.SIGKILL)
        wait_until(partial(finished, 3), PATIENCE)
        assert {call: endpoint.calls_by_key[call] for call in kept} == kept
        again = sum(endpoint.calls_by_key.values()) - len(endpoint.calls_by_key)
        # Those in flight and those of the last second, of one of two workers.
        assert again <= 2 * AT_ONCE
        kept = {call: endpoint.calls_by_key[call] for call in kept_calls(store)}
        below = processes_below(process.pid)
        process.kill()
    wait_until(lambda: not any(words.startswith("ray::work") for words in still(below)))
    end_all(below)  # of a Ray whose driver was killed two helpers stay
    assert {call: endpoint.calls_by_key[call] for call in kept} == kept
    endpoint.delay = 0.0
    done = finished_runs(store)
    calls = endpoint.calls
    assert main([*on_ray]) == 0
    assert {call: endpoint.calls_by_key[call] for call in kept} == kept
    assert done <= finished_runs(store)
    assert endpoint.calls > calls
    assert_as_alone(endpoint, store, tmp_path / "profile.parquet")


def test_ctrl_c_stops_all_workers_and_keeps_what_they_have(
    on_ray: list[str], endpoint: FakeEndpoint, store: Store, tmp_path: Path
) -> None:
    endpoint.delay = 0.2
    with Command(on_ray) as process:
        wait_until(lambda: endpoint.calls >= 30, PATIENCE)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    calls, kept = endpoint.calls, kept_calls(store)
    assert calls - len(kept) <= AT_ONCE, "those in flight alone are lost"
    endpoint.delay = 0.0
    assert main(on_ray) == 0
    assert {endpoint.calls_by_key[call] for call in kept} == {1}
    assert_as_alone(endpoint, store, tmp_path / "profile.parquet")
