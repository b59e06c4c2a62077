"""What each type of grader is made of, and what it pays for.

The fields and their names are those of the OpenAI grader JSON. `schema.load_grader` makes these
records; nothing else should, because only it reports every problem with its path.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
)

from dryrun.core.fingerprint import fingerprint
from dryrun.core.thresholds import Frozen
from dryrun.graders.format.conventions import VOICES, Convention, EntryPoint, callable_source, entry_of
from dryrun.graders.format.formula import Formula, Interval, parse_formula
from dryrun.graders.format.template import Reference, Template, parse_template

SEMANTICS = 1
"""Raised when the same grader, sample and item would give another reward than before."""


class GraderType(StrEnum):
    """The ``type`` of a grader."""

    STRING_CHECK = "string_check"
    TEXT_SIMILARITY = "text_similarity"
    PYTHON = "python"
    MULTI = "multi"
    SCORE_MODEL = "score_model"
    LABEL_MODEL = "label_model"
    ENDPOINT = "endpoint"
    LAMBDA = "lambda"


class Operation(StrEnum):
    """How string_check compares; case counts except for `ILIKE`, and nothing is trimmed."""

    EQ = "eq"
    """1 when input and reference are the same text."""
    NE = "ne"
    """1 when they are not."""
    LIKE = "like"
    """1 when the reference occurs within the input."""
    ILIKE = "ilike"
    """The same, upper and lower case alike."""


class Metric(StrEnum):
    """How text_similarity measures; each gives 0 to 1."""

    FUZZY_MATCH = "fuzzy_match"
    BLEU = "bleu"
    GLEU = "gleu"
    METEOR = "meteor"
    COSINE = "cosine"
    """Of embeddings, from an endpoint. Evals only: reinforcement fine-tuning refuses it."""
    ROUGE_1 = "rouge_1"
    ROUGE_2 = "rouge_2"
    ROUGE_3 = "rouge_3"
    ROUGE_4 = "rouge_4"
    ROUGE_5 = "rouge_5"
    ROUGE_L = "rouge_l"


def _templated(text: str) -> str:
    parse_template(text)
    return text


TemplateText = Annotated[str, AfterValidator(_templated)]


class GraderSpec(Frozen):
    """A validated grader: the common part of all types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    type: GraderType
    name: str | None = None

    @property
    def raw(self) -> dict[str, Any]:
        """The grader as OpenAI JSON, for the report, for export, and to load again."""
        return self.model_dump(mode="json", exclude_none=True, by_alias=True)

    @property
    def canonical(self) -> dict[str, Any]:
        """What determines a reward: the configuration without names and reporting thresholds."""
        left_out = {"name", "pass_threshold"}
        return self.model_dump(mode="json", exclude_none=True, by_alias=True, exclude=left_out)

    @property
    def fingerprint(self) -> str:
        """32 hex digits; equal for graders that give equal rewards by construction."""
        return fingerprint({"grader": self.canonical, "semantics": SEMANTICS})

    @property
    def templates(self) -> dict[str, Template]:
        """The templated fields by name."""
        return {}

    @property
    def asks_models(self) -> bool:
        """Whether grading calls a model: a judge, or one that embeds."""
        return False

    def walk(self, where: str = "$") -> Iterator[tuple[str, GraderSpec]]:
        """This grader and all within it, each with its JSON path."""
        yield where, self

    @property
    @abstractmethod
    def range(self) -> Interval | None:
        """The interval every reward lies in, or None if it is not known."""

    @abstractmethod
    def describe(self) -> str:
        """One plain sentence of what the grader pays for."""


class StringCheckSpec(GraderSpec):
    """Compares two texts; pays 1 or 0."""

    type: Literal[GraderType.STRING_CHECK]
    name: str
    input: TemplateText
    reference: TemplateText
    operation: Annotated[Operation, Field(strict=False)]
    pass_threshold: float | None = None

    @property
    def templates(self) -> dict[str, Template]:
        return {"input": parse_template(self.input), "reference": parse_template(self.reference)}

    @property
    def range(self) -> Interval:
        return 0.0, 1.0

    def describe(self) -> str:
        words = {
            Operation.EQ: "is exactly {}",
            Operation.NE: "is anything but {}",
            Operation.LIKE: "contains {}",
            Operation.ILIKE: "contains {}, in upper or lower case",
        }[self.operation]
        return f"Pays 1 when {spoken(self.input)} {words.format(spoken(self.reference))}, else 0."


