"""The rows of a training's log, whatever trainer wrote it: one at a time, each a flat mapping of names.

Nothing of a log is run or trusted: files, lines and documents have a largest size, and only numbers are kept.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from dryrun.core.errors import DryRunError

MOST_BYTES, MOST_DOCUMENT, MOST_LINE = 2**30, 64 * 2**20, 2**20
"""Bytes of a log, of one that is a single JSON value, and of a line."""
MOST_NAMES, DEEPEST = 2000, 4
"""Names in a row, and objects inside objects."""
LARGEST = 1e15
"""A larger number is no reward and no step; its square would be no number."""
HEAD = 64 * 1024
ENCODED = 8
"""Characters of base64 that tell it."""
TABLES = {".csv": ",", ".tsv": "\t"}
LISTS = ("log_history", "data", "events", "history")
"""Where a JSON object has its rows: trainer_state.json of transformers; a page of OpenAI's events."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_VERL = re.compile(r"\bstep:(\d+) - ")
_PRINTED = re.compile(r"'([^']{1,200})': '?(-?[0-9][0-9.eE+-]*|nan)'?(?=[,}])")
_WRAPPED = re.compile(r"np\.\w+\((.*)\)\Z")


@dataclass(frozen=True, slots=True)
class LoggedRow:
    """One row.

    Attributes
    ----------
    where : str
        ``"line 12"`` or ``"$.log_history[3]"``.
    values : mapping of str to float
        Nested names are joined by dots.
    """

    where: str
    values: Mapping[str, float]


def logged_rows(path: Path, called: str) -> Iterator[LoggedRow]:
    """The rows of a log in the order of the file.

    CSV; JSON lines; one JSON value with a list of rows; or text with verl's console lines or with the lines
    that transformers prints.

    Parameters
    ----------
    path : Path
    called : str
        What sentences about it call it.

    Raises
    ------
    DryRunError
        It cannot be read, is too large, or is none of these.
    """
    try:
        if not path.is_file():
            raise DryRunError(f"{called}: there is no such file.")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise DryRunError(f"{called}: has {size:,} bytes; {MOST_BYTES:,} are the most.")
        yield from _READERS[_kind(path)](path, called)
    except OSError as error:
        raise DryRunError(f"{called}: cannot be read ({error.strerror}).") from error


def _kind(path: Path) -> str:
    if path.suffix.lower() in TABLES:
        return "table"
    with path.open("rb") as file:
        head = file.read(HEAD).lstrip(b"\xef\xbb\xbf").lstrip()
    if _in_base64(head):
        return "table"
    first, rest = head.partition(b"\n")[::2]
    if not head.startswith((b"{", b"[")):
        return "text"
    if head.startswith((b"{'", b"[2")):  # a printed dict, a time stamp
        return "text"
    return "lines" if rest.strip() and _is_object(first) else "document"


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _table(path: Path, called: str) -> Iterator[LoggedRow]:
    separator = TABLES.get(path.suffix.lower(), ",")
    with _opened(path, called) as file:
        reader = csv.reader(_short_lines(file, called), delimiter=separator)
        try:
            names = [name.strip() for name in next(reader, [])]
            if len(names) > MOST_NAMES:
                raise DryRunError(f"{called}, line 1: {len(names):,} columns; {MOST_NAMES:,} are the most.")
            for cells in reader:
                numbers = zip(names, map(_number, cells), strict=False)
                yield LoggedRow(
                    f"line {reader.line_num:,}", {name: at for name, at in numbers if at is not None}
                )
        except csv.Error as error:
            raise DryRunError(f"{called}, line {reader.line_num:,}: not CSV ({error}).") from error


def _opened(path: Path, called: str) -> TextIO:
    """The text of a table, out of base64 where it is in that."""
    with path.open("rb") as file:
        encoded = _in_base64(file.read(ENCODED))
    if not encoded:
        return path.open(encoding="utf-8-sig", errors="replace", newline="")
    _check_document(path, called)
    try:
        content = base64.b64decode(path.read_bytes())
    except ValueError as error:
        raise DryRunError(f"{called}: begins as base64 and is torn. Download it again.") from error
    return io.StringIO(content.decode("utf-8", "replace"), newline="")


