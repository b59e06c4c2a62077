"""How a sample becomes a grade."""

from __future__ import annotations

from dryrun.graders.checks.against_rows import check_against
from dryrun.graders.format.findings import Finding, Severity, raise_errors
from dryrun.graders.load import load_grader
from dryrun.graders.protocol import Grader
from dryrun.graders.specs import GraderSpec, build

__all__ = [
    "Finding",
    "Grader",
    "GraderSpec",
    "Severity",
    "build",
    "check_against",
    "load_grader",
    "raise_errors",
]
