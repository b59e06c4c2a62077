"""What a sandboxed worker runs: the user's source, and what calls it where it is not OpenAI's `grade`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import CodeType
from typing import Any

from dryrun.dataset.fields import REFERENCES
from dryrun.graders.format.conventions import Convention, EntryPoint
from dryrun.graders.sandbox.plain import is_plain

_SLOW = """
ast asyncio copy ctypes dataclasses datetime decimal difflib fractions inspect random shutil socket sqlite3
statistics subprocess tempfile textwrap threading traceback uuid
jsonschema math_verify nltk numpy pandas pydantic rapidfuzz regex rouge_score scipy sklearn sympy yaml
"""
SLOW = frozenset(_SLOW.split())
"""What is imported before the source where it is loaded anew for each grade."""

LATE = {"strptime": "_strptime", "async": "asyncio"}
"""What a function imports when it is first called: each fork of a worker would again."""

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

    def imports(self, anew: bool) -> list[str]:
        """What a worker imports before it forks; nothing of the user's is among it.

        Parameters
        ----------
        anew : bool
            The source is loaded by each fork: with those of `SLOW` that it names.
        """
        words = set(_WORD.findall(self.source))
        return [*(LATE[word] for word in words & set(LATE)), *(sorted(words & SLOW) if anew else ())]

    @property
    def adapter(self) -> dict[str, Any] | None:
        """As a worker gets it."""
        if self.entry is None:
            return None
        helpers = ["adapters.py"]
        if self.entry.convention is Convention.EVAL_PROTOCOL:
            helpers.append("eval_protocol.py")
        return {
            "helpers": [code_of(name) for name in helpers],
            "convention": self.entry.convention.value,
            "function": self.entry.function,
            "as_text": not self.entry.reads_messages,
            "references": list(REFERENCES),
        }


def text_of(name: str) -> str:
    """The text of a module of this package that runs inside the sandbox."""
    return resources.files("dryrun.graders.sandbox.inside").joinpath(name).read_text("utf-8")


@cache
def code_of(name: str) -> CodeType:
    """The same compiled once for all workers, which are of this same Python."""
    return compile(text_of(name), f"<{name}>", "exec", dont_inherit=True)
