"""Fixtures for all tests. Nothing here touches the user's own directories."""

from __future__ import annotations

import gc
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from dryrun.store.partition import Store
from dryrun.store.shared import local_copy, registry
from tests.helpers.endurance import CALLS, CONCURRENCY, finish
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.machines import Machine, open_copy
from tests.helpers.object_store import ObjectStore
from tests.helpers.support import at, input_files

# No test fails because the machine is busy.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


# Small products are worth no second thread: it waits in a busy loop while another test needs the processor.
# NumPy reads this when it is imported: by this process already, by the processes that test not yet.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Whoever starts the tests in the background has Ctrl-C ignored, by them and by every process they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors, since slow tests wait; a single file is tested by this process."""
    if len(config.args) == 1 and ".py" in config.args[0]:
        return 0
    return (os.cpu_count() or 1) + 1


TOGETHER = {
    "tests/browser/test_accessibility": "pages",
    "tests/browser/test_journeys": "pages",
    "tests/browser/": "browser",
    "tests/models/test_embedded.py": "embedded",
    "tests/engine/test_ray.py": "ray",
    "tests/models/test_ray_data.py": "ray",
}
"""Tests that share a server, by the beginning of their path: one process does them, and starts it once.

Half of those of the browser are in two files.
"""


def _group(nodeid: str) -> str:
    return next((group for start, group in TOGETHER.items() if nodeid.startswith(start)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Tests go to processes singly, those of a group all to one.

    xdist's own groups write their name into a field of a test that pytest 9.2 no longer reads.
    """
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = _group
    return scheduler


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Modules and tests stay until the end: the garbage collector need not look at them again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests first, so that no process is left with one of them when the others have nothing to do.

    Before them the browser's: two processes do them all, which takes the longest.
    """
    _mark_further_cases(items)
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("browser", "slow")])


def _mark_further_cases(items: list[pytest.Item]) -> None:
    """Of a test marked ``quick_cases(n)`` the cases after the first `n` are slow."""
    cases: Counter[str] = Counter()
    for item in items:
        if mark := item.get_closest_marker("quick_cases"):
            test = item.nodeid.partition("[")[0]
            cases[test] += 1
            if cases[test] > mark.args[0]:
                item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _own_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("DRYRUN_HOSTED", raising=False)
    monkeypatch.setattr(registry, "_COPIES", {})  # of shared stores that an earlier test opened
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ObjectStore]:
    """An empty bucket; this process has its address and credentials, and looks at it whenever it reads."""
    monkeypatch.setattr(registry, "_COPIES", {})
    monkeypatch.setattr(local_copy, "FRESH_SECONDS", -1.0)
    monkeypatch.setattr(local_copy, "QUIET_SECONDS", 0.0)
    monkeypatch.setenv("DRYRUN_CACHE", str(tmp_path / "cache"))
    with ObjectStore() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
        server.trouble = None
        for copy in registry.copies():  # what is still to be put would go to the next test's bucket
            copy.drain(10.0)


@pytest.fixture
def machine(bucket: ObjectStore, tmp_path: Path) -> Machine:
    """The data directory as the machine with this name sees it; named again it is a new process there."""
    return lambda name: open_copy(tmp_path / name)


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    with FakeEndpoint() as server:
        yield server


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """``--dataset`` and ``--grader`` with 60 rows and an exact grader."""
    return input_files(tmp_path)


@pytest.fixture
def arguments(files: list[str], endpoint: FakeEndpoint) -> list[str]:
    """A run of 120 calls, two at a time."""
    return ["run", *files, *at(endpoint, "--concurrency", str(CONCURRENCY))]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of a run like ``arguments`` that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with FakeEndpoint() as server:
        options = at(server, "--concurrency", str(CONCURRENCY), "--data", str(folder / "data"))
        report = finish(["run", *input_files(folder), *options], folder / "report.json")
        assert server.calls == CALLS
    return report
