"""Dry Run: are the prompts learnable, and does the grader work? Asked before the training run is paid for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dryrun.cli.notebook import profile_dataset, profile_run, run_dry_run
    from dryrun.core.config import JudgeConfig, ModelConfig, RunConfig, SamplingConfig
    from dryrun.core.errors import DryRunError
    from dryrun.core.thresholds import Thresholds
    from dryrun.core.version import __version__
    from dryrun.probes.check import check_function, check_spec
    from dryrun.report.gate.rules import assert_go

_HOMES = {
    "run_dry_run": "dryrun.cli.notebook",
    "profile_dataset": "dryrun.cli.notebook",
    "profile_run": "dryrun.cli.notebook",
    "JudgeConfig": "dryrun.core.config",
    "ModelConfig": "dryrun.core.config",
    "RunConfig": "dryrun.core.config",
    "SamplingConfig": "dryrun.core.config",
    "Thresholds": "dryrun.core.thresholds",
    "DryRunError": "dryrun.core.errors",
    "__version__": "dryrun.core.version",
    "assert_go": "dryrun.report.gate.rules",
    "check_function": "dryrun.probes.check",
    "check_spec": "dryrun.probes.check",
}

__all__ = [
    "DryRunError",
    "JudgeConfig",
    "ModelConfig",
    "RunConfig",
    "SamplingConfig",
    "Thresholds",
    "__version__",
    "assert_go",
    "check_function",
    "check_spec",
    "profile_dataset",
    "profile_run",
    "run_dry_run",
]


def __getattr__(name: str) -> Any:
    """A public name, loaded when it is first used: ``import dryrun`` stays light."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'dryrun' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
