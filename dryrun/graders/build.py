"""A validated grader, ready to grade."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dryrun.graders.format.specs import GraderSpec
from dryrun.graders.protocol import BuildOptions, Grader

if TYPE_CHECKING:
    from dryrun.graders.kinds.judge_access import JudgeAccess

DEFAULT_TIMEOUT = 120.0
"""Seconds one grade may take: the service's own limit for python graders."""


def build(spec: GraderSpec, *, timeout: float = DEFAULT_TIMEOUT, judge: JudgeAccess | None = None) -> Grader:
    """The grader that `spec` describes. Open it with ``async with`` before use.

    Parameters
    ----------
    spec : GraderSpec
        From `load_grader`.
    timeout : float
        Seconds one grade may take.
    judge : JudgeAccess, optional
        Where judges and embeddings are asked; needed by graders that ask a model.

    Raises
    ------
    GraderError
        The grader asks a model, and nobody said where; or its source imports what is not installed here.
    """
    return spec.build(BuildOptions(timeout, judge))
