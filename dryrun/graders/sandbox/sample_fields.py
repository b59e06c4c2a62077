"""A sample as graders see it: the ``sample`` namespace. How its parts are made is in `worker`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dryrun.core.records import Item, Sample, SampleOutcome
from dryrun.graders.format.template import NOT_JSON, Reference, Template
from dryrun.graders.sandbox.inside.worker import fields_of, parsed

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
