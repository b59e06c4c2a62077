"""Rows as JSONL in the shapes that several places share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from dryrun.core.records import Item
from dryrun.dataset.fields import REFERENCES, usual_reference, value_at
from dryrun.report.export.material import Material
from dryrun.report.export.place import Named
from dryrun.report.training import Row, to_jsonl


def row_files(material: Material, shaped: Callable[[Item], Row], folder: str = "") -> Named:
    """``train.jsonl`` and, where there are rows for it, ``validation.jsonl``."""
    for name, prompts in (("train", material.train), ("validation", material.validation)):
        if prompts:
            yield f"{folder}{name}.jsonl", to_jsonl([shaped(prompt.item) for prompt in prompts])


def as_it_is(item: Item) -> Row:
    """The row itself."""
    return dict(item)


def as_json(item: Item) -> str:
    """The whole row as text: rows of one column may then differ in their fields and types."""
    return orjson.dumps(dict(item)).decode()


def prompt_and_item(item: Item) -> Row:
    """The messages as ``prompt``, the whole row as text in ``item``."""
    return {"prompt": plain_messages(item), "item": as_json(item)}


def prompt_and_columns(item: Item) -> Row:
    """The row's own ``prompt``, or its messages, beside its other columns, as TRL's rewards get them."""
    prompt = item.get("prompt")
    own = prompt if isinstance(prompt, str | list) else item["messages"]
    return {
        "prompt": own,
        **{name: value for name, value in item.items() if name not in ("messages", "prompt")},
    }


def raw_reference(item: Item) -> Any:
    """The right answer in the first of the usual places, as it stands there; ``""`` without one."""
    answers = (value_at(item, name) for name in REFERENCES)
    return next((value for value in answers if value is not None), "")


def text_reference(item: Item) -> str:
    """The right answer as text; ``""`` without one."""
    return usual_reference(item) or ""


def plain_messages(item: Item) -> list[dict[str, str]]:
    """The messages with their roles and texts alone, parts of text joined: one type in all rows."""
    return [
        {"role": message["role"], "content": _text(message.get("content"))} for message in item["messages"]
    ]


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return content or ""
