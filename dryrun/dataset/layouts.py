"""Prompts written as requests to other APIs: OpenAI's Responses, Gemini, Bedrock's Converse, Anthropic's.

Their turns become chat messages where nothing is lost by it; what has no like there is a `Problem`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dryrun.core.errors import Problem
from dryrun.dataset.fields import value_at
from dryrun.dataset.rows import PICTURE, Role

TEXT_PARTS = ("input_text", "output_text")
"""What the Responses API calls a part of text."""
_PICTURES = ("input_image", "image", "inlineData", "inline_data")
_OTHERS = (
    *("input_file", "document", "video", "fileData", "file_data", "toolUse", "toolResult"),
    *("functionCall", "functionResponse", "function_call", "function_response", "executableCode"),
)
_ITEMS = re.compile(r"\w+_call(_output)?|reasoning|item_reference")
"""Types of what stands among the messages of a request to the Responses API."""
_CALLS = "Write the row with messages: a call as tool_calls of the assistant, its result as role tool."


def is_gemini(value: object) -> bool:
    """Whether a value is a list of turns with ``parts``."""
    return isinstance(value, list) and bool(value) and all(map(_has_parts, value))


def _has_parts(turn: object) -> bool:
    return isinstance(turn, dict) and isinstance(turn.get("parts"), list) and "content" not in turn


def of_other_api(row: Mapping[str, Any]) -> bool:
    """Whether a row with ``messages`` has them as Bedrock writes them, or the system's text beside them."""
    messages = row["messages"]
    if type(messages) is not list:
        return False
    if "system" in row and own_system(row, "messages", messages) is not None:
        return True
    for turn in messages:  # nearly all rows end here
        if type(turn) is not dict or type(turn.get("content")) is not str or "type" in turn:
            return in_chat(messages, "messages") is not messages
    return False


def in_chat(value: object, field: str) -> object:
    """Turns of another API as chat messages, those of Gemini as a conversation with ``from``; else the value.

    Returns
    -------
    object
        `value` itself where there is nothing to do, a `Problem` for what no chat message can hold.
    """
    if not isinstance(value, list):
        return value
    gemini, turns = is_gemini(value), list[Any]()
    for position, turn in enumerate(value):
        here = f"{field}[{position}]"
        if not isinstance(turn, dict):
            return value
        if "role" not in turn and _ITEMS.fullmatch(str(turn.get("type"))):
            what = f"is {turn['type'][:40]!r}: of a request to the Responses API only messages are read."
            return Problem(f"{here}.type", what, _CALLS)
        name = "parts" if gemini else "content"
        content = _content(turn.get(name), f"{here}.{name}")
        if isinstance(content, Problem):
            return content
        if gemini:
            if turn.get("role") == "model" and isinstance(content, list):  # it may be the answer
                content = "".join(str(part.get("text", "")) for part in content)
            turns.append({"from": turn.get("role", Role.USER.value), "value": content})
        else:
            kept = {key: entry for key, entry in turn.items() if key != "type" or entry != "message"}
            turns.append({**kept, "content": content} if "content" in turn else kept)
    return value if turns == value else turns


def _content(content: object, where: str) -> Any | Problem:
    """Parts as chat has them, a lone text as text; what is no list as it is."""
    if not isinstance(content, list) or not any(map(_is_foreign, content)):
        return content
    parts: list[Any] = []
    for position, part in enumerate(content):
        here = f"{where}[{position}]"
        if not _is_foreign(part):
            parts.append(part)
        elif isinstance(part.get("text"), str):
            parts.append({"type": "text", "text": part["text"]})
        elif part.get("type") == "input_image" and isinstance(part.get("image_url"), str):
            parts.append({"type": "image_url", "image_url": {"url": part["image_url"]}})
        else:
            name = part.get("type") or next(key for key in part if key in (*_PICTURES, *_OTHERS))
            fix = PICTURE if name in _PICTURES else _CALLS
            return Problem(here, f"is {name!r} as another API has it: only text is read in that form.", fix)
    alone = len(parts) == 1 and parts[0].get("type") == "text"
    return parts[0]["text"] if alone else parts


def _is_foreign(part: object) -> bool:
    """Whether a part of a message is written as another API has it."""
    if not isinstance(part, dict):
        return False
    if "type" in part:
        return part["type"] in (*TEXT_PARTS, "input_image", "input_file")
    return isinstance(part.get("text"), str) or any(name in part for name in (*_PICTURES, *_OTHERS))


def own_system(row: Mapping[str, Any], field: str, messages: list[Any]) -> str | None:
    """The system's text that a row has beside its turns; None where it has none, or they begin with one."""
    roles = (Role.SYSTEM.value, Role.DEVELOPER.value)
    if any(isinstance(turn, dict) and (turn.get("role") or turn.get("from")) in roles for turn in messages):
        return None
    around, _, name = field.rpartition(".")
    places = {
        "messages": ("system",),
        "contents": ("systemInstruction", "system_instruction"),
        "input": ("instructions",),
    }
    for place in places.get(name, ()):
        held = value_at(row, f"{around}.{place}" if around else place)
        parts = held.get("parts") if isinstance(held, Mapping) else held
        if isinstance(parts, list):
            blocks = [part for part in parts if isinstance(part, dict) and "cachePoint" not in part]
            texts = [part.get("text") for part in blocks]
            parts = "\n\n".join(filter(None, texts)) if all(isinstance(text, str) for text in texts) else ""
        if isinstance(parts, str) and parts.strip():
            return parts
    return None
