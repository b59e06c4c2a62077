"""What this machine has for us: places, processors, packages, and whether the app is hosted for
strangers."""

from __future__ import annotations

import hashlib
import os
import site
import sys
import sysconfig
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path, user_data_path

from dryrun.core.errors import DryRunError

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


def is_installed(name: str) -> bool:
    """Whether a module of this name comes with Python or stands among the installed packages, which are all
    that a sandbox sees: no folder of one's own, and none that was installed to be edited."""
    try:
        spec = find_spec(name)
    except (ValueError, ImportError):
        return True
    if spec is None:
        return False
    places = [*(spec.submodule_search_locations or ())] or [spec.origin or ""]
    folders = [*map(sysconfig.get_path, ("stdlib", "platstdlib")), *site.getsitepackages()]
    folders += [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    return (not spec.has_location and not spec.submodule_search_locations) or any(
        Path(place).is_relative_to(folder) for place in places for folder in folders
    )


def is_unseen(name: str) -> bool:
    """Whether Python finds a module of this name where a sandbox does not look."""
    return not is_installed(name) and find_spec(name) is not None


def namesake(name: str) -> Path | None:
    """The file or folder in the working directory that Python takes for a package of this name."""
    top = name.partition(".")[0]
    try:
        spec = find_spec(top)
    except (ValueError, ImportError):
        return None
    if spec is None:
        return None
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    if not places and spec.has_location and spec.origin is not None:
        places = [Path(spec.origin)]
    here = Path.cwd()
    return places[0] if places and all(place.absolute().parent == here for place in places) else None


def optional_package(name: str, wanted: str, install: str) -> Any:
    """A package that Dry Run can do without.

    Parameters
    ----------
    name : str
    wanted : str
        What the real one has.
    install : str
        A sentence for users who have it not.

    Raises
    ------
    DryRunError
        It is not installed, or a file or folder of the user's has its name.
    """
    other = namesake(name)
    try:
        module = import_module(name)
    except Exception as error:  # whatever the user's own file does
        if other is None and not isinstance(error, ImportError):
            raise
        module = None
    if hasattr(module, wanted):
        return module
    sys.modules.pop(name, None)
    if other is None:
        raise DryRunError(install)
    kind = "folder" if other.is_dir() else "file"
    taken = f"Python takes the {kind} {other} for the package {name}"
    raise DryRunError(f"{taken}: rename it, or start in another folder. {install}")
