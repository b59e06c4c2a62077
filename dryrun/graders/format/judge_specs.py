"""Graders that ask a model: what score_model and label_model are made of.

Fields as in OpenAI's SDK (``types/graders/score_model_grader.py``, ``label_model_grader.py``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator

from dryrun.core.thresholds import Frozen
from dryrun.graders.format.findings import did_you_mean
from dryrun.graders.format.formula import Interval
from dryrun.graders.format.specs import GraderSpec, GraderType
from dryrun.graders.format.template import Template, parse_template

ROLES = ("user", "assistant", "system", "developer")

TEXT_PARTS = ("input_text", "output_text", "text")
"""Parts that carry ``text``. The last is the chat API's own spelling, which people paste."""


def _checked_content(content: Any) -> Any:
    """A string, one part, or a list of parts; its templates must parse."""
    for part in _parts(content):
        if not isinstance(part, Mapping):
            raise ValueError('holds something else than parts. Write {"type": "input_text", "text": "..."}')
        kind = part.get("type")
        if kind == "input_audio":
            raise ValueError("holds audio, which Dry Run does not send to judges. Leave the part out")
        if kind == "image_url":
            raise ValueError('has a part of the chat API. Write {"type": "input_image", "image_url": "..."}')
        if kind not in (*TEXT_PARTS, "input_image"):
            named = "has a part without a type" if kind is None else f"{kind!r} is not a type of part"
            raise ValueError(f"{named}; use input_text, output_text or input_image")
        text = part.get("image_url" if kind == "input_image" else "text")
        if not isinstance(text, str):
            field = "image_url" if kind == "input_image" else "text"
            raise ValueError(f"a part of type {kind} needs the text field {field!r}")
        parse_template(text)
    return content


def _parts(content: Any) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "input_text", "text": content}]
    return content if isinstance(content, list) else [content]


class JudgeMessage(Frozen):
    """One message to the judge."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    role: Literal["user", "assistant", "system", "developer"]
    content: Annotated[Any, AfterValidator(_checked_content)]
    type: Literal["message"] | None = None

    @property
    def templates(self) -> list[Template]:
        """Of its parts, in order."""
        return [parse_template(_templated(part)) for part in _parts(self.content)]

    def filled(self, namespaces: Mapping[str, Any]) -> dict[str, Any]:
        """The message as the chat API takes it.

        Raises
        ------
        VariableError
            A reference has no value.
        """
        texts = [template.fill(namespaces) for template in self.templates]
        if isinstance(self.content, str):
            return {"role": self.role, "content": texts[0]}
        parts = [_chat_part(part, text) for part, text in zip(_parts(self.content), texts, strict=True)]
        if all(part["type"] == "text" for part in parts):
            return {"role": self.role, "content": "".join(part["text"] for part in parts)}
        return {"role": self.role, "content": parts}


def _templated(part: Mapping[str, Any]) -> str:
    return str(part["image_url"] if part["type"] == "input_image" else part["text"])


def _chat_part(part: Mapping[str, Any], text: str) -> dict[str, Any]:
    if part["type"] != "input_image":
        return {"type": "text", "text": text}
    detail = {"detail": part["detail"]} if part.get("detail") else {}
    return {"type": "image_url", "image_url": {"url": text, **detail}}


class JudgeSampling(Frozen):
    """How the judge is sampled; each value is sent only when it is set. The spelling is OpenAI's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    seed: int | None = None
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] | None = None
    max_completions_tokens: Annotated[int, Field(ge=1)] | None = None
    reasoning_effort: str | None = None


class JudgeSpec(GraderSpec):
    """The common part of the graders that ask a model."""

    name: str
    model: Annotated[str, Field(min_length=1)]
    input: Annotated[list[JudgeMessage], Field(min_length=1)]
    sampling_params: JudgeSampling | None = None
    pass_threshold: float | None = None

    @property
    def asks_models(self) -> bool:
        return True

    @property
    def templates(self) -> dict[str, Template]:
        return dict(self._templates())

    def _templates(self) -> Iterator[tuple[str, Template]]:
        for position, message in enumerate(self.input):
            several = len(message.templates) > 1
            for number, template in enumerate(message.templates):
                part = f"[{number}]" if several else ""
                yield f"input[{position}].content{part}", template


def _checked_range(values: list[float]) -> list[float]:
    if len(values) != 2 or not all(map(math.isfinite, values)) or values[0] >= values[1]:
        raise ValueError("must be two finite numbers, the lower one first, like [0, 5]")
    return values


class ScoreModelSpec(JudgeSpec):
    """Asks a judge for a number; pays it, clamped to ``range`` and never rescaled."""

    type: Literal[GraderType.SCORE_MODEL]
    score_range: Annotated[list[float], AfterValidator(_checked_range)] = Field([0.0, 1.0], alias="range")

    @property
    def range(self) -> Interval:
        # a result that is no number pays 0, inside the range or not
        return min(self.score_range[0], 0.0), max(self.score_range[1], 0.0)

    def describe(self) -> str:
        low, high = self.score_range
        return f"Pays the number from {low:g} to {high:g} that the judge model {self.model} gives."


class LabelModelSpec(JudgeSpec):
    """Asks a judge for a label; pays 1 for the passing ones, else 0."""

    type: Literal[GraderType.LABEL_MODEL]
    labels: Annotated[list[str], Field(min_length=1)]
    passing_labels: Annotated[list[str], Field(min_length=1)]

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
