"""A validated grader, ready to grade."""

from __future__ import annotations

from functools import partial

from dryrun.core.errors import GraderError, Problem
from dryrun.graders.checks.python import missing_packages
from dryrun.graders.format.judge_specs import JudgeSpec
from dryrun.graders.format.specs import (
    GraderSpec,
    Metric,
    MultiSpec,
    PythonSpec,
    StringCheckSpec,
    TextSimilaritySpec,
)
from dryrun.graders.kinds.cosine import CosineGrader
from dryrun.graders.kinds.judge import JudgeGrader
from dryrun.graders.kinds.judge_access import JudgeAccess
from dryrun.graders.kinds.multi import MultiGrader
from dryrun.graders.kinds.python import PythonGrader
from dryrun.graders.kinds.text import ComparingGrader, similarity, string_check
from dryrun.graders.protocol import Grader
from dryrun.graders.sandbox.program import Program

DEFAULT_TIMEOUT = 120.0
"""Seconds one grade may take: the service's own limit for python graders."""


def build(spec: GraderSpec, *, timeout: float = DEFAULT_TIMEOUT, judge: JudgeAccess | None = None) -> Grader:
    """The grader that `spec` describes. Open it with ``async with`` before use.

    Parameters
    ----------
    spec : GraderSpec
        From `schema.load_grader`.
    timeout : float
        Seconds one grade may take.
    judge : JudgeAccess, optional
        Where judges and embeddings are asked; needed by graders that ask a model.

    Raises
    ------
    GraderError
        The grader asks a model, and nobody said where; or its source imports what is not installed here.
    """
    match spec:
        case StringCheckSpec():
            templates = spec.templates
            check = partial(string_check, spec.operation)
            return ComparingGrader(templates["input"], templates["reference"], check)
        case TextSimilaritySpec(evaluation_metric=Metric.COSINE):
            templates = spec.templates
            return CosineGrader(templates["input"], templates["reference"], _needed(judge))
        case TextSimilaritySpec():
            templates = spec.templates
            measure = similarity(spec.evaluation_metric)
            return ComparingGrader(templates["input"], templates["reference"], measure)
        case PythonSpec():
            if missing := missing_packages(spec):
                raise GraderError("This grader cannot run here:", missing)
            return PythonGrader(Program(spec.source, spec.entry), timeout)
        case JudgeSpec():
            return JudgeGrader(spec, _needed(judge))
        case MultiSpec():
            parts = {key: build(part, timeout=timeout, judge=judge) for key, part in spec.graders.items()}
            return MultiGrader(parts, spec.formula)
    raise NotImplementedError(f"no grader is built for {type(spec).__name__}")


def _needed(judge: JudgeAccess | None) -> JudgeAccess:
    if judge is None:
        fix = "Give the judge's endpoint: --judge-base-url, or the Judge fields on the page."
        raise GraderError("This grader cannot run here:", [Problem("$", "it asks a model.", fix)])
    return judge
