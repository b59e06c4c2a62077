"""The JSON object that a prompt asks for, by a response format, a schema or an example; and answers in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dryrun.core.records import Prompt

AS_OBJECT = "as the JSON object it asks for"
REASONS = "I went through it in 2 steps."
_ANSWER = re.compile(r"(?i)answer|final|solution|result|output|label|verdict")
ASIDE = re.compile(
    r"(?i)(?:explan\w*|rational\w*|reason\w*|thoughts?|thinking|steps?|working|notes?|comments?|"
    r"confidence|id|source|difficulty|level|metadata|split)"
)
"""Names of fields that stand beside an answer: nobody can be asked to give them word for word."""
_JSON = re.compile(r"(?i)\bjson\b")
_KEY = re.compile(r"(?i)\b(?:key|field|property)\s+(?:named |called )?[\"'`“](\w{1,40})[\"'`”]")
_KEYS = re.compile(
    r"(?i)\b(?:keys|fields|properties)\b:?\s+"
    r"((?:[\"'`“]?\w{1,40}[\"'`”]?(?: ?\([^()\n]{0,60}\))?(?:,? and |, )?){2,9})"
)
"""Names listed in words, with what is in brackets behind them: "keys answer (integer) and confidence"."""
_ITEM = re.compile(r"(?!and )(\w{1,40})[\"'`”]?(?: ?\(([^()\n]*)\))?")
_WORDS_OF_TYPES = {
    "integer": r"int",
    "number": r"(?i)number|float|decimal|\d",
    "boolean": r"bool",
    "array": r"list|array",
}
_EXAMPLE = re.compile(r"\{\s*\"\w{1,40}\"\s*:[^{}]{0,400}\}")
_PLACE = re.compile(r"\.\.\.|…|:\s*\"?<[^<>\n]{1,60}>")
"""What stands for a value in an example that is no data."""
_LISTS = re.compile(r"\"(\w{1,40})\"\s*:\s*\[")
_NAME = re.compile(r"\"(\w{1,40})\"\s*:")
_TYPED = re.compile(
    r"\"(\w{1,40})\"\s*:\s*[\"<]?(int|integer|number|float|bool|boolean|str|string)\b[^,{}]{0,3}(?=[,}])"
)
_TYPES = {"int": "integer", "float": "number", "bool": "boolean", "str": "string"}
_FENCE = re.compile(r"\s*```\w*\n(.*?)\n?```\s*\Z", re.S)
OBJECTS, LONGEST = 8, 20_000
"""The number of objects in a prompt that are tried as a schema, and of its characters that are read."""


@dataclass(frozen=True, slots=True)
class JsonShape:
    """An object in which the answer is one field.

    Attributes
    ----------
    field : str
        The one that holds the answer.
    kind : str
        Its type in JSON Schema; ``""`` if that is not known.
    others : mapping of str to Any
        The other fields that must be there, with something in them.
    sure : bool
        A response format or a schema asks for it, not words.
    """

    field: str
    kind: str
    others: Mapping[str, Any]
    sure: bool

    def write(self, content: str) -> str:
        """The object with this answer, which stands last."""
        return json.dumps({**self.others, self.field: self._typed(content)}, ensure_ascii=False)

    def read(self, text: str) -> str | None:
        """The answer in a response; None if it is not such an object."""
        inner = match[1] if (match := _FENCE.match(text)) else text
        value = _loaded(inner)
        if not isinstance(value, Mapping) or self.field not in value:
            return None
        content = value[self.field]
        return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)

    def _typed(self, content: str) -> Any:
        if self.kind == "array":
            value = _loaded(content)
            return value if isinstance(value, list) else [part.strip() for part in content.split(",")]
        if self.kind in ("integer", "number"):
            value = _loaded(content.replace(",", ""))
            return value if isinstance(value, int | float) else content
        if self.kind == "boolean":
            return {"yes": True, "true": True, "no": False, "false": False}.get(content.lower(), content)
        return content


def shape_of(prompt: Prompt, text: str) -> JsonShape | None:
    """What the row's response format, or the text of its prompt, asks for; None if neither asks for one."""
    own = prompt.item.get("response_format")
    return (_of_schema(own) if isinstance(own, Mapping) else None) or _in_words(text[:LONGEST])


