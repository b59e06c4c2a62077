"""How a sample becomes a grade."""

from __future__ import annotations

from dryrun.graders.build import build as build_grader
from dryrun.graders.findings import Finding, Severity
from dryrun.graders.protocol import Grader
from dryrun.graders.schema import load_grader
from dryrun.graders.specs import GraderSpec

__all__ = ["Finding", "Grader", "GraderSpec", "Severity", "build_grader", "load_grader"]
