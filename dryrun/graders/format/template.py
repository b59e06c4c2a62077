"""The template language of graders: ``{{ item.x }}`` and ``{{ sample.y.z[0] }}``.

Filled in one pass: what a value contains is never looked at again, so a response cannot smuggle
in a template of its own. Text stays as it is; every other value is written as JSON (the service's
own rendering is unpublished; this is our choice). Last comes the ``sample`` namespace that graders see.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from dryrun.core.records import Item, Sample, SampleOutcome
from dryrun.graders.inside.worker import fields_of, parsed

NAMESPACES = ("item", "sample")
SAMPLE_MEMBERS = ("output_text", "output_json", "output_tools", "output_audio", "choices")

_BRACES = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = r"[A-Za-z_][A-Za-z0-9_\-]*"
_REFERENCE = re.compile(rf"\s*({_NAME})((?:\.{_NAME}|\[[0-9]+\])*)\s*")
_QUOTED = re.compile(rf"\s*({_NAME})\[['\"]({_NAME})['\"]\]\s*")
_PATH_LIKE = re.compile(r"\s*(?:item|sample)\s*\.[\w\s.\[\]-]+")
_STEP = re.compile(rf"\.({_NAME})|\[([0-9]+)\]")

Step = str | int

LONGEST, LONGEST_FILLED = 1_000_000, 64_000_000
"""Characters of a template, and of a filled one: a few short braces could ask for more than a machine has."""


class TemplateSyntaxError(ValueError):
    """A template that no row can fill because of how it is written."""


class VariableError(LookupError):
    """A reference that this row or this sample cannot fill."""


class SampleParseError(VariableError):
    """A reference into ``sample.output_json`` although the response is not JSON."""


class NotJson:
    """Stands in a namespace for the JSON of a text that is not JSON."""


NOT_JSON = NotJson()


@dataclass(frozen=True, slots=True)
class Reference:
    """One ``{{ ... }}``: a namespace and the steps from there.

    Attributes
    ----------
    namespace : str
        ``"item"`` or ``"sample"``.
    steps : tuple of (str or int)
        Keys and, for ``[0]``, positions; at least one.
    """

    namespace: str
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps)
        return self.namespace + path

    def resolve(self, namespaces: Mapping[str, Any]) -> Any:
        """The value it stands for.

        Raises
        ------
        VariableError
            There is no such value.
        """
        value: Any = namespaces[self.namespace]
        steps = self.steps
        if len(steps) == 1 and isinstance(value, dict) and steps[0] in value:  # nearly all references
            value = value[steps[0]]
        else:
            for position, step in enumerate(steps):
                value = _descend(value, step, position, self)
        if value is NOT_JSON:
            raise SampleParseError(f"{self} is asked for, but the response is not JSON")
        return value


def _descend(value: Any, step: Step, position: int, whole: Reference) -> Any:
    """One step down, from the value found at the first `position` steps of `whole`."""
    if value is NOT_JSON:
        raise SampleParseError(f"{whole} is asked for, but the response is not JSON")
    in_call = whole.namespace == "sample" and whole.steps[:position][-1:] == ("arguments",)
    if in_call and isinstance(value, str):
        with contextlib.suppress(
            ValueError
        ):  # a tool call's arguments are a JSON string: the path goes on in it
            value = json.loads(value)
    if isinstance(step, int):
        if isinstance(value, Sequence) and not isinstance(value, str):
            if step < len(value):
                return value[step]
            problem = f"has {len(value)} elements, there is no [{step}]"
        else:
            problem = f"is {kind_of(value)}, not a list"
    elif isinstance(value, Mapping):
        if step in value:
            return value[step]
        problem = f"has no {step!r}"
    else:
        problem = f"is {kind_of(value)}, not an object"
    raise VariableError(f"{whole}: {Reference(whole.namespace, whole.steps[:position])} {problem}")


def kind_of(value: object) -> str:
    """What people call a JSON value, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (int, float)):
        return "a number"
    return "an object" if isinstance(value, Mapping) else "a list"


