"""A bucket, and machines that share it: each has a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dryrun.store.partition import Store
from dryrun.store.shared import local_copy, registry
from dryrun.store.shared.address import StoreAddress
from dryrun.store.shared.local_copy import LocalCopy
from dryrun.store.shared.objects import Objects
from tests.helpers.object_store import ObjectStore

ADDRESS = "s3://bucket/team"
Machine = Callable[[str], Store]


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


@pytest.fixture
def machine(bucket: ObjectStore, tmp_path: Path) -> Machine:
    """The data directory as the machine with this name sees it; named again it is a new process there."""

    def opened(name: str) -> Store:
        root = tmp_path / name
        registry.register(root, LocalCopy(Objects(StoreAddress.of(ADDRESS)), root))
        return Store(root)

    return opened


def sent(store: Store, patience: float = 3.0) -> int:
    """Wait until everything is in the bucket, or nothing gets there; how many files are not."""
    copy = registry.copy_of(store.root)
    assert copy is not None
    return copy.drain(patience).count
