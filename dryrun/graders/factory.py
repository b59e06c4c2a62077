"""A validated grader, ready to grade."""

from __future__ import annotations

from functools import partial

from dryrun.graders.comparing import ComparingGrader
from dryrun.graders.multi import MultiGrader
from dryrun.graders.protocol import Grader
from dryrun.graders.python import PythonGrader
from dryrun.graders.specs import GraderSpec, MultiSpec, PythonSpec, StringCheckSpec, TextSimilaritySpec
from dryrun.graders.string_check import string_check
from dryrun.graders.text_similarity import similarity

DEFAULT_TIMEOUT = 120.0
"""Seconds one grade may take: the service's own limit for python graders."""


def build(spec: GraderSpec, *, timeout: float = DEFAULT_TIMEOUT) -> Grader:
    """The grader that `spec` describes. Open it with ``async with`` before use.

    Parameters
    ----------
    spec : GraderSpec
        From `schema.load_grader`.
    timeout : float
        Seconds one grade may take.
    """
    match spec:
        case StringCheckSpec():
            templates = spec.templates
            check = partial(string_check, spec.operation)
            return ComparingGrader(templates["input"], templates["reference"], check)
        case TextSimilaritySpec():
            templates = spec.templates
            measure = similarity(spec.evaluation_metric)
            return ComparingGrader(templates["input"], templates["reference"], measure)
        case PythonSpec():
            return PythonGrader(spec.source, timeout)
        case MultiSpec():
            parts = {key: build(part, timeout=timeout) for key, part in spec.graders.items()}
            return MultiGrader(parts, spec.formula)
    raise NotImplementedError(f"no grader is built for {type(spec).__name__}")
