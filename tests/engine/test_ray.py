"""Shards on a real Ray of this machine: the same profile, whoever is killed; keys on no disk.

The first test lets the command start a Ray of its own; the others share one that is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dryrun.analysis.training.profile import DatasetProfile
from dryrun.cli.main import main
from dryrun.core.records import RunState
from dryrun.engine.profile.whole import Stages
from dryrun.store.partition import Store
from dryrun.store.runs import list_runs
from tests.engine.test_profile import by_rate, kept_calls, profiler
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.object_store import BUCKET, ObjectStore
from tests.helpers.support import ROOT, Command, input_files, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="no Ray"),
    pytest.mark.skipif(os.name != "posix", reason="signals"),
]

KEY = "sk-never-on-a-disk"
ROWS, SHARD = 64, 16
AT_ONCE = 8
PATIENCE = 240
"""Seconds: a busy machine takes a minute to start Ray."""
STAGES = Stages(2, 4, 8, SHARD)
CACHE = "copies"


@pytest.fixture
def ray_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where Ray keeps its sessions: the path of a socket in it must be short."""
    folder = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def on_ray(
    endpoint: FakeEndpoint, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """A profile of 64 rows in 4 shards, two at once, 8 calls at once."""
    monkeypatch.setenv("TEST_KEY", KEY)
    endpoint.answer, endpoint.api_key = by_rate, KEY
    model = ["--model", "fake", "--base-url", endpoint.base_url, "--model-seed", "0"]
    rate = ["--concurrency", str(AT_ONCE), "--api-key-env", "TEST_KEY"]
    shards = ["--all", "--most", "4", "--shard-rows", str(SHARD), "--data", str(store.root)]
    place = ["--on", "ray", "--at-once", "2", "--out", str(tmp_path / "profile.parquet")]
    return ["profile", *input_files(tmp_path, ROWS), *model, *rate, *shards, *place]


SMALL = ["--num-cpus=2", "--object-store-memory=80000000", "--include-dashboard=false"]


def started_ray(port: int, folder: Path, **settings: str) -> subprocess.Popen[bytes]:
    """A cluster of one machine, which ends with its process."""
    ray = str(Path(sys.executable).with_name("ray"))
    where = ["--head", f"--port={port}", f"--temp-dir={folder}"]
    return subprocess.Popen(
        [ray, "start", *where, *SMALL, "--disable-usage-stats", "--block"],
        cwd=ROOT,
        env={**os.environ, "RAY_AUTH_MODE": "disabled", "PYTHONPATH": str(ROOT), **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def answers(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def objects() -> Iterator[ObjectStore]:
    """An object store that Ray's workers know of."""
    with ObjectStore() as server:
        yield server


@pytest.fixture(scope="module")
def shared_ray(objects: ObjectStore) -> Iterator[tuple[str, int]]:
    """The address of a Ray of two processors, and the process that holds it.

    Its workers have copies of shared stores of their own, as those of another machine would.
    """
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))
    cache = str(folder / CACHE)
    with started_ray(port, folder, DRYRUN_CACHE=cache, **objects.environment) as node:
        try:
            wait_until(lambda: answers(port), PATIENCE)
            yield f"127.0.0.1:{port}", node.pid
        finally:
            below = processes_below(node.pid)
            node.terminate()
            node.wait(PATIENCE)
            end_all(below)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def there(shared_ray: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> int:
    """Commands join the shared Ray; its process."""
    monkeypatch.setenv("RAY_ADDRESS", shared_ray[0])
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    return shared_ray[1]


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


def workers_of(ray: int) -> list[int]:
    """Processes of this Ray that work on a shard now."""
    return [pid for pid, words in processes_below(ray).items() if words.startswith("ray::work_in_worker")]


def finished_runs(store: Store) -> set[str]:
    folders = (store.root / "profiles").glob("*/shards/*")
    runs = [run for folder in folders for run in list_runs(Store(folder))]
    return {run.id for run in runs if run.status().state is RunState.FINISHED}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> DatasetProfile:
    """The profile of one process that nothing happened to."""
    store = Store(tmp_path_factory.mktemp("alone"))
    with FakeEndpoint() as endpoint:
        endpoint.answer = by_rate
        found: DatasetProfile = asyncio.run(profiler(store, endpoint, ROWS, stages=STAGES).run()).profile
    return found


def assert_as_alone(alone: DatasetProfile, out: Path) -> None:
    table, counts = pq.read_table(out), alone.counts
    assert table["right"].to_pylist() == counts.right.tolist()
    assert table["n"].to_pylist() == counts.tried.tolist()
    assert table["pass_rate"].to_pylist() == alone.rates.rate.tolist()


def test_ray_asks_what_one_process_asks_and_no_disk_sees_the_key(
    on_ray: list[str],
    endpoint: FakeEndpoint,
    store: Store,
    tmp_path: Path,
    ray_folder: Path,
    alone: DatasetProfile,
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
    assert_as_alone(alone, tmp_path / "profile.parquet")


def test_a_worker_and_then_the_driver_are_killed(
    on_ray: list[str],
    endpoint: FakeEndpoint,
    store: Store,
    tmp_path: Path,
    there: int,
    alone: DatasetProfile,
) -> None:
    def finished(count: int) -> bool:
        return len(finished_runs(store)) >= count

    endpoint.delay = 0.4
    with Command(on_ray) as process:
        wait_until(partial(finished, 1), PATIENCE)
        wait_until(lambda: len(workers_of(there)) == 2)
        kept = dict.fromkeys(kept_calls(store), 1)
        os.kill(random.Random(1).choice(workers_of(there)), signal.SIGKILL)
        wait_until(partial(finished, 3), PATIENCE)
        assert {call: endpoint.calls_by_key[call] for call in kept} == kept
        again = sum(endpoint.calls_by_key.values()) - len(endpoint.calls_by_key)
        # Those in flight and those of the last second, of one of two workers.
        assert again <= 2 * AT_ONCE
        kept = {call: endpoint.calls_by_key[call] for call in kept_calls(store)}
        below = processes_below(there)
        process.kill()
    wait_until(lambda: not any(words.startswith("ray::work") for words in still(below)))
    assert {call: endpoint.calls_by_key[call] for call in kept} == kept
    endpoint.delay = 0.0
    done = finished_runs(store)
    calls = endpoint.calls
    assert main([*on_ray, "--at-once", "1"]) == 0
    assert {call: endpoint.calls_by_key[call] for call in kept} == kept
    assert done <= finished_runs(store)
    assert endpoint.calls > calls
    assert_as_alone(alone, tmp_path / "profile.parquet")


def test_ctrl_c_stops_all_workers_and_keeps_what_they_have(
    on_ray: list[str],
    endpoint: FakeEndpoint,
    store: Store,
    tmp_path: Path,
    there: int,
    alone: DatasetProfile,
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
    place = on_ray.index("--on")
    assert main([*on_ray[:place], *on_ray[place + 4 :]]) == 0, "one process goes on where Ray ended"
    assert {endpoint.calls_by_key[call] for call in kept} == {1}
    assert_as_alone(alone, tmp_path / "profile.parquet")


def test_a_shared_store_is_all_that_the_workers_share_with_the_command(
    on_ray: list[str],
    endpoint: FakeEndpoint,
    objects: ObjectStore,
    tmp_path: Path,
    there: int,
    alone: DatasetProfile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {**objects.environment, "DRYRUN_CACHE": str(tmp_path / "here")}.items():
        monkeypatch.setenv(name, value)
    assert main([*on_ray, "--data", f"s3://{BUCKET}/campaign"]) == 0
    assert set(endpoint.calls_by_key.values()) == {1}
    assert_as_alone(alone, tmp_path / "profile.parquet")
    assert any("/samples/" in name for name in objects.names("campaign/profiles/"))
    assert not list((tmp_path / "here").rglob("samples/**/*.parquet")), "responses went past the command"
