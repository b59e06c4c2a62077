"""Small files that unpack to large ones, on a server that strangers share."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dryrun.core.errors import DatasetError
from dryrun.dataset import limits, read_dataset
from dryrun.dataset.limits import Limits, unpacked_sizes
from dryrun.dataset.read import first_rows

ROW = '[{"role":"user","content":"hello"}]'


def packed(columns: dict[str, list[str]]) -> bytes:
    """A Parquet file."""
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue()


def keys(count: int) -> dict[str, int]:
    """So many keys beside the messages."""
    return {f"k{number}": number for number in range(count)}


WIDE = json.dumps({"messages": json.loads(ROW), **keys(600)}).encode()
HEADER = ",".join(["prompt", *keys(600)]).encode()
WIDE_ONES = {
    "wide.jsonl": (WIDE, "601 columns, more than 500"),
    "wide.csv": (HEADER + b"\nx" + b"," * 600, "601 columns, more than 500"),
    "wide.parquet": (packed({"prompt": ["x"], **{key: ["1"] for key in keys(600)}}), "601 columns"),
}


def refused(name: str, content: bytes, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is refused with these words on a shared server."""
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    assert len(content) < 20 * 2**20
    with pytest.raises(DatasetError, match="is too large for a shared server") as error:
        read_dataset(content, name)
    assert words in str(error.value)


@pytest.mark.parametrize("name", WIDE_ONES)
def test_a_file_too_wide_for_a_shared_server_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(name, *WIDE_ONES[name], monkeypatch)


@pytest.mark.slow
def test_a_file_too_large_for_a_shared_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    table = packed({"messages": [ROW] * 1_100_000, "a": ["y"] * 1_100_000})
    refused("long.parquet", table, "2,200,000 cells", monkeypatch)
    monkeypatch.setattr(limits, "Limits", lambda: Limits(cells=200_000, unpacked=2**24))
    cell = packed({"prompt": ["x" * 20_000_000]})
    refused("cell.parquet", cell, "19 MiB unpacked, more than 16 MiB", monkeypatch)
    good = b'{"prompt": "x"}\n'
    refused("many.jsonl", good * 200_100, "200,001 cells", monkeypatch)


LONG = {
    "long.jsonl": json.dumps({"prompt": "x" * 3_000_000}).encode(),
    "long.json": json.dumps([{"prompt": "x" * 3_000_000}]).encode(),
    "long.csv": b"prompt\n" + b"x" * 3_000_000,
    "long.parquet": packed({"prompt": ["x" * 3_000_000]}),
}


@pytest.mark.parametrize("name", LONG)
def test_a_row_too_long_for_a_shared_server_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "Limits", lambda: Limits(row=2**20))
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    with pytest.raises(DatasetError, match=r"(line|row) [12]: the row is longer than 1 MiB") as error:
        read_dataset(LONG[name], name)
    assert len(error.value.problems) == 1
    monkeypatch.delenv("DRYRUN_HOSTED")
    assert len(read_dataset(LONG[name], name)) == 1


@pytest.mark.parametrize(("name", "row"), [("bad.jsonl", b"{}\n"), ("bad.csv", b"\xff\n")])
def test_a_shared_server_reads_a_file_of_bad_rows_no_further_than_it_must(
    name: str, row: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "Limits", lambda: Limits(bad_rows=100))
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    content = b"prompt\n" * (name == "bad.csv") + row * 5_000
    with pytest.raises(DatasetError, match="100 problems in 100 rows; nothing was loaded or read further"):
        read_dataset(content, name)
    monkeypatch.delenv("DRYRUN_HOSTED")
    with pytest.raises(DatasetError, match="has 5,000 problems in 5,000 rows; nothing was loaded"):
        read_dataset(content, name)


def test_the_first_rows_of_a_file_are_looked_for_among_its_first() -> None:
    assert first_rows(io.BytesIO(b"{}}\n" * 9 + b'{"prompt": "x"}\n'), "bad.jsonl") == [{"prompt": "x"}]
    file = io.BytesIO(b"{}}\n" * 5_000 + b'{"prompt": "x"}\n')
    assert first_rows(file, "bad.jsonl") == []


def varint(value: int, width: int = 0) -> bytes:
    """A number as Thrift writes it, padded to this many bytes."""
    parts: list[int] = []
    value *= 2
    while value > 127 or len(parts) + 1 < width:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def lying(content: bytes) -> bytes:
    """The Parquet file, whose footer now says that its row group unpacks to 1,000 bytes."""
    metadata = pq.read_metadata(io.BytesIO(content))
    footer = len(content) - 8 - metadata.serialized_size
    for size in {
        metadata.row_group(0).total_byte_size,
        metadata.row_group(0).column(0).total_uncompressed_size,
    }:
        true = varint(size)
        assert content.count(true, footer) > 0
        content = content[:footer] + content[footer:].replace(true, varint(1000, len(true)))
    return content


def test_a_footer_that_lies_about_sizes_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "Limits", lambda: Limits(unpacked=2**20, batch=2**18))
    honest = packed({"prompt": ["x" * 3_000_000]})
    lie = lying(honest)
    assert pq.read_metadata(io.BytesIO(lie)).row_group(0).total_byte_size == 1000
    refused("cell.parquet", lie, "3 MiB unpacked, more than 1 MiB", monkeypatch)
    broken = packed({"prompt": ["y"] * 9})
    broken = broken[:4] + b"\xff" * 20 + broken[24:]
    with pytest.raises(DatasetError, match="there is no page where one must be"):
        read_dataset(broken, "broken.parquet")


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip"])
def test_the_sizes_of_pages_are_read_as_they_are(compression: str) -> None:
    sink = io.BytesIO()
    rows = pa.table({"prompt": [f"p{row}" * 40 for row in range(4_000)], "n": [*range(4_000)]})
    pq.write_table(rows, sink, compression=compression, row_group_size=1_500, data_page_size=4_096)
    metadata = pq.read_metadata(sink)
    told = [metadata.row_group(number).total_byte_size for number in range(3)]
    for true, size in zip(unpacked_sizes(sink, metadata, 2**30), told, strict=True):
        assert 0.8 * size < true <= 1.1 * size + 4 * 1024


@pytest.mark.parametrize("name", ["wide.jsonl", "wide.csv", "wide.parquet"])
def test_on_ones_own_machine_it_is_read(name: str) -> None:
    assert len(read_dataset(WIDE_ONES[name][0], name)) == 1
