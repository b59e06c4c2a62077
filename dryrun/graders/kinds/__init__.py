"""The types of grader. Each is one class in a module here: its fields, its checks, and what it builds."""

from __future__ import annotations

from dryrun.graders.kinds.judge import LabelModelSpec, ScoreModelSpec
from dryrun.graders.kinds.multi import MultiSpec
from dryrun.graders.kinds.python import PythonSpec
from dryrun.graders.kinds.text import StringCheckSpec
from dryrun.graders.kinds.text_similarity import TextSimilaritySpec
from dryrun.graders.specs import GraderSpec

KINDS: tuple[type[GraderSpec], ...] = (
    StringCheckSpec,
    TextSimilaritySpec,
    PythonSpec,
    MultiSpec,
    LabelModelSpec,
    ScoreModelSpec,
)
"""Where a type is missing, it is guessed in this order: a label_model has all the fields of a score_model."""