class TextSimilaritySpec(GraderSpec):
    """Measures how alike two texts are; pays 0 to 1."""

    type: Literal[GraderType.TEXT_SIMILARITY]
    name: str
    input: TemplateText
    reference: TemplateText
    evaluation_metric: Annotated[Metric, Field(strict=False)]
    pass_threshold: float | None = None

    @property
    def templates(self) -> dict[str, Template]:
        return {"input": parse_template(self.input), "reference": parse_template(self.reference)}

    @property
    def range(self) -> Interval:
        return 0.0, 1.0

    @property
    def asks_models(self) -> bool:
        return self.evaluation_metric is Metric.COSINE

    def describe(self) -> str:
        by = {
            Metric.FUZZY_MATCH: "in its characters (fuzzy_match)",
            Metric.BLEU: "in its runs of one to four words, counted from the response (bleu)",
            Metric.GLEU: "in its runs of one to four words, counted from both sides (gleu)",
            Metric.COSINE: "in meaning, by the angle between their embeddings (cosine)",
            Metric.METEOR: "in its words, their stems and synonyms (meteor)",
            Metric.ROUGE_L: "in its longest common sequence of words (rouge_l)",
        }.get(self.evaluation_metric, f"in its word sequences ({self.evaluation_metric})")
        return f"Pays 0 to 1 for how alike {spoken(self.input)} and {spoken(self.reference)} are, {by}."


class PythonSpec(GraderSpec):
    """Runs a function of the user's source in a sandbox; pays what it returns.

    ``convention`` and ``function`` are Dry Run's own fields: with them a reward function written for
    another library runs here. Without them it is OpenAI's grader, ``grade(sample, item)``.
    """

    type: Literal[GraderType.PYTHON]
    convention: Annotated[Convention | None, Field(strict=False)] = None
    function: str | None = None
    source: str
    image_tag: str | None = None
    pass_threshold: float | None = None

    @field_validator("convention")
    @classmethod
    def _openai_is_the_default(cls, given: Convention | None) -> Convention | None:
        return None if given is Convention.OPENAI else given

    @field_validator("source")
    @classmethod
    def _can_be_called(cls, source: str, info: ValidationInfo) -> str:
        if "convention" in info.data:  # else it was no convention, which is reported by itself
            callable_source(source, info.data["convention"], info.data.get("function"))
        return source

    @cached_property
    def entry(self) -> EntryPoint | None:
        """The function that grades; None for OpenAI's ``grade``."""
        return None if self.convention is None else entry_of(self.source, self.convention, self.function)

    @property
    def range(self) -> None:
        return None

    def describe(self) -> str:
        count = len(self.source.strip().splitlines())
        lines = f"{count} line" if count == 1 else f"{count} lines"
        if self.entry is None:
            return f"Pays what its own Python function grade(sample, item) returns ({lines})."
        whose = VOICES[self.entry.convention].name
        return f"Pays what the function {self.entry} returns, by {whose} convention ({lines})."


class MultiSpec(GraderSpec):
    """Combines other graders by a formula."""

    type: Literal[GraderType.MULTI]
    name: str
    graders: dict[str, SerializeAsAny[GraderSpec]]
    calculate_output: str
    pass_threshold: float | None = None

    @property
    def canonical(self) -> dict[str, Any]:
        graders = {key: grader.canonical for key, grader in self.graders.items()}
        return {"type": self.type.value, "graders": graders, "calculate_output": self.calculate_output}

    @cached_property
    def formula(self) -> Formula:
        """The parsed ``calculate_output``."""
        return parse_formula(self.calculate_output)

    @property
    def asks_models(self) -> bool:
        return any(grader.asks_models for grader in self.graders.values())

    def walk(self, where: str = "$") -> Iterator[tuple[str, GraderSpec]]:
        yield where, self
        for key, grader in self.graders.items():
            yield from grader.walk(f"{where}.graders.{key}")

    @property
    def range(self) -> Interval | None:
        return self.formula.interval({key: grader.range for key, grader in self.graders.items()})

    def describe(self) -> str:
        parts = " ".join(f"{key}: {grader.describe()}" for key, grader in self.graders.items())
        return f"Pays {self.calculate_output.strip()}, where {parts}"


def spoken(template_text: str) -> str:
    """A template in words: ``{{ sample.output_text }}`` is "the response"."""
    parts = parse_template(template_text).parts
    if len(parts) == 1 and isinstance(parts[0], Reference):
        return _spoken_reference(parts[0])
    if all(isinstance(part, str) for part in parts):
        return repr("".join(map(str, parts)))
    return f"the text '{template_text}'"


def _spoken_reference(reference: Reference) -> str:
    path = str(reference).split(".", 1)[1]
    if reference.namespace == "item":
        return f"the row's {path}"
    if path == "output_text":
        return "the response"
    if path.startswith("output_json"):
        field = path.removeprefix("output_json").lstrip(".")
        return f"{field} of the response's JSON" if field else "the response's JSON"
    return f"the response's {path}"
