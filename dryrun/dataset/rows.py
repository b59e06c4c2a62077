"""What a dataset row must look like: OpenAI's reinforcement fine-tuning format; and what is wrong with one.

``messages`` is required, ``tools`` is optional, every other key is the dataset's own and goes to
graders as ``item.KEY`` untouched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from dryrun.core.errors import DatasetError, Problem
from dryrun.core.text import plural


class Role(StrEnum):
    """Who speaks in a chat message."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


ROLES = tuple(role.value for role in Role)
_USUAL = frozenset(ROLES) - {Role.SYSTEM.value}
_USER = Role.USER.value  # plain text compares faster
EXACT_WHOLE = 2.0**63
"""Whole numbers from here on come out of a JSON parser rounded."""
RESERVED_KEYS = frozenset({"messages", "tools", "prompt"})
"""Keys with a meaning of their own; a row with no other key gives a grader nothing to compare with."""

_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}


def kind(value: object) -> str:
    """What JSON calls the value, with its article: ``"a list"``."""
    return _KINDS.get(type(value), "a number")


def has_words(text: str) -> bool:
    """Whether there is more than blanks; no copy is made of a long text."""
    return bool(text) and not text.isspace()


def is_usual(row: object) -> bool:
    """Whether the row is sound and gives no cause for a warning, as nearly all do: a short cut.

    That is: messages of text alone, none of them from the system, the last from the user; no tools, no
    choices; some other key; no number that 64 bits cannot hold. False says nothing: `check_row` and `Advice`
    look closer.
    """
    if type(row) is not dict or len(row) < 2 or "tools" in row or (len(row) == 2 and "prompt" in row):
        return False
    if not _SHOWN.isdisjoint(row):
        return False
    for value in row.values():
        if type(value) is float and abs(value) >= EXACT_WHOLE:
            return False
    messages, role, words = row.get("messages"), None, False
    if type(messages) is not list:
        return False
    for message in messages:
        if type(message) is not dict or "tool_calls" in message or type(message.get("content")) is not str:
            return False
        role = message.get("role")
        if type(role) is not str or role not in _USUAL:
            return False
        words = words or has_words(message["content"])
    return role == _USER and words


_SHOWN = frozenset(
    {"choices", "options", "context", "passage", "article", "story", "system", "system_prompt"}
)
"""Fields without which a question is another: those of MMLU, ARC, SQuAD, BoolQ, RACE, CoQA and OpenOrca."""
_BEGINNING, _LEAST_WORDS = 60, 5


def hides_a_part(row: Mapping[str, Any]) -> bool:
    """Whether a row has choices, a text to read or a system prompt, none of which stands in its messages."""
    names = _SHOWN & row.keys()
    shown = " ".join(_strings([message.get("content") for message in row["messages"]])) if names else ""
    for name in names:
        texts = [*_strings(row[name])]
        listed = len(texts) > 1 or len(" ".join(texts).split()) >= _LEAST_WORDS
        if listed and not any(text[:_BEGINNING] in shown for text in texts):
            return True
    return False


def _strings(value: object) -> Iterator[str]:
    """The texts in a value, blanks as one."""
    if isinstance(value, str):
        yield from filter(None, [" ".join(value.split())])
    elif isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _strings(entry)


def check_row(row: object, prompt: str = "messages") -> list[Problem]:
    """Everything that is wrong with one parsed row, in the row's own order.

    Parameters
    ----------
    row : object
        A parsed JSON value.
    prompt : str
        The field that the row's messages come from, for the problems' places.

    Returns
    -------
    list of Problem
        Empty if the row is sound. `Problem.where` is the field, ``"messages[0].role"``; ``""`` for
        the row as a whole.
    """
    if not isinstance(row, dict):
        return [Problem("", f"the row is {kind(row)}, not an object.", 'Write {"messages": [...], ...}.')]
    problems = [*_check_messages(row, prompt)]
    return problems if row.get("tools") is None else [*problems, *_check_tools(row["tools"])]


def _check_messages(row: Mapping[str, Any], prompt: str) -> Iterator[Problem]:
    messages = row.get("messages")
    if isinstance(messages, list) and messages:
        for position, message in enumerate(messages):
            yield from _check_message(message, f"{prompt}[{position}]")
        texts = [message.get("content") for message in messages if isinstance(message, dict)]
        if not any(not isinstance(text, str) or has_words(text) for text in texts or [None]):
            yield Problem(f"{prompt}[{len(messages) - 1}].content", "is empty.", "Give the message's text.")
        return
    fix = 'Give a list such as [{"role": "user", "content": "..."}].'
    if isinstance(messages, list):
        yield Problem("messages", "is an empty list.", fix)
    else:
        yield Problem("messages", f"is {kind(messages)}, not a list.", fix)


def _check_message(message: object, where: str) -> Iterator[Problem]:
    if not isinstance(message, dict):
        fix = 'Write {"role": "user", "content": "..."}.'
        yield Problem(where, f"is {kind(message)}, not an object.", fix)
        return
    role = message.get("role")
    if role not in ROLES:
        yield _role_problem(message, f"{where}.role")
    if "tool_calls" in message and not isinstance(message["tool_calls"], list | None):
        calls = kind(message["tool_calls"])
        yield Problem(f"{where}.tool_calls", f"is {calls}, not a list.", "Give a list of tool calls.")
    content = message.get("content")
    if isinstance(content, str):
        return
    if content is None:
        # An assistant turn that only calls tools has no content; every other turn needs some.
        if not (role == Role.ASSISTANT and message.get("tool_calls")):
            state = "is null." if "content" in message else "is missing."
            yield Problem(f"{where}.content", state, "Give the message's text.")
    elif isinstance(content, list):
        yield from _check_parts(content, f"{where}.content")
    else:
        fix = "Give a string or a list of content parts."
        yield Problem(f"{where}.content", f"is {kind(content)}.", fix)


