"""Small files that unpack to large ones, on a server that strangers share."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dryrun.core.errors import DatasetError
from dryrun.dataset import read_dataset

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
    cell = packed({"prompt": ["x" * 300_000_000]})
    refused("cell.parquet", cell, "286 MiB unpacked, more than 256 MiB", monkeypatch)
    refused("bad.jsonl", b"{}\n" * 2_000_100, "2,000,001 cells", monkeypatch)


@pytest.mark.parametrize("name", ["wide.jsonl", "wide.csv", "wide.parquet"])
def test_on_ones_own_machine_it_is_read(name: str) -> None:
    assert len(read_dataset(WIDE_ONES[name][0], name)) == 1