def asks_json(prompt: Prompt) -> bool:
    """Whether the row's response format is one of JSON."""
    own = prompt.item.get("response_format")
    return isinstance(own, Mapping) and own.get("type") in ("json_object", "json_schema")


def with_format(prompts: Sequence[Prompt], wanted: Mapping[str, Any] | None) -> list[Prompt]:
    """The rows with the run's response format, where they have none of their own."""
    if not wanted:
        return list(prompts)
    return [replace(prompt, item={"response_format": wanted, **prompt.item}) for prompt in prompts]


def _in_words(text: str) -> JsonShape | None:
    if not _JSON.search(text):
        return None
    for value in _objects(text):
        if (shape := _of_schema(value)) is not None:
            return shape
    shown = [example[0] for example in _EXAMPLE.finditer(text)]
    examples = [_NAME.findall(example) for example in shown]
    places = [_NAME.findall(example) for example in shown if _PLACE.search(example)]
    # Objects in a prompt may be data, or a tool: an example of the answer has a field that is called so.
    listed = [item for keys in _KEYS.findall(text) for item in _ITEM.findall(keys)]
    known = [name for name, _ in listed] if any(_ANSWER.search(name) for name, _ in listed) else []
    called = (keys for keys in examples if any(map(_ANSWER.search, keys)))
    alone = examples[0] if [len(names) for names in examples] == [1] else []
    names = next(called, known or _KEY.findall(text) or next(iter(places), alone))
    typed = {
        name: {"type": _TYPES.get(kind, kind)}
        for name, kind in [*_in_brackets(listed), *_TYPED.findall(text)]
    }
    arrays = {name: {"type": "array"} for example in shown for name in _LISTS.findall(example)}
    types = arrays | typed
    shape = _shape({name: types.get(name, {}) for name in names}, names, sure=False) if names else None
    # Types in the place of values are no data.
    return replace(shape, sure=shape.field in typed) if shape is not None else None


def _in_brackets(listed: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The names whose type stands in brackets behind them, with it."""
    for name, words in listed:
        kinds = (kind for kind, pattern in _WORDS_OF_TYPES.items() if re.search(pattern, words))
        yield from ((name, kind) for kind in list(kinds)[:1])


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    """JSON objects in a text, those inside others left out."""
    decoder, at = json.JSONDecoder(), text.find("{")
    for _ in range(OBJECTS):
        if at < 0:
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            value, end = None, at + 1
        if isinstance(value, Mapping):
            yield value
        at = text.find("{", end)


def _of_schema(value: Mapping[str, Any]) -> JsonShape | None:
    """The shape of a JSON schema, bare or as a response format has it."""
    for key in ("json_schema", "schema"):
        inner = value.get(key)
        if isinstance(inner, Mapping):
            return _of_schema(inner)
    properties = value.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return None
    required = value.get("required")
    names = [str(name) for name in (required if isinstance(required, list) and required else properties)]
    return _shape(properties, names, sure=True)


def _shape(properties: Mapping[str, Any], names: Sequence[str], *, sure: bool) -> JsonShape:
    """The answer's field is one that is called so, else the last that does not stand beside an answer."""
    named = [name for name in properties if _ANSWER.search(str(name))]
    named = named or [name for name in properties if not ASIDE.fullmatch(str(name))]
    field = str((named or list(properties))[-1])
    schema = properties[field]
    kind = schema.get("type", "") if isinstance(schema, Mapping) else ""
    others = {name: _something(properties.get(name)) for name in names if name != field}
    return JsonShape(field, kind if isinstance(kind, str) else "", others, sure)


def _something(schema: object) -> Any:
    """A value that a field of this schema may have."""
    if not isinstance(schema, Mapping):
        return REASONS
    options = schema.get("enum")
    if isinstance(options, list) and options:
        return options[0]
    empty = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}, "null": None}
    kind = schema.get("type")
    return empty.get(kind, REASONS) if isinstance(kind, str) else REASONS


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def json_in(text: str) -> Any:
    """The JSON object or list that the text is; None for any other text."""
    return _loaded(text) if text[:1] in "[{" else None


def objects_inside(value: object) -> Iterator[dict[str, Any]]:
    """All objects inside a JSON object or list, itself left out."""
    for part in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        if isinstance(part, dict):
            yield part
        yield from objects_inside(part)
