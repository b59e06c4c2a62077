"""Which format a file is in, and files that are plainly something else."""

from __future__ import annotations

from enum import StrEnum

from dryrun.core.errors import DatasetError, Problem
from dryrun.dataset.jsonl import BOM


class Format(StrEnum):
    """The formats a dataset can come in."""

    JSONL = "jsonl"
    JSON = "json"
    """One list of rows."""
    CSV = "csv"
    PARQUET = "parquet"

    @property
    def words(self) -> str:
        """Its name in a sentence."""
        return {Format.PARQUET: "Parquet", Format.JSON: "a JSON list"}.get(self, self.value.upper())


ENDINGS = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".json": Format.JSONL,
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}

_PARQUET = b"PAR1"
_ENCODINGS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_ARCHIVES = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
)


def format_of(name: str, start: bytes) -> Format:
    """The format by the name's ending, or by content where the ending says nothing.

    Parameters
    ----------
    name : str
        File name.
    start : bytes
        The file's first bytes, at least four unless it is shorter. Parquet's mark always decides, and
        between JSONL and one list its bracket.
    """
    if start.startswith(_PARQUET):
        return Format.PARQUET
    ending = "." + name.lower().rpartition(".")[2]
    form = ENDINGS.get(ending, Format.JSONL)
    listed = start.removeprefix(BOM).lstrip().startswith(b"[")
    return Format.JSON if form is Format.JSONL and listed else form


def check_start(name: str, form: Format, start: bytes) -> None:
    """Refuse what is plainly not the format.

    Raises
    ------
    DatasetError
        Empty, compressed, in another encoding, or one JSON object over several lines.
    """
    problem = _problem_at_start(form, start)
    if problem is not None:
        raise DatasetError(f"{name} cannot be read as {form.words}.", [problem])


def _problem_at_start(form: Format, start: bytes) -> Problem | None:
    if not start:
        return Problem("file", "it is empty (0 bytes).", "Give at least one row with messages.")
    for mark, what in _ARCHIVES:
        if start.startswith(mark):
            return Problem("file", f"it is a {what} archive.", "Unpack it first.")
    if form is Format.PARQUET:
        return None if start.startswith(_PARQUET) else Problem("file", "it is no Parquet file.", "Check it.")
    if encoding := _other_encoding(start):
        return Problem("file", f"it is encoded in {encoding}.", "Save it as UTF-8.")
    if form is Format.JSONL:
        return _one_object(start.removeprefix(BOM).lstrip())
    return None


def _other_encoding(start: bytes) -> str | None:
    for mark, what in _ENCODINGS:
        if start.startswith(mark):
            return what
    # Without a mark: JSON and CSV text begins with ASCII, so every other byte is zero.
    pair = start[:2]
    return "UTF-16" if len(pair) == 2 and 0 in pair and pair != b"\x00\x00" else None


def _one_object(start: bytes) -> Problem | None:
    if start.split(b"\n", 1)[0].strip() == b"{":
        fix = "Write each object on one line: jq -c . file.json > file.jsonl"
        return Problem("line 1", "an object is spread over several lines, which is not JSONL.", fix)
    return None
