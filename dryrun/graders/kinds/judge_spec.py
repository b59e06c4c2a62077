"""The fields that graders have which ask a model: messages, sampling, and what the model is asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field

from dryrun.core.records import Prompt
from dryrun.core.thresholds import Frozen
from dryrun.graders.format.findings import Finding, Severity
from dryrun.graders.format.template import Template, parse_template
from dryrun.graders.specs import GraderSpec, Name

INPUT_FIX = 'Write "input": [{"role": "user", "content": "..."}].'

TEXT_PARTS = ("input_text", "output_text", "text")
"""Parts that carry ``text``. The last is the chat API's own spelling, which people paste."""


def _checked_content(content: Any) -> Any:
    """A string, one part, or a list of parts; its templates must parse."""
    for part in _parts(content):
        if not isinstance(part, Mapping):
            raise ValueError('holds what is not a part. Write {"type": "input_text", "text": "..."}')
        kind = part.get("type")
        if kind == "input_audio":
            raise ValueError("holds audio, which Dry Run does not send to judges. Leave the part out")
        if kind == "image_url":
            raise ValueError('has a part of the chat API. Write {"type": "input_image", "image_url": "..."}')
        if kind not in (*TEXT_PARTS, "input_image"):
            named = "has a part without a type" if kind is None else f"{kind!r} is not a type of part"
            raise ValueError(f"{named}; use input_text, output_text or input_image")
        field = "image_url" if kind == "input_image" else "text"
        if not isinstance(text := part.get(field), str):
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

    role: Literal["user", "assistant", "system", "developer"] = Field(
        description="One of user, assistant, system, developer."
    )
    content: Annotated[Any, AfterValidator(_checked_content)]
    type: Literal["message"] | None = None

    @property
    def templates(self) -> list[Template]:
        """The templates of its parts, in order."""
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


@dataclass(frozen=True, slots=True)
class Question:
    """What a judge is asked for beside the grader's own messages."""

    schema_name: str
    result: Mapping[str, Any]
    """JSON schema of ``result``."""
    words: str
    """The same in words, for servers without schemas."""

    def formats(self) -> list[Mapping[str, Any] | None]:
        """Response formats to try, the service's own first."""
        step = _strict_object({"description": {"type": "string"}, "conclusion": {"type": "string"}})
        schema = _strict_object({"steps": {"type": "array", "items": step}, "result": dict(self.result)})
        strict = {"name": self.schema_name, "strict": True, "schema": schema}
        return [{"type": "json_schema", "json_schema": strict}, {"type": "json_object"}, None]

    @property
    def instruction(self) -> str:
        """Says in words what the schema says."""
        shape = '{"steps": [{"description": "...", "conclusion": "..."}], "result": RESULT}'
        return f"Answer with one JSON object and nothing else: {shape}, where RESULT is {self.words}."


def _strict_object(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema as strict mode wants it: every field required, and no other."""
    return {
        "type": "object",
        "properties": dict(fields),
        "required": list(fields),
        "additionalProperties": False,
    }


class JudgeSpec(GraderSpec):
    """The common part of the graders that ask a model."""

    nested: ClassVar[Mapping[str, type[Frozen]]] = {"sampling_params": JudgeSampling, "input": JudgeMessage}
    meant: ClassVar[Mapping[str, str]] = {
        "max_tokens": "max_completions_tokens",
        "messages": "input",
        "prompt": "input",
    }

    name: Name
    model: Annotated[str, Field(min_length=1, description="The judge's name, e.g. gpt-5.4-mini.")]
    input: Annotated[list[JudgeMessage], Field(min_length=1, description=INPUT_FIX)]
    sampling_params: JudgeSampling | None = None
    pass_threshold: float | None = None

    @classmethod
    def place_of(cls, field: str) -> str:
        sampled = list(JudgeSampling.model_fields)
        if cls.meant.get(field, field) in sampled:
            return f"It belongs into sampling_params, whose fields are {', '.join(sampled)}."
        return ""

    @property
    def asks_models(self) -> bool:
        return True

    @property
    def templates(self) -> dict[str, Template]:
        templates = {}
        for position, message in enumerate(self.input):
            several = len(message.templates) > 1
            for number, template in enumerate(message.templates):
                part = f"[{number}]" if several else ""
                templates[f"input[{position}].content{part}"] = template
        return templates

    @property
    @abstractmethod
    def question(self) -> Question:
        """What the judge is asked for beside the grader's own messages."""

    @abstractmethod
    def reward_of(self, result: Any) -> tuple[float, str]:
        """The reward of a judge's ``result``, and what was wrong with it (``""`` if nothing)."""

    def check(self, where: str, rows: Sequence[Prompt], response_format: bool) -> Iterator[Finding]:
        templates = self.templates.values()
        if not any(part.namespace == "sample" for template in templates for part in template.references):
            what = "no message to the judge holds the response, so its answer cannot depend on it."
            yield Finding(Severity.WARNING, f"{where}.input", what, "Put {{sample.output_text}} into one.")
