"""The rows of a JSON document: one list, an object that holds it, or objects one behind the other.

Its text is read whole, so only up to a size; of its values one row at a time is held.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from dryrun.core.errors import DatasetError, Problem
from dryrun.dataset.formats import RawRow, row_lists
from dryrun.dataset.limits import limits

MAX_DOCUMENT_BYTES = 64 * 1024**2
"""Largest file accepted (64 MiB): its text is held in memory, which JSONL never needs."""
TO_LINES = "jq -c '{}' file.json > file.jsonl"

_SPACE = re.compile(r"[ \t\r\n]*")


def document_rows(file: BinaryIO, name: str) -> Iterator[RawRow]:
    """The text of every row, numbered from 1.

    Parameters
    ----------
    file : binary file
        At its start; its first character that is no space is ``[`` or ``{``.
    name : str
        The file's name, for messages.

    Raises
    ------
    DatasetError
        It is too large, not UTF-8, no JSON from the first character to the last, or holds several lists of
        rows.
    """
    for number, text in enumerate(_Document(_text(file, name), name).rows(), 1):
        yield RawRow(number, text.encode())


def _text(file: BinaryIO, name: str) -> str:
    largest = MAX_DOCUMENT_BYTES if (most := limits()) is None else most.listed
    data = file.read(largest + 1)
    if len(data) > largest:
        what = f"a JSON document is read whole, and this one is longer than {largest >> 20} MiB."
        fix = f"Write one object per line: {TO_LINES.format('.[]')}"
        raise DatasetError(f"{name} cannot be read.", [Problem("file", what, fix)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"byte {error.start + 1} is not UTF-8."
        raise DatasetError(f"{name} cannot be read.", [Problem("file", what, "Save it as UTF-8.")]) from error


class _Document:
    """Goes through a text; `_end` is behind the list or value that it went through last."""

    def __init__(self, text: str, name: str) -> None:
        self._text, self._name, self._end = text, name, 0
        self._decoder = json.JSONDecoder()

    def rows(self) -> Iterator[str]:
        """The text of each row."""
        at = self._skip(0)
        if self._text[at] == "[":
            yield from self._entries(at)
            self._check_end("the file goes on after the end of its list: JSONL has an object on each line")
            return
        lists = self._lists_within(at)
        if self._skip(self._end) == len(self._text) and lists:
            yield from self._entries(self._only(lists))
            return
        while at < len(self._text):
            self._value(at)
            yield self._text[at : self._end]
            at = self._skip(self._end)

    def _entries(self, at: int) -> Iterator[str]:
        """The text of each entry of the list that begins there."""
        first, at = True, self._skip(at + 1)
        while not (first and self._at(at, "]")):  # a comma is followed by another entry
            self._value(at)
            yield self._text[at : self._end]
            first, at = False, self._skip(self._end)
            if self._at(at, "]"):
                break
            self._require(at, ",", "a comma or the list's end is missing")
            at = self._skip(at + 1)
        self._end = at + 1

    def _lists_within(self, at: int) -> dict[str, int]:
        """Where each list of rows begins in the object that begins there."""
        places: dict[str, int] = {}
        firsts: dict[str, Any] = {}
        at = self._skip(at + 1)
        while places or not self._at(at, "}"):
            key = self._value(at)
            self._require(colon := self._skip(self._end), ":", "a colon is missing")
            places[key] = at = self._skip(colon + 1)
            if self._at(at, "["):
                firsts[key] = [
                    json.loads(entry) for place, entry in enumerate(self._entries(at)) if not place
                ]
            else:
                firsts[key] = self._value(at)
            if self._at(at := self._skip(self._end), "}"):
                break
            self._require(at, ",", "a comma or the object's end is missing")
            at = self._skip(at + 1)
        self._end = at + 1
        return {key: places[key] for key in row_lists(firsts)}

    def _only(self, lists: dict[str, int]) -> int:
        if len(lists) == 1:
            return next(iter(lists.values()))
        names = ", ".join(map(repr, lists))
        fix = f"Write out the right one: {TO_LINES.format(f'.[{json.dumps(next(iter(lists)))}][]')}"
        problem = Problem("file", f"it holds several lists of rows: {names}.", fix)
        raise DatasetError(f"{self._name} cannot be read.", [problem])

    def _value(self, at: int) -> Any:
        try:
            value, self._end = self._decoder.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            raise self._torn(error.pos, f"is not valid JSON ({error.msg})") from error
        except RecursionError as error:
            raise self._torn(at, "lists and objects are nested too deep") from error
        return value

    def _skip(self, at: int) -> int:
        space = _SPACE.match(self._text, at)
        return space.end() if space is not None else at

    def _at(self, at: int, sign: str) -> bool:
        return self._text.startswith(sign, at)

    def _require(self, at: int, sign: str, what: str) -> None:
        if not self._at(at, sign):
            raise self._torn(at, what)

    def _check_end(self, what: str) -> None:
        if (rest := self._skip(self._end)) < len(self._text):
            raise self._torn(rest, what)

    def _torn(self, at: int, what: str) -> DatasetError:
        line, column = self._text.count("\n", 0, at) + 1, at - self._text.rfind("\n", 0, at)
        problem = Problem(f"line {line}, column {column}", f"{what}.", "Save it again, or use JSONL.")
        return DatasetError(f"{self._name} cannot be read as a JSON document.", [problem])
