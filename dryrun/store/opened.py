"""Opening a data directory by what the user gave: a path, or the address of a shared store."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from dryrun.core.paths import data_dir, working_copy
from dryrun.store.disk import TOPS
from dryrun.store.partition import Store
from dryrun.store.shared import registry

_opening = threading.Lock()


def open_store(place: str | Path | None = None) -> Store:
    """The data directory at a path or an address; opening an address twice gives the same copy.

    Parameters
    ----------
    place : str or Path, optional
        ``"s3://bucket/prefix"``, ``gs://``, ``az://``, ``file://``, or a folder. Default: ``DRYRUN_DATA`` or
        the user's.

    Raises
    ------
    StoreError
        The address is wrong, or the store cannot be reached.
    """
    text = os.environ.get("DRYRUN_DATA", "") if place is None else str(place)
    if "://" not in text:
        return Store(data_dir() if place is None else Path(place))
    root = working_copy(text)
    with _opening:
        if registry.copy_of(root) is None:
            # A data directory on the local disk imports none of this.
            from dryrun.store.shared.address import StoreAddress
            from dryrun.store.shared.local_copy import LocalCopy
            from dryrun.store.shared.objects import Objects

            objects = Objects(StoreAddress.of(text))
            objects.check()
            registry.register(root, LocalCopy(objects, root))
    return Store(root)


def store_name(store: Store) -> str:
    """What names a data directory to another process, here or elsewhere: its address, or its path."""
    copy = registry.copy_of(store.root)
    return str(store.root) if copy is None else copy.address


def push_again(store: Store) -> bool:
    """Look for whatever is here and not in the shared store, and put it; False on the local disk alone.

    Raises
    ------
    StoreError
        The store cannot be reached.
    """
    if registry.copy_of(store.root) is None:
        return False
    for folder in TOPS:
        registry.pull(store.root / folder, light=True, fresh=True)
    return True
