"""A sample as graders see it: the ``sample`` namespace."""

from __future__ import annotations

import json
from typing import Any

from dryrun.graders.template import NOT_JSON
from dryrun.records import Sample, SampleOutcome


def output_json(text: str) -> Any:
    """The response as JSON, or `NOT_JSON`.

    Filled whenever the text is JSON, as the service's run endpoint does; its training jobs fill it only
    with a response format, which validation points out.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return NOT_JSON


def chat_message(sample: Sample) -> dict[str, Any]:
    """The response as an assistant message of the chat API."""
    refused = sample.outcome is SampleOutcome.REFUSED
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if refused else sample.text,
        "refusal": sample.text if refused else None,
    }
    if sample.tool_calls:
        message["tool_calls"] = [dict(call) for call in sample.tool_calls]
    return message


def sample_fields(sample: Sample) -> dict[str, Any]:
    """What ``sample`` holds for a python grader: JSON values only, ``output_json`` None if there is none."""
    parsed = output_json(sample.text)
    return {**_fields(sample), "output_json": None if parsed is NOT_JSON else parsed}


def _fields(sample: Sample) -> dict[str, Any]:
    choice = {"index": 0, "message": chat_message(sample), "finish_reason": sample.finish_reason}
    return {
        "output_text": sample.text,
        "output_tools": [dict(call) for call in sample.tool_calls],
        "output_audio": None,
        "choices": [choice],
    }


class SampleNamespace(dict[str, Any]):
    """The ``sample`` namespace of templates; parses the response as JSON only when asked to."""

    def __init__(self, sample: Sample) -> None:
        super().__init__(_fields(sample))
        self._text = sample.text

    def __contains__(self, key: object) -> bool:
        return key == "output_json" or super().__contains__(key)

    def __missing__(self, key: str) -> Any:
        if key != "output_json":
            raise KeyError(key)
        self[key] = output_json(self._text)
        return self[key]
