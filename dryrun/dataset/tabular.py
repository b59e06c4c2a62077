"""Parquet and Arrow, turned into JSON text one row at a time.

Columns become keys. Only the columns ``messages``, ``tools`` and ``metadata`` may hold JSON as text;
every other text stays as it is. Arrow's columns are converted one field at a time, which is five times
faster than ``to_pylist``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from dryrun.core.errors import DatasetError, Problem
from dryrun.dataset.columns import ColumnMap
from dryrun.dataset.formats import ARROW, BadRow, Format, RawRow
from dryrun.dataset.limits import limits, unpacked_sizes
from dryrun.dataset.parse import parse_row

JSON_COLUMNS = ("messages", "tools", "metadata")
MAX_GROUP_BYTES = 2 * 1024**3
"""Largest Parquet row group accepted, uncompressed (2 GiB)."""
_BATCH_BYTES = 512 * 1024**2
_BATCH_ROWS = 1024
_OBJECTS_BYTES = 16 * 1024**2  # of Arrow data made into Python objects at once


def json_text(row: Mapping[str, Any]) -> bytes:
    """A row of Python values as JSON text.

    Dates and times become ISO 8601 strings, decimals their digits as a string.

    Raises
    ------
    ValueError, TypeError, RecursionError
        A value JSON cannot say: NaN, bytes, an object that contains itself.
    """
    text = json.dumps(row, ensure_ascii=False, allow_nan=False, default=_plain, separators=(",", ":"))
    return text.encode()


def _plain(value: object) -> object:
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Decimal | timedelta):
        return str(value)
    if callable(item := getattr(value, "tolist", None)):
        return item()  # numpy's scalars and arrays
    if isinstance(value, bytes):
        try:
            return value.decode()  # text that a writer did not mark as such, as Spark's
        except UnicodeDecodeError:
            raise TypeError("bytes that are no text have no JSON form") from None
    raise TypeError(f"{type(value).__name__} values have no JSON form")


_AS_PLAIN = (
    orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS
)


def _quick_json(row: Mapping[str, Any]) -> bytes | None:
    """The same as `json_text`, ten times faster; None if it is not sure to be (NaN becomes null here)."""
    try:
        text = orjson.dumps(row, default=_plain, option=_AS_PLAIN)
    except (TypeError, ValueError):
        return None
    return None if b"null" in text else text


def to_raw_row(line: int, row: Mapping[str, Any]) -> RawRow | BadRow:
    """The JSON text of one row of Python values, or why it has none."""
    if (text := _quick_json(row)) is not None:
        return RawRow(line, text)
    try:
        return RawRow(line, json_text(row))
    except UnicodeEncodeError:
        what = "half of a surrogate pair (\\ud800 to \\udfff) is no character."
        problem = Problem("", what, "Write the character itself, or both halves of the pair.")
    except (TypeError, ValueError) as error:
        reason = "NaN and Infinity are not JSON" if "float values" in str(error) else str(error)
        fix = "Use null, a number or a string, or leave the column out."
        if "bytes" in reason:
            fix = (
                "A picture that the model is to see goes into its message, as an image_url part with a data: "
                "URL; else leave the column out."
            )
        problem = Problem(_culprit(row), f"cannot be written as JSON: {reason}.", fix)
    except RecursionError:
        problem = Problem("", "lists and objects are nested too deep.", "Flatten the row.")
    return BadRow(line, (problem,))


def _culprit(value: object) -> str:
    """The path of the first value that has no JSON form: ``"image.bytes"``, ``"messages[0].content"``."""
    inner = (
        value.items() if isinstance(value, Mapping) else enumerate(value if isinstance(value, list) else ())
    )
    for key, part in inner:
        try:
            json_text({"": part})
        except (TypeError, ValueError):
            place, deeper = f"[{key}]" if isinstance(key, int) else str(key), _culprit(part)
            return f"{place}.{deeper}".replace(".[", "[").rstrip(".")
    return ""


def _from_cell(column: str, text: str) -> Any:
    """The JSON value a text cell holds, or its `Problem`. ``metadata`` may also be plain text."""
    if column == "metadata" and not text.lstrip().startswith(("{", "[")):
        return text
    parsed = parse_row(text.encode("utf-8", errors="surrogatepass"))
    if isinstance(parsed, Problem):
        at = f" at {parsed.where}" if parsed.where else ""
        fix = f"The cell holds no usable JSON{at}." + (f" {parsed.fix}" if parsed.fix else "")
        return Problem(column, parsed.what, fix)
    return parsed[0]


def unpack_cells(line: int, row: dict[str, Any]) -> RawRow | BadRow:
    """The row, with the JSON that stands as text in columns that may hold it; or what is wrong with that."""
    cells = {name: text for name in JSON_COLUMNS if isinstance(text := row.get(name), str)}
    values = {name: _from_cell(name, text) for name, text in cells.items()}
    problems = tuple(value for value in values.values() if isinstance(value, Problem))
    return BadRow(line, problems) if problems else to_raw_row(line, row | values)


# Parquet


def parquet_rows(
    source: Path | BinaryIO, name: str, columns: ColumnMap | None = None, groups: Sequence[int] | None = None
) -> Iterator[RawRow | BadRow]:
    """Every row of a Parquet file, or of some of its row groups, a batch at a time; numbered from 1.

    A null cell or struct field means that the key is absent, because a struct column gives every row
    the fields of all rows. With `columns`, one of its columns must hold the prompt.

    Raises
    ------
    DatasetError
        The file is damaged, too large to unpack, or has no column that holds the prompt.
    """
    yield from _table_rows(_parquet_batches(source, name, columns, groups), name, Format.PARQUET)


def arrow_rows(file: BinaryIO, name: str, columns: ColumnMap | None = None) -> Iterator[RawRow | BadRow]:
    """Every row of an Arrow file or stream, as `parquet_rows` gives them.

    Raises
    ------
    DatasetError
        The file is damaged, or has no column that holds the prompt.
    """
    yield from _table_rows(_arrow_batches(file, name, columns), name, Format.ARROW)


def _table_rows(batches: Iterator[pa.RecordBatch], name: str, form: Format) -> Iterator[RawRow | BadRow]:
    number = 0
    try:
        for batch in batches:
            for row in _batch_rows(batch):
                number += 1
                yield unpack_cells(number, row)
    except (pa.ArrowException, OSError, MemoryError, RecursionError, UnicodeDecodeError) as error:
        raise _damaged(name, form, number, error) from error


def _parquet_batches(
    source: Path | BinaryIO, name: str, columns: ColumnMap | None, groups: Sequence[int] | None
) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(source, thrift_string_size_limit=1 << 26) as file:
        rows = _check_parquet(file, source, name, columns)
        yield from file.iter_batches(batch_size=rows, row_groups=groups, use_threads=False)


def _arrow_batches(file: BinaryIO, name: str, columns: ColumnMap | None) -> Iterator[pa.RecordBatch]:
    whole = file.read(len(ARROW)) == ARROW
    file.seek(0)
    reader = pa.ipc.open_file(file) if whole else pa.ipc.open_stream(file)
    _check_columns(reader.schema.names, name, columns)
    yield from map(reader.get_batch, range(reader.num_record_batches)) if whole else reader


def _check_columns(names: list[str], name: str, columns: ColumnMap | None) -> None:
    if columns is not None and not columns.usable(names):
        raise DatasetError(f"{name} cannot be used: it has no prompts.", [columns.without_prompt(names)])


def _damaged(name: str, form: Format, number: int, error: BaseException) -> DatasetError:
    """The error of a table that cannot be read beyond row `number`."""
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    where = f"row {number + 1}" if number else "file"
    problem = Problem(where, f"{reason[:200]}.", "Write the file again, or use JSONL.")
    return DatasetError(f"{name} cannot be read as {form.words}.", [problem])


def group_sizes(path: Path) -> list[int]:
    """Bytes that each row group of a Parquet file says it unpacks to; empty if it cannot be read."""
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
        return [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]
    except (pa.ArrowException, OSError):
        return []


def _check_parquet(file: Any, source: Path | BinaryIO, name: str, columns: ColumnMap | None) -> int:
    """Refuse what cannot be unpacked safely; how many rows to read at a time."""
    most = limits()
    if most is not None:
        leaves, length = file.metadata.num_columns, file.metadata.num_rows
        most.check(name, "columns", columns=leaves)
        most.check(name, "rows", cells=leaves * length)
    _check_columns(file.schema_arrow.names, name, columns)
    numbers = range(file.metadata.num_row_groups)
    sizes = [file.metadata.row_group(index).total_byte_size for index in numbers]
    if most is not None:
        most.check(name, "row groups", unpacked=sum(sizes))
        sizes += _true_sizes(source, file.metadata, most.unpacked)
        most.check(name, "row groups", unpacked=sum(sizes[len(numbers) :]))
    largest = max(sizes, default=0)
    if largest > MAX_GROUP_BYTES:
        what = f"a row group unpacks to {largest / 1024**3:.1f} GiB, more than {MAX_GROUP_BYTES >> 30} GiB."
        raise DatasetError(
            f"{name} is too large to unpack safely.",
            [Problem("row groups", what, "Write it with smaller row groups, or use JSONL.")],
        )
    # A dictionary lets every row of a batch repeat the group's largest value: bound the product.
    batch = _BATCH_BYTES if most is None else most.batch
    return max(1, min(_BATCH_ROWS, batch // max(largest, 1)))


def _true_sizes(source: Path | BinaryIO, metadata: Any, most: int) -> list[int]:
    if not isinstance(source, Path):
        return unpacked_sizes(source, metadata, most)
    with source.open("rb") as file:
        return unpacked_sizes(file, metadata, most)


def _batch_rows(batch: Any) -> Iterator[dict[str, Any]]:
    step = max(1, batch.num_rows * _OBJECTS_BYTES // max(batch.nbytes, _OBJECTS_BYTES))
    for index in range(0, batch.num_rows, step):
        yield from plain_rows(batch.slice(index, step))


def plain_rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Every row of a batch. A null, of a column or of a struct's field, is a key that is absent.

    Maps become objects; a key that a map has twice keeps its last value.
    """
    names = batch.schema.names
    return _objects(names, [_values(column) for column in batch.columns], batch.num_rows)


def _values(column: pa.Array) -> list[Any]:
    """The values of a column, None for null."""
    kind = column.type
    if pa.types.is_struct(kind):
        names = [kind.field(position).name for position in range(kind.num_fields)]
        rows = _objects(names, [_values(field) for field in column.flatten()], len(column))
        if not column.null_count:
            return list(rows)
        return [
            row if there else None for row, there in zip(rows, column.is_valid().to_pylist(), strict=True)
        ]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = iter(_values(column.flatten()))
        lengths = pc.list_value_length(column).to_pylist()
        return [None if length is None else list(islice(inner, length)) for length in lengths]
    values: list[Any] = column.to_pylist(maps_as_pydicts="lossy")
    plain = pa.types.is_primitive(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return values if plain else [_without_nulls(value) for value in values]


def _objects(names: list[str], columns: list[list[Any]], count: int) -> Iterator[dict[str, Any]]:
    if not columns:
        return ({} for _ in range(count))
    if any(None in column for column in columns):
        return (
            {name: value for name, value in zip(names, row, strict=True) if value is not None}
            for row in zip(*columns, strict=True)
        )
    return (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value
