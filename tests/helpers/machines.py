"""Machines that share a bucket: each has a folder of its own for its copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dryrun.store.partition import Store
from dryrun.store.shared import registry
from dryrun.store.shared.address import StoreAddress
from dryrun.store.shared.local_copy import LocalCopy
from dryrun.store.shared.objects import Objects

ADDRESS = "s3://bucket/team"
Machine = Callable[[str], Store]


def open_copy(root: Path) -> Store:
    """The bucket's data directory as a new process sees it on the machine whose copy is in this folder."""
    registry.register(root, LocalCopy(Objects(StoreAddress.of(ADDRESS)), root))
    return Store(root)


def sent(store: Store, patience: float = 60.0) -> int:
    """Wait until everything is in the bucket, or nothing gets there; how many files are not."""
    copy = registry.copy_of(store.root)
    assert copy is not None
    return copy.drain(patience).count
