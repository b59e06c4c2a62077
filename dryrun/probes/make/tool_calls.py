"""Right answers as tool calls, for graders that read which tools were called, and with what."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dryrun.core.records import Item
from dryrun.graders.format.python_source import syntax_tree
from dryrun.graders.format.template import Step
from dryrun.graders.kinds.python import PythonSpec
from dryrun.graders.specs import GraderSpec
from dryrun.graders.trial import CALL_ID, response
from dryrun.probes.make.answers import flat

AS_CALL = "as a tool call"
READ = frozenset({"output_tools", "tool_calls"})
NAMES, ARGUMENTS = ("name", "tool", "tool_name"), ("arguments", "args", "parameters", "input")


@dataclass(frozen=True, slots=True)
class ToolsRead:
    """What a grader reads of tool calls.

    Attributes
    ----------
    steps : tuple of (str or int)
        The path behind ``sample.output_tools`` in a template; empty where Python reads them.
    """

    steps: tuple[Step, ...] = ()


def tools_read(spec: GraderSpec) -> ToolsRead | None:
    """What this grader reads of tool calls; None if it reads none."""
    for _, part in spec.walk():
        for template in part.templates.values():
            for reference in template.references:
                if reference.namespace == "sample" and reference.steps[0] == "output_tools":
                    return ToolsRead(tuple(reference.steps[1:]))
        if isinstance(part, PythonSpec) and names_tools(part.source):
            return ToolsRead()
    return None


def names_tools(source: str) -> bool:
    """Whether Python looks up tool calls under their name."""
    try:
        tree = syntax_tree(source)
    except ValueError:
        return False
    return any(isinstance(node, ast.Constant) and node.value in READ for node in ast.walk(tree))


def written_call(read: ToolsRead, item: Item, content: str) -> str:
    """The answer as the JSON text of an assistant's ``tool_calls``.

    Calls stay what they are. An object is the arguments of the row's tool, any other content the value of
    the argument that the grader reads, or else of every argument that the tool requires.
    """
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    calls = [_as_call(entry) for entry in value] if isinstance(value, list) and value else [_as_call(value)]
    known = [call for call in calls if call is not None]
    if len(known) < len(calls):
        known = [_filled_in(read, item, value if isinstance(value, dict) else content)]
    return json.dumps(known, ensure_ascii=False)


def calls_right(expected: str, text: str) -> bool | None:
    """Whether a response calls what the right answer calls; None where a careful reader could doubt it.

    Parameters
    ----------
    expected, text : str
        As `written_call` writes them; the response from `as_text`. Arguments that the right answer leaves
        open may be anything.
    """
    wanted, made = response(expected).tool_calls, response(text).tool_calls
    if not wanted or len(made) > len(wanted):
        return None
    if len(made) < len(wanted):
        return False
    says = [_call_right(*pair) for pair in zip(map(_as_call, wanted), map(_as_call, made), strict=True)]
    return False if False in says else None if None in says else True


def _call_right(wanted: dict[str, Any] | None, made: dict[str, Any] | None) -> bool | None:
    if wanted is None or made is None:
        return None
    right, function = wanted["function"], made["function"]
    if right["name"] != function["name"]:
        return False
    arguments, passed = _arguments(right), _arguments(function)
    if arguments is None or passed is None:
        return None if arguments is None else False
    pairs = [(flat(str(value)), flat(str(passed.get(key, "")))) for key, value in arguments.items()]
    same = [passed.get(key) == value for key, value in arguments.items()]
    if all(same) or (any(same) and len(set(map(str, arguments.values()))) == 1):
        return True  # where nothing says which argument is the answer, all of them were filled with it
    return None if all(first == second for first, second in pairs) else False


def _arguments(function: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        value = json.loads(function["arguments"])
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _as_call(value: object) -> dict[str, Any] | None:
    """One call in the chat form; None if the value is no call."""
    if not isinstance(value, Mapping):
        return None
    inner = value.get("function", value)
    if not isinstance(inner, Mapping):
        return None
    name = next((inner[key] for key in NAMES if isinstance(inner.get(key), str)), None)
    arguments = next((inner[key] for key in ARGUMENTS if isinstance(inner.get(key), str | Mapping)), None)
    return None if name is None or arguments is None else _call(name, arguments)


def _call(name: str, arguments: object) -> dict[str, Any]:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {"id": CALL_ID, "type": "function", "function": {"name": name, "arguments": text}}


def _filled_in(read: ToolsRead, item: Item, content: str | Mapping[str, Any]) -> dict[str, Any]:
    name, properties, required = _tool(item)
    keys = [str(step) for step in read.steps if not isinstance(step, int)]
    if isinstance(content, Mapping):
        return _call(name, content)
    if keys == ["function", "name"]:
        return _call(content, dict.fromkeys(required, ""))
    wanted = keys[2:3] if keys[:2] == ["function", "arguments"] and len(keys) > 2 else []
    return _call(name, {key: _typed(content, properties.get(key)) for key in wanted or required})


def _tool(item: Item) -> tuple[str, Mapping[str, Any], list[str]]:
    """Name of the row's first tool, its arguments' schemas, and those that a call must have."""
    tools = item.get("tools")
    first = tools[0] if isinstance(tools, list) and tools and isinstance(tools[0], Mapping) else {}
    inner = first.get("function", first)
    inner = inner if isinstance(inner, Mapping) else {}
    schema = inner.get("parameters")
    schema = schema if isinstance(schema, Mapping) else {}
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    required = schema.get("required")
    required = required if isinstance(required, list) and required else list(properties)
    return str(inner.get("name", "answer")), properties, [str(key) for key in required] or ["answer"]


def _typed(content: str, schema: object) -> object:
    """The content as the schema wants it: a number where it asks for one."""
    if isinstance(schema, Mapping) and schema.get("type") in ("integer", "number", "boolean"):
        try:
            return json.loads(content)
        except ValueError:
            return content
    return content
