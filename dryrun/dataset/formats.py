"""Which format a file is in, and which files of a folder hold rows; the lines of JSONL, in one pass."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from dryrun.core.errors import DatasetError, Problem
from dryrun.dataset.columns import are_rows, usual_prompt
from dryrun.dataset.fields import PROMPTS
from dryrun.dataset.limits import limits
from dryrun.dataset.parse import MAX_ROW_BYTES, too_long

BOM = b"\xef\xbb\xbf"


class Format(StrEnum):
    """The formats a dataset can come in."""

    JSONL = "jsonl"
    JSON = "json"
    """A document: one list of rows, an object that holds it, or objects over several lines."""
    CSV = "csv"
    TSV = "tsv"
    """CSV with tabs in place of commas."""
    PARQUET = "parquet"
    ARROW = "arrow"
    """A file or a stream, as Feather writes them since its second version."""

    @property
    def words(self) -> str:
        """Its name in a sentence."""
        return {Format.PARQUET: "Parquet", Format.ARROW: "Arrow", Format.JSON: "a JSON document"}.get(
            self, self.value.upper()
        )

    @property
    def unit(self) -> str:
        """What its rows are counted in."""
        return "line" if self in (Format.JSONL, Format.CSV, Format.TSV) else "row"


ENDINGS = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".json": Format.JSONL,
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".tab": Format.TSV,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
    ".arrow": Format.ARROW,
    ".feather": Format.ARROW,
    ".ipc": Format.ARROW,
}

_PARQUET = b"PAR1"
ARROW, _ARROW_STREAM = b"ARROW1", b"\xff\xff\xff\xff"
PACKED_ENDINGS = (".gz", ".zst", ".bz2")
_ENCODINGS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_UNPACK, _AS_JSONL = "Unpack it first.", "Write its rows as JSONL."
_OTHERS = (
    (0, b"\x1f\x8b", "a gzip archive", _UNPACK),
    (0, b"PK\x03\x04", "a zip archive", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (0, b"BZh", "a bzip2 archive", _UNPACK),
    (0, b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (0, b"\x04\x22\x4d\x18", "an lz4 archive", _UNPACK),
    (0, b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (0, b"Rar!", "a rar archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "Fetch it: git lfs pull."),
    (0, b"FEA1", "a Feather file", "Save it as Parquet."),
    (0, b"PARE", "an encrypted Parquet file", "Save it unencrypted."),
    (0, b"ORC", "an ORC file", "Save it as Parquet."),
    (0, b"Obj\x01", "an Avro file", "Save it as Parquet."),
    (0, b"\xd0\xcf\x11\xe0", "an Excel workbook", "Save it as CSV, in UTF-8."),
    (0, b"SQLite format 3\x00", "an SQLite database", "Write its rows as CSV or JSONL."),
    (8, b"DUCK", "a DuckDB database", "Write its rows as Parquet."),
    *((0, b"\x80" + bytes([version]), "a Python pickle", _AS_JSONL) for version in range(2, 6)),
    (0, b"\x93NUMPY", "a NumPy array", _AS_JSONL),
    (0, b"\x89HDF", "an HDF5 file", _AS_JSONL),
    (0, b"%PDF", "a PDF", _AS_JSONL),
    (0, b"GGUF", "a model's weights", "Give the file with the prompts."),
    (
        0,
        b"\x00\x05\x16\x07",
        "what macOS keeps beside a file",
        "Give the file without ._ in front of its name.",
    ),
)
"""Where in a file a mark stands, what the file then is, and what to do."""
_WORKBOOKS = (".xlsx", ".xlsm", ".ods")

_TEXTS = (
    (r"<(!doctype )?html", "a web page, perhaps of a login or an error", "Fetch the file itself."),
    (r"<", "XML or HTML", _AS_JSONL),
    (r"(%YAML|---\s|- \w+:|\w+:\s)", "YAML", _AS_JSONL),
    (
        r"""(#!.*python|from \w|import \w|def \w|class \w|@\w|"{3})""",
        "Python code",
        "Give a grader as the grader.",
    ),
    (r"\{\s*'", "in Python's spelling, not JSON", "Write the rows with json.dumps."),
)
"""How text begins that is no JSON, what it is, and what to do."""


def format_of(name: str, start: bytes) -> Format:
    """The format by the name's ending, or by content where the ending says nothing.

    Parameters
    ----------
    name : str
        File name.
    start : bytes
        The file's first bytes, at least four unless it is shorter. Parquet's mark always decides, between
        JSONL and one list its bracket, and between text and tables whether it begins as JSON or as a header.
    """
    if start.startswith(_PARQUET):
        return Format.PARQUET
    if start.startswith((ARROW, _ARROW_STREAM)):
        return Format.ARROW
    name = name.lower()
    for packed in PACKED_ENDINGS:
        name = name.removesuffix(packed)
    ending = "." + name.rpartition(".")[2]
    form = ENDINGS.get(ending, Format.JSONL)
    text = start.removeprefix(BOM).lstrip()
    if form in (Format.CSV, Format.TSV) and text.startswith((b'{"', b'[{"')):
        form = Format.JSONL
    if form is Format.JSONL and _is_header(text):
        return Format.CSV
    return Format.JSON if form is Format.JSONL and text.startswith(b"[") else form


