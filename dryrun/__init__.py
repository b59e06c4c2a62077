"""Dry Run: are the prompts learnable, and does the grader work? Asked before the training run is paid for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dryrun.config import JudgeConfig, ModelConfig, RunConfig, SamplingConfig, Thresholds
    from dryrun.errors import DryRunError
    from dryrun.notebook import run_dry_run

__version__ = "0.1.0"

_HOMES = {
    "run_dry_run": "dryrun.notebook",
    "JudgeConfig": "dryrun.config",
    "ModelConfig": "dryrun.config",
    "RunConfig": "dryrun.config",
    "SamplingConfig": "dryrun.config",
    "Thresholds": "dryrun.config",
    "DryRunError": "dryrun.errors",
}

__all__ = [
    "DryRunError",
    "JudgeConfig",
    "ModelConfig",
    "RunConfig",
    "SamplingConfig",
    "Thresholds",
    "run_dry_run",
]


def __getattr__(name: str) -> Any:  # a name is loaded when it is first used: ``import dryrun`` stays light
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'dryrun' has no attribute {name!r}")
