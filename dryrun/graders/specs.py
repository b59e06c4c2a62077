"""What every type of grader has: its fields, and how it is read, described, checked and built.

The fields and their names are those of the OpenAI grader JSON. `load.load_grader` makes these
records; nothing else should, because only it reports every problem with its path.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field

from dryrun.core.errors import Problem
from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import Prompt
from dryrun.graders.format.findings import Finding, UserRecord, validated
from dryrun.graders.format.formula import Interval
from dryrun.graders.format.template import Reference, Template, parse_template
from dryrun.graders.protocol import BuildOptions, Grader

if TYPE_CHECKING:
    from dryrun.graders.judge_access import JudgeAccess


SEMANTICS = 1
"""Raised when the same grader, sample and item would give another reward than before."""

ReadPart = Callable[[Any, str, list[Problem]], "GraderSpec | None"]
"""Reads a grader within a grader: its JSON value, its path, and the problems to add to."""


def _templated(text: str) -> str:
    parse_template(text)
    return text


TemplateText = Annotated[str, AfterValidator(_templated)]
Name = Annotated[str, Field(description="Any short text.")]


class GraderSpec(UserRecord):
    """A validated grader: the common part of all types."""

    also_called: ClassVar[tuple[str, ...]] = ()
    """Words that people write for the type."""
    telling: ClassVar[tuple[str, ...]] = ()
    """Fields that tell the type where it is missing."""

    name: str | None = None

    @classmethod
    def read(
        cls, value: Mapping[str, Any], where: str, problems: list[Problem], read_part: ReadPart
    ) -> Self | None:
        """The grader of a JSON object; None where there are problems, which are added to `problems`."""
        return validated(cls, value, where, problems)

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

    def check(self, where: str, rows: Sequence[Prompt], response_format: bool) -> Iterator[Finding]:
        """What is wrong or suspicious about this type of grader; templates are checked for every type.

        Parameters
        ----------
        where : str
            JSON path of this grader.
        rows : sequence of Prompt
            What it is to grade; may be empty.
        response_format : bool
            Whether the responses are asked for with a response format.
        """
        return iter(())

    @abstractmethod
    def build(self, options: BuildOptions) -> Grader:
        """The grader, not yet opened.

        Raises
        ------
        GraderError
            It cannot run here.
        """


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