def rendered(value: Any) -> str:
    """A value as it stands in a filled template: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: literal texts and references in order."""

    parts: tuple[str | Reference, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every reference, in order of appearance."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    def fill(self, namespaces: Mapping[str, Any]) -> str:
        """The text with every reference replaced.

        Raises
        ------
        VariableError
            A reference has no value, or the text is too long.
        """
        if len(self.parts) == 1:
            only = self.parts[0]
            return only if isinstance(only, str) else rendered(only.resolve(namespaces))
        texts, size = [], 0
        for part in self.parts:
            texts.append(part if isinstance(part, str) else rendered(part.resolve(namespaces)))
            size += len(texts[-1])
            if size > LONGEST_FILLED:
                raise VariableError(f"the filled template has more than {LONGEST_FILLED:,} characters")
        return "".join(texts)


@lru_cache(maxsize=512)
def parse_template(text: str) -> Template:
    """Parse a template.

    Raises
    ------
    TemplateSyntaxError
        Something in braces is not ``namespace.variable``, braces are left open, or it is too long.
    """
    if len(text) > LONGEST:
        raise TemplateSyntaxError(f"the template has {len(text):,} characters, more than {LONGEST:,}")
    parts: list[str | Reference] = []
    end = 0
    for match in _BRACES.finditer(text):
        parts.append(_literal(text[end : match.start()]))
        parts.append(parse_reference(match.group(1)))
        end = match.end()
    parts.append(_literal(text[end:]))
    return Template(tuple(part for part in parts if part != ""))


def _literal(text: str) -> str:
    if "{{" in text:
        raise TemplateSyntaxError(f"'{{{{' is never closed in {text[:40]!r}")
    return text


def _meant(inside: str) -> str:
    """What to write instead of what other template languages have."""
    if quoted := _QUOTED.fullmatch(inside):
        return f"write {{{{{quoted[1]}.{quoted[2]}}}}}"
    if "|" in inside or "(" in inside:
        return "there are no filters and no functions; a python grader can do that"
    if len(inside.split()) > 1 and _PATH_LIKE.fullmatch(inside):
        return "there are no blanks within a path; a field with blanks in its name must be renamed"
    if inside.startswith("{"):
        return "a reference stands between two braces, not three"
    return (
        "keys of the letters A to Z, digits, '_' and '-', and [0] for positions; "
        "a field with another name must be renamed"
    )


def parse_reference(inside: str) -> Reference:
    """Parse what stands between the braces.

    Raises
    ------
    TemplateSyntaxError
        It is not ``item.KEY`` or ``sample.MEMBER`` followed by ``.KEY`` and ``[0]`` steps.
    """
    shown = "{{" + inside + "}}"
    match = _REFERENCE.fullmatch(inside)
    if match is None:
        raise TemplateSyntaxError(f"{shown} is not namespace.variable: {_meant(inside)}")
    namespace, path = match.groups()
    if namespace not in NAMESPACES:
        raise TemplateSyntaxError(f"{shown} starts with {namespace!r}; only item and sample exist")
    steps = tuple(int(index) if index else key for key, index in _STEP.findall(path))
    if not steps or isinstance(steps[0], int):
        raise TemplateSyntaxError(f"{shown} names no variable; write {namespace}.something")
    return Reference(namespace, steps)


Parts = tuple[str, bool, list[dict[str, Any]], str | None]
"""Text, whether it is a refusal, tool calls, finish reason: what a sandboxed worker is sent of a sample."""


def sample_parts(sample: Sample) -> Parts:
    """What all of ``sample`` is made of."""
    refused = sample.outcome is SampleOutcome.REFUSED
    calls = [dict(call) for call in sample.tool_calls] if sample.tool_calls else []
    return sample.text, refused, calls, sample.finish_reason


def sample_fields(sample: Sample) -> dict[str, Any]:
    """What ``sample`` holds for a python grader: JSON values only, ``output_json`` None if there is none."""
    return {**fields_of(*sample_parts(sample)), "output_json": parsed(sample.text, None)}


class SampleNamespace(dict[str, Any]):
    """The ``sample`` namespace of templates; makes each member only when asked for it."""

    def __init__(self, sample: Sample) -> None:
        super().__init__(output_text=sample.text)
        self._sample = sample

    def __contains__(self, key: object) -> bool:
        return key in _MEMBERS

    def __missing__(self, key: str) -> Any:
        if key not in _MEMBERS:
            raise KeyError(key)
        if key == "output_json":
            self[key] = parsed(self._sample.text, NOT_JSON)
        else:
            self.update(fields_of(*sample_parts(self._sample)))
        return self[key]


_MEMBERS = frozenset(("output_text", "output_json", "output_tools", "output_audio", "choices"))


def namespaces(sample: Sample, item: Item) -> Mapping[str, Any]:
    """What templates can refer to."""
    return {"item": item, "sample": SampleNamespace(sample)}


def filler(template: Template) -> Callable[[Sample, Item], str]:
    """How to fill a template: at once where it is nothing but ``{{sample.output_text}}`` or ``{{item.key}}``.

    Returns
    -------
    callable
        Raises `VariableError` where a reference has no value.
    """

    def fill(sample: Sample, item: Item) -> str:
        return template.fill(namespaces(sample, item))

    def field(sample: Sample, item: Item) -> str:
        value = item.get(key)
        return value if type(value) is str else fill(sample, item)

    match template.parts:
        case (Reference("sample", ("output_text",)),):
            return lambda sample, item: sample.text
        case (Reference("item", (str(key),)),):
            return field
    return fill
