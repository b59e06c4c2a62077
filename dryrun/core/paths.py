"""What this machine has for us: places, processors, and whether the app is hosted for strangers."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

PROCESSORS_SETTING = "DRYRUN_PROCESSORS"


def data_dir() -> Path:
    """The one directory that holds runs and cached responses: ``DRYRUN_DATA``, else a user data directory.

    Where ``DRYRUN_DATA`` is the address of a shared store, this machine's copy of it.
    """
    place = os.environ.get("DRYRUN_DATA")
    if place and "://" in place:
        return working_copy(place)
    return Path(place).expanduser() if place else user_data_path("dryrun")


def cache_dir() -> Path:
    """Where fetched model weights live: ``DRYRUN_CACHE``, else the user's cache directory."""
    folder = os.environ.get("DRYRUN_CACHE")
    return Path(folder).expanduser() if folder else user_cache_path("dryrun")


def working_copy(address: str) -> Path:
    """Where this machine keeps its copy of the shared store at an address."""
    name = hashlib.sha256(address.rstrip("/").encode()).hexdigest()[:16]
    return cache_dir() / "shared" / name


def hosted() -> bool:
    """Whether strangers use this server (``DRYRUN_HOSTED=1``): no server paths, no private endpoints."""
    return os.environ.get("DRYRUN_HOSTED", "") not in ("", "0")


def processors() -> int:
    """How many processors this process may use: those it is bound to, ``DRYRUN_PROCESSORS`` at most."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = os.environ.get(PROCESSORS_SETTING, "")
    return min(bound, int(most)) if most.isdecimal() and int(most) else bound


def docs_dir() -> Path:
    """The documents that come with the project."""
    return Path(__file__).resolve().parent.parent.parent / "docs"


def sample_data_dir() -> Path:
    """The sample dataset, its graders and the recorded run that come with the project."""
    return Path(__file__).resolve().parent.parent.parent / "sample_data"