def _role_problem(message: Mapping[str, Any], where: str) -> Problem:
    choices = f"Use one of {', '.join(ROLES)}."
    if "role" not in message:
        return Problem(where, "is missing.", choices)
    role = message["role"]
    if not isinstance(role, str):
        return Problem(where, f"is {kind(role)}, not a string.", choices)
    near = get_close_matches(role.strip().lower(), ROLES, n=1, cutoff=0.6)
    return Problem(where, f"{role[:40]!r} is not a role.", f"Did you mean {near[0]!r}?" if near else choices)


def _check_parts(parts: list[Any], where: str) -> Iterator[Problem]:
    if not parts:
        yield Problem(where, "is an empty list.", "Give a string or at least one content part.")
    for position, part in enumerate(parts):
        here = f"{where}[{position}]"
        if not isinstance(part, dict):
            fix = 'Write {"type": "text", "text": "..."}.'
            yield Problem(here, f"is {kind(part)}, not a content part.", fix)
        elif not isinstance(part.get("type"), str):
            yield Problem(f"{here}.type", "is missing or no string.", 'Write "text" or "image_url".')
        elif part["type"] == "text" and not isinstance(part.get("text"), str):
            yield Problem(f"{here}.text", "is missing or no string.", "Give the part's text.")
        elif part["type"] == "image" or (part["type"] == "image_url" and not part.get("image_url")):
            what = "is an image part that no endpoint takes: it holds no image_url."
            yield Problem(here, what, PICTURE)


PICTURE = 'Write {"type": "image_url", "image_url": {"url": "data:image/png;base64,..."}}, or an https: URL.'


def _check_tools(tools: object) -> Iterator[Problem]:
    if not isinstance(tools, list):
        fix = 'Give a list such as [{"type": "function", "function": {"name": "..."}}], or leave it out.'
        yield Problem("tools", f"is {kind(tools)}, not a list.", fix)
        return
    for position, tool in enumerate(tools):
        yield from _check_tool(tool, f"tools[{position}]")


def _check_tool(tool: object, where: str) -> Iterator[Problem]:
    fix = 'Write {"type": "function", "function": {"name": "...", "parameters": {...}}}.'
    if not isinstance(tool, dict):
        yield Problem(where, f"is {kind(tool)}, not an object.", fix)
        return
    if tool.get("type") != "function":
        yield Problem(f"{where}.type", 'is not "function".', fix)
    function = tool.get("function")
    if not isinstance(function, dict):
        yield Problem(f"{where}.function", "is missing or no object.", fix)
        return
    if not isinstance(function.get("name"), str) or not function["name"]:
        yield Problem(f"{where}.function.name", "is missing or no string.", "Name the function.")
    if not isinstance(function.get("parameters"), dict | None):
        fix = "Give a JSON Schema object, or leave it out."
        yield Problem(f"{where}.function.parameters", f"is {kind(function['parameters'])}.", fix)


FIRST_PLACES = 5
MAX_KINDS = 500
"""Kinds that are told apart; the rest are counted."""

_NUMBER = re.compile(r"\d+")


@dataclass(slots=True)
class _Kind:
    problem: Problem
    rows: int = 0
    last: int = 0
    lines: list[int] = field(default_factory=list)


class ProblemKinds:
    """Problems of rows, put together where only numbers in them differ.

    Parameters
    ----------
    unit : str
        What rows are counted in: ``"line"`` or ``"row"``.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._kinds: dict[tuple[str, str], _Kind] = {}
        self.bad_rows = 0
        self.count = 0

    def add(self, line: int, problems: Sequence[Problem]) -> None:
        """Take in everything that is wrong with one row."""
        self.bad_rows += 1
        for problem in problems:
            self.count += 1
            key = _NUMBER.sub("#", problem.where), _NUMBER.sub("#", problem.what)
            if key not in self._kinds and len(self._kinds) >= MAX_KINDS:
                key = "", ""
            known = self._kinds.setdefault(key, _Kind(problem))
            if known.last != line:
                known.rows, known.last = known.rows + 1, line
                if len(known.lines) < FIRST_PLACES:
                    known.lines.append(line)

    def refusal(self, name: str, done: str = "loaded") -> DatasetError:
        """The error that names them all, in the order in which they were met; `done` is what was not done."""
        counted = f"{plural(self.count, 'problem')} in {plural(self.bad_rows, 'row')}"
        lines = [self._line(known) for known in self._kinds.values()]
        return DatasetError(f"{name} has {counted}; nothing was {done}.", lines)

    def _line(self, known: _Kind) -> Problem:
        problem, first = known.problem, ", ".join(map(str, known.lines))
        where = f"{self._unit} {first}"
        if known.rows > 1:
            more = ", ..." if known.rows > len(known.lines) else ""
            where = f"{known.rows:,} rows ({self._unit}s {first}{more})"
        return Problem(f"{where}, {problem.where}" if problem.where else where, problem.what, problem.fix)