def _is_header(text: bytes) -> bool:
    """Whether text begins with the names of columns, one of them a usual name of the prompt."""
    line = text.split(b"\n", 1)[0].decode(errors="replace")
    cells = [cell.strip("\"' \r") for cell in re.split(r"[,;\t|]", line)]
    return len(cells) > 1 and any(name in cells for name in PROMPTS) and not re.search(r"[{}:]", line)


def checked_format(file: BinaryIO, name: str) -> Format:
    """The format of a file at its start, which it is left at.

    Raises
    ------
    DatasetError
        It is plainly not what its name says: empty, compressed, in another encoding.
    """
    start = file.read(4096)
    file.seek(0)
    form = format_of(name, start)
    if form is Format.JSONL and start.removeprefix(BOM).lstrip().startswith(b"{"):
        file.seek(len(BOM) * start.startswith(BOM))
        form = Format.JSON if _is_document(file) else form
        file.seek(0)
    problem = _problem_at_start(form, start, name)
    if problem is not None:
        raise DatasetError(f"{name} cannot be read as {form.words}.", [problem])
    return form


def _problem_at_start(form: Format, start: bytes, name: str) -> Problem | None:
    if not start:
        return Problem("file", "it is empty (0 bytes).", "Give at least one row with messages.")
    if name.lower().endswith(_WORKBOOKS):
        return Problem("file", "it is a workbook of a spreadsheet.", "Save it as CSV, in UTF-8.")
    for place, mark, what, fix in _OTHERS:
        if start.startswith(mark, place):
            return Problem("file", f"it is {what}.", fix)
    if form is Format.ARROW:
        if limits() is not None:  # how much it unpacks to is not known before
            return Problem("file", "it is an Arrow file.", "Save it as Parquet.")
        known = start.startswith((ARROW, _ARROW_STREAM))
        return None if known else Problem("file", "it is not an Arrow file.", "Check it.")
    if form is Format.PARQUET and not start.startswith(_PARQUET):
        return _text_problem(Format.JSONL, start, "") or Problem(
            "file", "it is not a Parquet file.", "Check it."
        )
    if form is Format.PARQUET:
        return None
    if encoding := _other_encoding(start):
        return Problem("file", f"it is encoded in {encoding}.", "Save it as UTF-8.")
    if form is not Format.JSON and b"\r" in start.rstrip() and b"\n" not in start:
        return Problem("file", "its lines end in CR alone.", f"Save it as {form.words}, in UTF-8.")
    return _text_problem(form, start, name)


def _text_problem(form: Format, start: bytes, name: str) -> Problem | None:
    text = start.removeprefix(BOM).lstrip().decode(errors="replace")
    for begin, what, fix in _TEXTS:
        # A table's header may begin with any word.
        if re.match(begin, text, re.I) and (form is Format.JSONL or begin.startswith("<")):
            return Problem("file", f"it is {what}.", fix)
    if form is Format.JSONL and "." + name.lower().rpartition(".")[2] not in ENDINGS and text[:1] != "{":
        return Problem(
            "file", "it is text, but neither JSON nor a table.", 'Write {"prompt": "..."} on each line.'
        )
    return None


def _other_encoding(start: bytes) -> str | None:
    for mark, what in _ENCODINGS:
        if start.startswith(mark):
            return what
    # Without a mark: JSON and CSV text begins with ASCII, so every other byte is zero.
    pair = start[:2]
    return "UTF-16" if len(pair) == 2 and 0 in pair and pair != b"\x00\x00" else None


def _is_document(file: BinaryIO) -> bool:
    """Whether a file at its start, which begins with an object, is a document of JSON and no JSONL."""
    line = next((line for line in iter(partial(file.readline, MAX_ROW_BYTES), b"") if line.strip()), b"")
    try:
        first = orjson.loads(line)
    except orjson.JSONDecodeError:
        # A row of JSONL ends in a brace; with a comma behind it it is said to.
        line = line.rstrip()
        return line.endswith((b"{", b"[", b",")) and not line.endswith(b"},")
    return bool(row_lists(first)) and not file.read(4096).strip()


def row_lists(document: Mapping[str, Any]) -> list[str]:
    """The keys of an object under which rows stand; none where it is a row itself."""
    if usual_prompt(document) is not None:
        return []
    lists = [key for key, value in document.items() if are_rows(value)]
    if not lists and len(document) == 1:
        lists = [key for key, value in document.items() if isinstance(value, list) and _is_object(value[:1])]
    return lists


