"""The bytes of an answer -> its JSON document: what is wrapped taken out, what is streamed put together.

An answer that is no chat completion says whose it is, and where that vendor has chat completions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from dryrun.core.text import one_line

BOM = b"\xef\xbb\xbf"
SHOWN = 160
"""Characters of an unreadable answer that are quoted."""


class MalformedReplyError(Exception):
    """The endpoint answered 200 with something other than a chat completion. The message is a sentence."""


def read_document(content: bytes) -> Any:
    """The body of an answer: JSON, or the events of a stream that nobody asked for, put together.

    Raises
    ------
    MalformedReplyError
        It is neither.
    """
    content = content.removeprefix(BOM)
    if not content.lstrip().startswith((b"data:", b"event:", b"id:", b"retry:", b":")):
        return _unwrapped(_json_or_lines(content))
    if (rest := _without_comments(content)).startswith(b"{"):
        return _unwrapped(_json_or_lines(rest))
    data = (line[5:].strip() for line in content.splitlines() if line.startswith(b"data:"))
    return _of_events([read_json(line) for line in data if line and line != b"[DONE]"])


def _json_or_lines(content: bytes) -> Any:
    """One document, or a stream whose events are lines."""
    try:
        return read_json(content)
    except MalformedReplyError:
        lines = [line for line in content.splitlines() if line.strip()]
        if len(lines) < 2 or not all(line.lstrip().startswith(b"{") for line in lines):
            raise
        return _of_events([read_json(line) for line in lines])


def _of_events(events: list[Any]) -> dict[str, Any]:
    """What the events of a stream say together: an error, an answer, or that of another API."""
    chunks = [event for event in events if isinstance(event, dict)]
    failed = next((chunk for chunk in chunks if chunk.get("error")), None)
    if failed is not None or any(chunk.get("choices") for chunk in chunks):
        return failed or _of_stream(chunks)
    return next((chunk for chunk in chunks if vendor_of(chunk)), (chunks or [{}])[-1])


WRAPPERS = ("data", "result", "response", "output", "body")


def _unwrapped(document: Any) -> Any:
    """A chat completion that a gateway has put into a list, an object or a text of its own, taken out."""
    if isinstance(document, dict) and isinstance(document.get("body"), str):
        document = {**document, "body": _in_text(document["body"])}
    if isinstance(document, str):
        document = _in_text(document)
    if isinstance(document, list) and len(document) == 1 and isinstance(document[0], dict):
        return document[0] if document[0].get("choices") else document
    if isinstance(document, dict) and "choices" in document:
        return {**document, "choices": _first_first(document["choices"])}
    if not isinstance(document, dict):
        return document
    inner = (document.get(name) for name in WRAPPERS)
    whole = next((part for part in inner if isinstance(part, dict) and part.get("choices")), None)
    return document if whole is None else {"usage": document.get("usage"), **whole}


def _in_text(text: str) -> Any:
    """The JSON object that a text is; else the text."""
    try:
        return orjson.loads(text) if text.lstrip().startswith("{") else text
    except orjson.JSONDecodeError:
        return text


def _first_first(choices: Any) -> Any:
    """The choices, the one with the index 0 in front where a server sends several and in another order."""
    if not isinstance(choices, list) or len(choices) < 2:
        return choices
    return sorted(choices, key=lambda choice: not (isinstance(choice, dict) and choice.get("index") == 0))


def _without_comments(content: bytes) -> bytes:
    """What follows the lines by which some routers keep a connection open."""
    content = content.lstrip()
    while content.startswith(b":"):
        content = content.partition(b"\n")[2].lstrip()
    return content


PIECES = ("content", "refusal", "reasoning_content", "reasoning")
"""Fields of a message that come piece by piece."""


def _of_stream(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """A chat completion put together from its chunks; without a finish reason it broke off."""
    pieces: dict[str, list[str]] = {name: [] for name in PIECES}
    finish, usage, error, first = "unfinished stream", None, None, None
    calls: dict[Any, dict[str, Any]] = {}
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        choices = _first_first(chunk.get("choices"))
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        first = choice.get("index") if first is None else first
        if choice.get("index") not in (first, None):
            continue  # of a second answer that nobody asked for
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            for name, parts in pieces.items():
                parts.append(joined_text(delta.get(name)))
            _add_calls(calls, delta.get("tool_calls"))
        finish, error = finish_word(choice.get("finish_reason")) or finish, choice.get("error") or error
    message = {"role": "assistant", "tool_calls": list(calls.values())}
    message |= {name: "".join(parts) for name, parts in pieces.items()}
    return {"choices": [{"message": message, "finish_reason": finish, "error": error}], "usage": usage}


def _add_calls(calls: dict[Any, dict[str, Any]], parts: Any) -> None:
    for part in parts if isinstance(parts, list) else ():
        function = part.get("function") if isinstance(part, dict) else None
        if not isinstance(function, dict):
            continue
        call = calls.setdefault(
            str(part.get("index", 0)), {"type": "function", "function": {"arguments": ""}}
        )
        arguments = function.get("arguments") or ""
        call["function"]["arguments"] += arguments if isinstance(arguments, str) else json.dumps(arguments)
        call["function"] |= {"name": function["name"]} if function.get("name") else {}
        call |= {"id": part["id"]} if part.get("id") else {}


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


def finish_word(value: Any) -> str | None:
    """As text; some servers send ``{"type": "abort", "message": ...}``, or the word null."""
    if isinstance(value, dict):
        value = value.get("type") or json.dumps(value)
    return None if value in (None, "null", "none", "None") else str(value)


REASONING_PARTS = ("reasoning", "thinking")
"""Types of parts that come before the answer."""


def joined_text(content: Any, field: str = "text") -> str:
    """A string as it is; of parts (as some servers send them) this field, but nothing of the reasoning."""
    if isinstance(content, list):
        return "".join(joined_text(part, field) for part in content)
    if isinstance(content, dict):
        return "" if content.get("type") in REASONING_PARTS else joined_text(content.get(field))
    return content if isinstance(content, str) else ""


@dataclass(frozen=True, slots=True)
class Vendor:
    """An API whose answers are not chat completions.

    Attributes
    ----------
    api : str
        Its name in a sentence: ``"Ollama's /api/chat"``.
    base_url : str
        The base URL of the vendor's own chat completions, or its path at the same host.
    """

    api: str
    base_url: str


OLLAMA = Vendor("Ollama's own API", "/v1")
LLAMA_CPP = Vendor("llama.cpp's own API", "/v1")
TGI = Vendor("the text generation API of Hugging Face", "/v1")
COHERE = Vendor("Cohere's Chat API", "https://api.cohere.ai/compatibility/v1")
ANTHROPIC = Vendor("Anthropic's Messages API", "https://api.anthropic.com/v1")
GEMINI = Vendor("Gemini's generateContent", "https://generativelanguage.googleapis.com/v1beta/openai")
BEDROCK = Vendor("Bedrock's Converse API", "https://bedrock-runtime.REGION.amazonaws.com/openai/v1")
RESPONSES = Vendor("OpenAI's Responses API", "/v1")
CLOUDFLARE = Vendor("Workers AI's own API", "https://api.cloudflare.com/client/v4/accounts/ACCOUNT/ai/v1")


Answer = Mapping[str, Any]


def vendor_of(answer: Any) -> Vendor | None:
    """Whose own answer this is; None for a chat completion, an error, and what is not known.

    Parameters
    ----------
    answer : JSON
        The body of an answer with status 200, or one event of a stream.
    """
    if isinstance(answer, list) and answer and isinstance(answer[0], dict):
        answer = answer[0]
    if not isinstance(answer, dict) or "choices" in answer or answer.get("error"):
        return None
    return next((vendor for vendor, known in _SHAPES if known(answer)), None)


def _has(answer: Answer, *path: str, kind: type = str) -> bool:
    value: Any = answer
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return isinstance(value, kind)


def _event(answer: Answer, beginning: str) -> bool:
    return str(answer.get("type")).startswith(beginning)


_SHAPES: tuple[tuple[Vendor, Callable[[Answer], bool]], ...] = (
    (OLLAMA, lambda a: _has(a, "done", kind=bool) and (_has(a, "message", kind=dict) or _has(a, "response"))),
    (LLAMA_CPP, lambda a: _has(a, "content") and ("tokens_predicted" in a or "stopped_eos" in a)),
    (TGI, lambda a: _has(a, "generated_text") or _has(a, "token", kind=dict)),
    (RESPONSES, lambda a: a.get("object") == "response" or _event(a, "response.")),
    (BEDROCK, lambda a: "stopReason" in a and _has(a, "output", "message", kind=dict)),
    (GEMINI, lambda a: _has(a, "candidates", kind=list) or _has(a, "promptFeedback", kind=dict)),
    (COHERE, lambda a: "finish_reason" in a and _has(a, "message", "content", kind=list)),
    (COHERE, lambda a: _has(a, "text") and "generation_id" in a),
    (ANTHROPIC, lambda a: "stop_reason" in a and _has(a, "content", kind=list)),
    (ANTHROPIC, lambda a: _event(a, "message_start")),
    (CLOUDFLARE, lambda a: _has(a, "result", "response")),
)
"""What only this vendor's answers have."""


