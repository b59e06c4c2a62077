"""score_model and label_model: a judge model reads the response and gives a number or a label.

Fields as in OpenAI's SDK (``types/graders/score_model_grader.py``, ``label_model_grader.py``). The
service asks its judge for ``{"steps": [...], "result": ...}`` with a strict JSON schema; so does this.
"""

from __future__ import annotations

import json
import math
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from dryrun.graders.format.findings import did_you_mean
from dryrun.graders.format.formula import Interval
from dryrun.graders.kinds.judge_spec import JudgeSpec, Question
from dryrun.graders.protocol import BuildOptions, Grader

PASSING_FIX = 'Write "passing_labels": ["good"], those of labels that pay 1.'

NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
"""A number in quotes: float() alone would also take 1_0 and digits of other scripts."""


class _Judge(JudgeSpec):
    def build(self, options: BuildOptions) -> Grader:
        from dryrun.graders.kinds.judge_grader import JudgeGrader  # the HTTP client: only to grade

        return JudgeGrader(self, options.judge_access())


def _checked_range(values: list[float]) -> list[float]:
    if len(values) != 2 or not all(map(math.isfinite, values)) or values[0] >= values[1]:
        raise ValueError("must be two finite numbers, the lower one first, like [0, 5]")
    return values


class ScoreModelSpec(_Judge):
    """Asks a judge for a number; pays it, clamped to ``range`` and never rescaled."""

    also_called: ClassVar[tuple[str, ...]] = ("judge", "llm_judge", "llm", "model", "model_grader", "rubric")
    telling: ClassVar[tuple[str, ...]] = ("model",)

    type: Literal["score_model"]
    score_range: Annotated[list[float], AfterValidator(_checked_range)] = Field(
        [0.0, 1.0], alias="range", description='Write "range": [0, 1], the lowest and the highest score.'
    )

    @property
    def range(self) -> Interval:
        # a result that is not a number pays 0, inside the range or not
        return min(self.score_range[0], 0.0), max(self.score_range[1], 0.0)

    def describe(self) -> str:
        low, high = self.score_range
        return f"Pays the number from {low:g} to {high:g} that the judge model {self.model} gives."

    @property
    def question(self) -> Question:
        low, high = self.score_range
        words = f"a number from {low:g} to {high:g}"
        return Question("float_score_classification", {"type": "number"}, words)

    def reward_of(self, result: Any) -> tuple[float, str]:
        return read_score(result, *self.score_range)


def read_score(result: Any, low: float, high: float) -> tuple[float, str]:
    """The reward of a score: clamped to ``[low, high]``; 0 for what is not a finite number."""
    try:
        written = isinstance(result, str) and not NUMBER.fullmatch(result.strip())
        number = math.nan if isinstance(result, bool) or written else float(result)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        return 0.0, f"the judge's result is not a number: {json.dumps(result, default=str)[:100]}"
    return min(max(number, low), high), ""


class LabelModelSpec(_Judge):
    """Asks a judge for a label; pays 1 for the passing ones, else 0."""

    also_called: ClassVar[tuple[str, ...]] = ("label", "classifier")
    telling: ClassVar[tuple[str, ...]] = ("passing_labels", "labels")

    type: Literal["label_model"]
    labels: Annotated[list[str], Field(min_length=1, description='Write "labels": ["good", "bad"].')]
    passing_labels: Annotated[list[str], Field(min_length=1, description=PASSING_FIX)]

    @field_validator("passing_labels")
    @classmethod
    def _are_labels(cls, passing: list[str], info: ValidationInfo) -> list[str]:
        labels = info.data.get("labels", passing)  # labels that are wrong themselves are reported there
        if strangers := [label for label in passing if label not in labels]:
            near = did_you_mean(strangers[0], labels)
            raise ValueError(
                f"passing_labels holds {strangers[0]!r}, which is not one of labels. {near}".rstrip()
            )
        return passing

    @property
    def range(self) -> Interval:
        return 0.0, 1.0

    def describe(self) -> str:
        labels = f"{' or '.join(map(repr, self.passing_labels))} of {len(self.labels)} labels"
        return f"Pays 1 when the judge model {self.model} answers {labels}, else 0."

    @property
    def question(self) -> Question:
        shown = {"type": "string", "enum": list(dict.fromkeys(self.labels))}
        words = f"one of {json.dumps(self.labels, ensure_ascii=False)}"
        return Question("label_classification", shown, words)

    def reward_of(self, result: Any) -> tuple[float, str]:
        """1 for a passing label, else 0; a label that is not one of the grader's is an error."""
        if result not in self.labels:
            return 0.0, f"the judge's result is none of the labels: {json.dumps(result, default=str)[:100]}"
        return float(result in self.passing_labels), ""
