"""Ray, which is optional: imported when it is wanted, and joined where it runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from dryrun.core.errors import DryRunError
from dryrun.core.packages import optional_package

INSTALL = "Ray is not installed: pip install -r requirements-ray.txt (or pip install 'dryrun[ray]')."
QUIET: Mapping[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}


def imported_ray() -> Any:
    """The module.

    Raises
    ------
    DryRunError
        Ray is not installed.
    """
    return optional_package("ray", "init", INSTALL)


def join_cluster(ray: Any, place: str = "ray") -> None:
    """Join a cluster, or start one.

    Parameters
    ----------
    ray : module
    place : str
        ``ray``: the cluster that `RAY_ADDRESS` names or that ``ray start`` started on this machine, else one
        started here that ends with this process. ``ray://HOST:PORT``: a cluster through its client server.

    Raises
    ------
    DryRunError
        No cluster answers there.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(None if place == "ray" else place, **QUIET)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        words = str(error).strip().split("\n")[0].rstrip(".")
        where, then = place, "A cluster with tokens wants RAY_AUTH_MODE=token."
        if place == "ray":
            where = os.environ.get("RAY_ADDRESS", "this machine")
            then += " RAY_ADDRESS=local starts one here."
        raise DryRunError(f"No Ray cluster answers at {where} ({words}). {then}") from error
