"""Errors a user can cause. Each message says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SHOWN_PROBLEMS = 20
"""How many problems of one file are spelled out; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with something the user gave.

    Attributes
    ----------
    where : str
        File and line, or JSON path: ``"line 12, messages[0].role"``, ``"$.graders.exact.operation"``.
        ``""`` or ``"$"``, the whole thing, is not shown.
    what : str
        What is wrong, as a sentence part: ``"'sytem' is not a role"``.
    fix : str
        What to do about it, or ``""``.
    """

    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        place = "" if self.where in ("", "$") else f"{self.where}: "
        return f"{place}{self.what}" + (f" {self.fix}" if self.fix else "")


class DryRunError(Exception):
    """Something the user can put right. Shown as one sentence, never as a traceback."""


def text_of_file(path: Path, option: str = "") -> str:
    """The text of a file that somebody named, perhaps by an option.

    Raises
    ------
    DryRunError
        It cannot be read, or is not UTF-8.
    """
    called = f"{option} {path}".lstrip()
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DryRunError(f"{called}: not UTF-8 text. Save it as UTF-8 and try again.") from error
    except OSError as error:
        raise DryRunError(f"{called}: cannot be read ({error.strerror}). Check the path.") from error


class ProblemsError(DryRunError):
    """Several problems found in one pass over one thing.

    Parameters
    ----------
    summary : str
        The sentence above the list.
    problems : sequence of Problem
        The first ones found, in order; at most `SHOWN_PROBLEMS` are kept.
    total : int, optional
        How many there are in all. Default: ``len(problems)``.
    """

    def __init__(self, summary: str, problems: Sequence[Problem], total: int | None = None) -> None:
        self.summary = summary
        self.total = len(problems) if total is None else total
        self.problems = tuple(problems[:SHOWN_PROBLEMS])
        super().__init__(self.text())

    def text(self) -> str:
        """The summary, one line per problem, and the count of those not shown."""
        lines = [self.summary, *(f"  {problem}" for problem in self.problems)]
        hidden = self.total - len(self.problems)
        if hidden > 0:
            lines.append(f"  ... and {hidden:,} more")
        return "\n".join(lines)


class DatasetError(ProblemsError):
    """A dataset that cannot be used as it is."""


class GraderError(ProblemsError):
    """A grader that cannot be used as it is."""


class ModelError(DryRunError):
    """A model that cannot be reached or will not answer: wrong key, wrong name, no server."""


class StoreError(DryRunError):
    """The data directory cannot be read or written."""