def _is_object(first: list[Any]) -> bool:
    return bool(first) and isinstance(first[0], dict)


class RawRow(NamedTuple):
    """The JSON text of one row.

    Attributes
    ----------
    line : int
        Where it stands in the file: line (JSONL, CSV) or row (Parquet, lists), from 1.
    raw : bytes
        The text, with the white space around it.
    offset : int or None
        Where `raw` begins in the file; None if the file does not hold this text (other formats).
    """

    line: int
    raw: bytes
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not even be made into JSON text."""

    line: int
    problems: tuple[Problem, ...]


class JsonlRows:
    """The lines of a file, or those that begin within a range of its bytes.

    Parameters
    ----------
    file : binary file
        Seekable.
    start, end : int
        The range, `end` excluded. Lines are numbered from the range's first one.

    Attributes
    ----------
    number : int
        Lines passed so far, blank ones included.
    """

    def __init__(self, file: BinaryIO, start: int = 0, end: int = sys.maxsize) -> None:
        self._file, self._start, self._end = file, start, end
        self._longest = MAX_ROW_BYTES if (most := limits()) is None else most.row
        self.number = 0

    def __iter__(self) -> Iterator[RawRow | BadRow]:
        """Every line that is not blank. No line is held beyond `MAX_ROW_BYTES`, or `Limits.row`."""
        file, end, longest = self._file, self._end, self._longest
        offset = self._first()
        while offset < end and (raw := file.readline(longest + 2)):
            self.number += 1
            length = len(raw)
            if length > longest and not raw.endswith(b"\n"):
                length += _skip_line(file)
                yield BadRow(self.number, (too_long(length, longest),))
            elif not raw.isspace():
                yield tuple.__new__(RawRow, (self.number, raw, offset))  # half the time of RawRow(...)
            offset += length

    def _first(self) -> int:
        """Go to the first line that begins in the range; its offset."""
        if self._start:
            self._file.seek(self._start - 1)
            return self._start - 1 + _skip_line(self._file)
        self._file.seek(0)
        offset = len(BOM) if self._file.read(len(BOM)) == BOM else 0
        self._file.seek(offset)
        return offset


def _skip_line(file: BinaryIO) -> int:
    """Pass over the rest of a line; its length in bytes."""
    skipped = 0
    while chunk := file.readline(1 << 20):
        skipped += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return skipped


SPLITS, STATE = "dataset_dict.json", "state.json"
"""What ``DatasetDict.save_to_disk`` and ``Dataset.save_to_disk`` leave beside the rows."""
SHOWN = 20


def files_of(folder: Path) -> list[Path]:
    """The files with a folder's rows, in order; of several splits the one named ``train``.

    Raises
    ------
    DatasetError
        It is not clear which files are meant, or one is missing.
    """
    if (folder / SPLITS).is_file():
        splits = [str(name) for name in _read(folder / SPLITS, folder).get("splits") or ()]
        if len(splits) != 1 and "train" not in splits:
            raise _unclear(folder, "it has several splits.", splits)
        return files_of(folder / ("train" if "train" in splits else splits[0]))
    if (folder / STATE).is_file():
        state = _read(folder / STATE, folder)
        if state.get("_indices_data_files"):
            fix = "Save it again with a newer version of datasets, or as Parquet: dataset.to_parquet(path)."
            raise _refused(folder, "its rows are picked by a list of indices.", fix)
        return [folder / Path(entry["filename"]).name for entry in state.get("_data_files") or ()]
    files = sorted(path for path in folder.iterdir() if path.is_file() and _holds_rows(path.name))
    if len({re.sub(r"[-_.]?\d.*", "", path.name) + path.suffix for path in files}) != 1:
        raise _unclear(folder, "it is a folder.", [path.name for path in files])
    return files


def _holds_rows(name: str) -> bool:
    """Whether a file's name ends as one with rows does; those of tools begin with a dot or an underscore."""
    for packed in PACKED_ENDINGS:
        name = name.removesuffix(packed)
    return name.endswith((*ENDINGS,)) and not name.startswith((".", "_"))


def _read(path: Path, folder: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _refused(folder, f"{path.name} in it is not JSON.", "Save the dataset again.") from error
    return document


def _unclear(folder: Path, what: str, names: list[str]) -> DatasetError:
    listed = ", ".join(names[:SHOWN]) + ", ..." * (len(names) > SHOWN)
    fix = (
        f"Name one in it: {listed}."
        if names
        else f"Name one file; those that are read end in {', '.join(ENDINGS)}."
    )
    return _refused(folder, what, fix)


def _refused(folder: Path, what: str, fix: str) -> DatasetError:
    return DatasetError(f"{folder.name or folder} cannot be read.", [Problem("folder", what, fix)])
