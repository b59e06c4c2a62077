"""Files as people have them: packed, by other separators, with an index, from Spark and pandas."""

from __future__ import annotations

import bz2
import gzip
import json
import re
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from dryrun.core.errors import DatasetError
from dryrun.dataset import dataset_from_items, read_dataset
from dryrun.dataset.read import first_rows

ROWS = [{"prompt": f"What is {n} + 1?", "reference_answer": str(n + 1)} for n in range(5)]
JSONL = b"".join(orjson.dumps(row) + b"\n" for row in ROWS)


def separated(between: str, header: str = "prompt,reference_answer") -> bytes:
    lines = [header, *(f'"{row["prompt"]}","{row["reference_answer"]}"' for row in ROWS)]
    return "\n".join(lines).replace(",", between).encode()


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue().to_pybytes())


def arrow(*, stream: bool) -> bytes:
    table, sink = pa.Table.from_pylist(ROWS), pa.BufferOutputStream()
    if stream:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    else:
        feather.write_feather(table, sink)
    return bytes(sink.getvalue().to_pybytes())


FILES = {
    "rows.jsonl.gz": gzip.compress(JSONL),
    "rows.jsonl.bz2": bz2.compress(JSONL),
    "rows.jsonl.zst": zstd(JSONL),
    "rows.csv.gz": gzip.compress(separated(",")),
    "rows.json.gz": gzip.compress(orjson.dumps(ROWS)),
    "packed.jsonl": gzip.compress(JSONL[:40]) + gzip.compress(JSONL[40:]),
    "rows.feather": arrow(stream=False),
    "rows.arrow": arrow(stream=True),
    "semicolons.csv": separated(";"),
    "tabs.csv": separated("\t"),
    "bars.csv": separated("|"),
    "commas.tsv": separated(","),
    "excel.csv": b"sep=;\r\n" + separated(";"),
    "spaces.csv": separated(",", " prompt , reference_answer"),
    "trailing.csv": separated(",").replace(b"\n", b",\n") + b",",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("uploaded", [True, False])
def test_rows_are_the_same_in_every_file(name: str, uploaded: bool, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    dataset = read_dataset(FILES[name] if uploaded else tmp_path / name, name)
    plain = read_dataset(JSONL, "rows.jsonl")
    assert list(dataset) == list(plain)
    assert len(dataset) == 5
    assert dataset.ref.fingerprint == plain.ref.fingerprint
    assert first_rows(FILES[name], name)[0] == ROWS[0]


def test_a_column_without_a_name_is_left_out() -> None:
    content = b',prompt,reference_answer\n0,"1 + 1?",2\n1,"1 + 2?",3\n'
    assert first_rows(content, "index.csv")[1] == {"prompt": "1 + 2?", "reference_answer": "3"}


def parquet(**columns: object) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue().to_pybytes())


def test_text_that_is_not_marked_as_text_is_text() -> None:
    content = parquet(prompt=pa.array([b"1 + 1?", "1 + é?".encode()]), reference_answer=["2", "3"])
    assert [row["prompt"] for row in first_rows(content, "spark.parquet")] == ["1 + 1?", "1 + é?"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (pa.array([{"bytes": b"\x89PNG"}]), "bytes that are no text have no JSON form"),
        (pa.array([float("nan")]), "NaN and Infinity are not JSON"),
    ],
)
def test_the_column_that_has_no_json_form_is_named(values: pa.Array, words: str) -> None:
    with pytest.raises(DatasetError) as caught:
        read_dataset(parquet(prompt=["1 + 1?"], picture=values), "rows.parquet")
    assert re.search(rf"row 1, picture(\.bytes)?: cannot be written as JSON: {words}\.", str(caught.value))
    assert "leave the column out" in str(caught.value)


def test_a_picture_within_messages_is_named_by_its_place() -> None:
    """As Hugging Face's datasets keep pictures; a text beside it is no reason to leave it out unseen."""
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image", "image": {"bytes": b"\x89PNG\r\n"}}]
    content = parquet(messages=[[{"role": "user", "content": parts}]])
    with pytest.raises(
        DatasetError, match=r"messages\[0\].content\[1\].image.bytes: .*an image_url part with"
    ):
        read_dataset(content, "rows.parquet")


@pytest.mark.parametrize(
    "part", [{"type": "image"}, {"type": "image", "image": "file:///a.png"}, {"type": "image_url"}]
)
def test_a_picture_that_is_not_there_is_refused_and_a_url_is_kept(part: dict[str, Any]) -> None:
    there = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    for parts in ([part], [{"type": "text", "text": "What is it?"}, part]):
        with pytest.raises(DatasetError, match=r"content\[\d\]: is an image part that no endpoint takes"):
            dataset_from_items([{"messages": [{"role": "user", "content": parts}]}])
    row = {"messages": [{"role": "user", "content": [{"type": "text", "text": "What?"}, there]}], "a": "1"}
    assert list(read_dataset(json.dumps(row).encode(), "rows.jsonl")) == [row]
    assert list(read_dataset(parquet(**{name: [value] for name, value in row.items()}), "a.parquet")) == [row]


@pytest.mark.parametrize(
    "content",
    [gzip.compress(JSONL)[:-9], zstd(JSONL)[:-9], b"BZh9" + bytes(30)],
    ids=["gzip", "zstd", "bzip2"],
)
def test_a_packed_file_that_is_cut_off_is_refused(content: bytes) -> None:
    with pytest.raises(DatasetError, match="it cannot be unpacked"):
        read_dataset(content, "rows.jsonl.gz")


@pytest.mark.slow
def test_a_shared_server_unpacks_no_more_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    bomb = gzip.compress(bytes(300 * 2**20), 1)
    with pytest.raises(DatasetError, match="257 MiB unpacked, more than 256 MiB"):
        read_dataset(bomb, "bomb.jsonl.gz")
    with pytest.raises(DatasetError, match="it is an Arrow file"):
        read_dataset(FILES["rows.feather"], "rows.feather")


def test_a_quote_that_never_closes_is_refused_on_a_shared_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    with pytest.raises(DatasetError, match="line 2: is not valid CSV"):
        read_dataset(b'prompt,reference_answer\n"' + b"a" * 5_000_000, "quote.csv")
