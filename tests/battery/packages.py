"""Reward modules of a folder of packages, loaded by file: nothing of the packages around them is run."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from dryrun.graders.inside.eval_protocol import stand_in

VARIABLE = "BATTERY_SITE"
SHELLS = ("verl", "verl.utils", "verl.utils.reward_score", "trl", "trl.rewards")


def site() -> Path | None:
    """The folder of the packages, where it is named and there."""
    named = os.environ.get(VARIABLE, "")
    return Path(named).resolve() if named and Path(named).is_dir() else None


def open_site(folder: Path) -> None:
    """Make the folder's reward modules importable, after everything that is installed."""
    for package in SHELLS:
        shell = ModuleType(package)
        shell.__path__ = [str(folder / package.replace(".", "/"))]
        sys.modules.setdefault(package, shell)
    stand_in()
    sys.modules["eval_protocol"].__path__ = [str(folder / "eval_protocol")]
    rewards = ModuleType("eval_protocol.rewards")
    rewards.__path__ = [str(folder / "eval_protocol" / "rewards")]
    sys.modules.setdefault("eval_protocol.rewards", rewards)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def public(module: str, name: str) -> Any:
    """A function of a module.

    Raises
    ------
    ImportError
        The module, or something that it needs, is absent.
    """
    return getattr(import_module(module), name)
