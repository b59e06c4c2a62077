"""Which fields of an object a prompt asks for by name."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from dryrun.core.records import Prompt
from dryrun.probes.make.demand import Demand, prompt_text
from dryrun.probes.make.json_shape import ASIDE

_NAME_PARTS = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])|\d+")
_WORDS = re.compile(r"[^\W_]+")


def named_fields(prompt: Prompt, demand: Demand, fields: Sequence[str]) -> tuple[str, ...]:
    """Those fields of an object that the prompt, or its response format, asks for by name."""
    required = () if demand.shape is None else (demand.shape.field, *demand.shape.others)
    words = set(_WORDS.findall(prompt_text(prompt.messages).casefold()))
    return tuple(
        field
        for field in fields
        if not ASIDE.fullmatch(field) and (field in required or _is_named(field, words))
    )


def _is_named(field: str, words: Collection[str]) -> bool:
    """Whether each part of a name such as ``due_date`` or ``dueDate`` is a word, in singular or plural."""
    parts = [part.casefold() for part in _NAME_PARTS.findall(field)]
    return bool(parts) and all(
        any(form in words for form in (part, f"{part}s", part.removesuffix("s"))) for part in parts
    )
