"""What a sandboxed worker runs: the user's source, and what calls it where it is not OpenAI's `grade`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

from dryrun.dataset.fields import REFERENCES
from dryrun.graders.format.conventions import Convention, EntryPoint
from dryrun.graders.sandbox.plain import is_plain

_SLOW = (
    "jsonschema math_verify nltk numpy pandas pydantic rapidfuzz regex rouge_score scipy sklearn sympy yaml"
)
SLOW = frozenset(_SLOW.split())
"""Packages that are imported before the source where it is loaded anew for each grade."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Program:
    """A Python source and how it wants to be called.

    Attributes
    ----------
    source : str
    entry : Entry or None
        None for OpenAI's ``grade(sample, item)``.
    """

    source: str
    entry: EntryPoint | None = None

    @property
    def plain(self) -> bool:
        """Whether grades can share a process; else each has one of its own, which ends with it."""
        return is_plain(self.source)

    @property
    def imports(self) -> list[str]:
        """Known packages among those it names, slow to import; nothing of the user's is among them."""
        return sorted(set(_WORD.findall(self.source)) & SLOW)

    @property
    def adapter(self) -> dict[str, Any] | None:
        """As a worker gets it."""
        if self.entry is None:
            return None
        helpers = ["adapters.py"]
        if self.entry.convention is Convention.EVAL_PROTOCOL:
            helpers.append("eval_protocol.py")
        return {
            "helpers": [text_of(name) for name in helpers],
            "convention": self.entry.convention.value,
            "function": self.entry.function,
            "as_text": not self.entry.reads_messages,
            "references": list(REFERENCES),
        }


def text_of(name: str) -> str:
    """The text of a module of this package that runs inside the sandbox."""
    return resources.files("dryrun.graders.sandbox.inside").joinpath(name).read_text("utf-8")
