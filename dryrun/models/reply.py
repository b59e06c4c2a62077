"""What the endpoint answered: the bytes of a chat completion -> a typed reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from dryrun.core.records import SampleOutcome
from dryrun.core.text import one_line

SHOWN = 160
"""Characters of an unreadable answer that are quoted."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The parts of a chat completion that a sample is made of; meanings as in `Sample`."""

    outcome: SampleOutcome
    text: str
    tool_calls: tuple[Mapping[str, Any], ...]
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None


class MalformedReplyError(Exception):
    """The endpoint answered 200 with something other than a chat completion. The message is a sentence."""


def read_reply(content: bytes) -> Reply:
    """Read the body of a chat completion.

    Raises
    ------
    MalformedReplyError
        It is not a chat completion.
    """
    choice, usage = _parts(read_json(content))
    message = choice.get("message")
    if not isinstance(message, dict):
        raise MalformedReplyError("The answer's first choice has no message")
    calls = tuple(call for call in message.get("tool_calls") or () if isinstance(call, dict))
    finish = choice.get("finish_reason")
    finish_reason = finish if isinstance(finish, str) else None
    text, refusal = _text(message.get("content")), _text(message.get("refusal"))
    outcome = _outcome(finish_reason, text, refusal, bool(calls))
    return Reply(
        outcome=outcome,
        text=refusal if outcome is SampleOutcome.REFUSED else text,
        tool_calls=calls,
        finish_reason=finish_reason,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
    )


def read_json(content: bytes) -> Any:
    """JSON with every string valid UTF-8 and every number one that JSON writers accept.

    Raises
    ------
    MalformedReplyError
        It is not JSON.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return _read_lenient(content)


def _read_lenient(content: bytes) -> Any:
    """The same for what strict readers refuse: lone surrogates, stray bytes, NaN."""
    text = content.decode("utf-8", "replace")
    if not text.strip():
        raise MalformedReplyError("The answer is empty")
    try:
        return _clean(json.loads(text, parse_constant=lambda _: None, strict=False))
    except (ValueError, OverflowError, RecursionError):
        raise MalformedReplyError(f"The answer is not JSON: it begins {quote(text)}") from None


def quote(text: str) -> str:
    """The beginning of a text on one line, in quotes."""
    return repr(one_line(text, SHOWN))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        # Through UTF-16, where a pair of surrogates is one sign and a lone one is replaced.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, int) and value.bit_length() > 63:
        return float(value)
    if isinstance(value, list):
        return [_clean(part) for part in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(part) for name, part in value.items()}
    return value


def _parts(document: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    if not isinstance(document, dict):
        raise MalformedReplyError(
            f"The answer is JSON but not a chat completion: {quote(json.dumps(document))}"
        )
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise MalformedReplyError(f"The answer holds no choices: {quote(json.dumps(document))}")
    usage = document.get("usage")
    return choices[0], usage if isinstance(usage, dict) else {}


def _text(content: Any) -> str:
    """A string as it is; of a list of parts (as some servers send it) the text parts."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _outcome(finish_reason: str | None, text: str, refusal: str, calls: bool) -> SampleOutcome:
    if finish_reason == "content_filter":
        return SampleOutcome.FILTERED
    if refusal:
        return SampleOutcome.REFUSED
    # Also with empty text: reasoning models may spend the whole cap before the first visible word.
    if finish_reason == "length":
        return SampleOutcome.TRUNCATED
    return SampleOutcome.ANSWERED if calls or text.strip() else SampleOutcome.EMPTY


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
