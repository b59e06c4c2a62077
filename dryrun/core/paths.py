"""Where things live on this machine, and whether the app is hosted for strangers."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path, user_data_path


def data_dir() -> Path:
    """The one directory that holds runs and cached responses: ``DRYRUN_DATA``, else a user data directory."""
    given = os.environ.get("DRYRUN_DATA")
    return Path(given).expanduser() if given else user_data_path("dryrun")


def cache_dir() -> Path:
    """Where fetched model weights live: ``DRYRUN_CACHE``, else the user's cache directory."""
    given = os.environ.get("DRYRUN_CACHE")
    return Path(given).expanduser() if given else user_cache_path("dryrun")


def hosted() -> bool:
    """Whether strangers use this server (``DRYRUN_HOSTED=1``): no server paths, no private endpoints."""
    return os.environ.get("DRYRUN_HOSTED", "") not in ("", "0")


def sample_data_dir() -> Path:
    """The sample dataset, its graders and the recorded run that come with the project."""
    return Path(__file__).resolve().parent.parent.parent / "sample_data"
