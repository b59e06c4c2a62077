"""How a sample becomes a grade."""

from __future__ import annotations

from dryrun.graders.check import check_against
from dryrun.graders.factory import build
from dryrun.graders.findings import Finding, Severity, raise_errors
from dryrun.graders.protocol import Grader
from dryrun.graders.sandbox import SandboxStatus, sandbox_status
from dryrun.graders.schema import load_grader
from dryrun.graders.specs import GraderSpec

build_grader = build

__all__ = [
    "Finding",
    "Grader",
    "GraderSpec",
    "SandboxStatus",
    "Severity",
    "build",
    "build_grader",
    "check_against",
    "load_grader",
    "raise_errors",
    "sandbox_status",
]