HOMES: Mapping[str, str] = {
    "api.anthropic.com": ANTHROPIC.base_url,
    "generativelanguage.googleapis.com": GEMINI.base_url,
    "api.cohere.com": COHERE.base_url,
    "api.cohere.ai": COHERE.base_url,
    "api-inference.huggingface.co": "https://router.huggingface.co/v1",
    "api.groq.com": "https://api.groq.com/openai/v1",
    "openrouter.ai": "https://openrouter.ai/api/v1",
    "api.fireworks.ai": "https://api.fireworks.ai/inference/v1",
    "api.deepinfra.com": "https://api.deepinfra.com/v1/openai",
    "dashscope.aliyuncs.com": "https://dashscope.aliyuncs.com/compatible-mode/v1",
}
"""By host, base URLs that are more than the host and ``/v1``, or are at another host."""


OLLAMAS_PORT = 11434


def home_of(base_url: str, native: str = "") -> str:
    """The base URL to try in place of this one, which has no chat completions; ``""`` where it is not known.

    Parameters
    ----------
    base_url : str
        Normalised.
    native : str
        The `Vendor.base_url` of whoever's own answers come from there.
    """
    parts = urlsplit(base_url)
    host, root = (parts.hostname or "").lower(), f"{parts.scheme}://{parts.netloc}"
    known = HOMES.get(host, "")
    if host.startswith("bedrock-runtime.") and host.endswith(".amazonaws.com"):
        known = f"{root}/openai/v1"
    if parts.port == OLLAMAS_PORT:
        known = root + OLLAMA.base_url
    known = known or (root + native if native.startswith("/") else native)
    return "" if known == base_url else known