def _in_base64(head: bytes) -> bool:
    """Whether it is a result file as OpenAI hands it out: base64 of a table that begins with its step."""
    try:
        return base64.b64decode(head[:ENCODED], validate=True).startswith(b"step,")
    except ValueError:
        return False


def _short_lines(file: Any, called: str) -> Iterator[str]:
    """Lines, none of which fills the memory."""
    number = 0
    while line := file.readline(MOST_LINE + 1):
        number += 1
        if len(line) > MOST_LINE:
            raise DryRunError(f"{called}, line {number:,}: longer than {MOST_LINE:,} characters.")
        yield line


def _lines(path: Path, called: str) -> Iterator[LoggedRow]:
    broken: tuple[int, str] | None = None
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(_short_lines(file, called), 1):
            if not line.strip():
                continue
            if broken is not None:  # the last line may be torn: the trainer was stopped
                raise DryRunError(f"{called}, line {broken[0]:,}: {broken[1]}. Take the line out.")
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                broken = number, "not JSON"
                continue
            if isinstance(value, dict):
                yield LoggedRow(f"line {number:,}", _flat(value))
            else:
                broken = number, "not a JSON object"


def _document(path: Path, called: str) -> Iterator[LoggedRow]:
    _check_document(path, called)
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig", errors="replace"))
    except json.JSONDecodeError as error:
        raise DryRunError(f"{called}, line {error.lineno:,}: not JSON ({error.msg}).") from error
    except (ValueError, RecursionError) as error:
        raise DryRunError(f"{called}: not JSON that can be read ({type(error).__name__}).") from error
    where, rows = _list_in(value, called)
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise DryRunError(f"{called}, {where}[{place}]: not an object with a step and a reward.")
        yield LoggedRow(f"{where}[{place}]", _flat(row))


def _check_document(path: Path, called: str) -> None:
    """Refuse what has to be read whole and is too large for it."""
    if (size := path.stat().st_size) > MOST_DOCUMENT:
        raise DryRunError(
            f"{called}: a single value of {size:,} bytes; {MOST_DOCUMENT:,} are the most. "
            "Write its rows as JSON lines."
        )


def _list_in(value: Any, called: str) -> tuple[str, list[Any]]:
    if isinstance(value, list):
        return "$", value
    if isinstance(value, dict):
        for name in LISTS:
            if isinstance(value.get(name), list):
                return f"$.{name}", value[name]
        return "$", [value]
    raise DryRunError(f"{called}, $: not an object or a list of rows.")


def _text(path: Path, _: str) -> Iterator[LoggedRow]:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        number = 0
        while line := file.readline(MOST_LINE):
            number += line.endswith("\n")
            if values := printed_values(line):
                yield LoggedRow(f"line {number:,}", values)


def printed_values(line: str) -> dict[str, float]:
    """The numbers of a line that verl's console logger or transformers' progress printed; else nothing."""
    line = _COLOURS.sub("", line).strip()
    if match := _VERL.search(line):
        parts = (part.rpartition(":")[::2] for part in line[match.start() :].split(" - "))
        read = ((name.strip(), _number(text)) for name, text in parts)
        return {name: value for name, value in read if value is not None}
    start = line.find("{'")  # a progress bar may stand before it
    if start < 0 or not line.endswith("}"):
        return {}
    read = ((name, _number(text)) for name, text in _PRINTED.findall(line[start:]))
    return {name: value for name, value in read if value is not None}


def _flat(row: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a row by dotted names."""
    flat: dict[str, float] = {}
    waiting: list[tuple[str, int, Mapping[str, Any]]] = [("", 0, row)]
    while waiting and len(flat) < MOST_NAMES:
        path, depth, part = waiting.pop()
        for name, value in part.items():
            if isinstance(value, dict):
                if depth < DEEPEST:
                    waiting.append((f"{path}{name}.", depth + 1, value))
            elif (number := _number(value)) is not None:
                flat[f"{path}{name}"] = number
    return flat


def _number(value: object) -> float | None:
    """A number, also where it is written as text; None of anything else, and of what is too large."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and (wrapped := _WRAPPED.match(text)):
        text = wrapped[1]
    try:
        number = float(text)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < LARGEST else None


_READERS = {"table": _table, "lines": _lines, "document": _document, "text": _text}
