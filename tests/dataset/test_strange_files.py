"""Files that are something else, or another format than their name says: read, or named for what they are."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dryrun.core.errors import DatasetError
from dryrun.dataset import read_dataset
from dryrun.dataset.read import first_rows

ROWS = [{"question": f"{number} + 1?", "answer": str(number + 1)} for number in range(3)]
VIEWED = [{"row_idx": 0, "row": row, "truncated_cells": []} for row in ROWS]
"""As the viewer of the Hugging Face Hub sends rows."""
LINES = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


def refusal(content: bytes, name: str) -> str:
    with pytest.raises(DatasetError) as caught:
        read_dataset(content, name)
    return str(caught.value)


def packed() -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as archive:
        entry = tarfile.TarInfo("rows.jsonl")
        entry.size = len(LINES)
        archive.addfile(entry, io.BytesIO(LINES))
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"<!DOCTYPE html>\n<html>", "rows.jsonl", "it is a web page"),
        (b"\n<HTML>", "rows.csv", "it is a web page"),
        (b"<!doctype html>", "rows.parquet", "it is a web page"),
        (b"<?xml version='1.0'?>", "rows.xml", "it is XML"),
        (b"- question: 1 + 1?\n  answer: 2\n", "rows.yaml", "it is YAML"),
        (b"def grade(sample, item):\n", "reward.py", "it is Python code. Give a grader as the grader"),
        (b"import re\n", "reward", "it is Python code"),
        (b"{'question': '1 + 1?'}\n", "rows.jsonl", "it is in Python's spelling, not JSON"),
        (b"What is 1 + 1?\nAnd 2 + 1?\n", "prompts.txt", "it is text, but neither JSON nor a table"),
        (packed(), "rows.tar.gz", "it is a tar archive. Unpack it first"),
        (b"7z\xbc\xaf\x27\x1c", "rows.7z", "it is a 7z archive"),
        (b"\x04\x22\x4d\x18", "rows.jsonl.lz4", "it is an lz4 archive"),
        (b"PARE" + bytes(20), "rows.parquet", "it is an encrypted Parquet file"),
        (b"ORC\x08", "rows.orc", "it is an ORC file"),
        (b"Obj\x01\x04", "rows.avro", "it is an Avro file"),
        (b"\x93NUMPY\x01", "rows.npy", "it is a NumPy array"),
        (b"\x89HDF\r\n", "rows.h5", "it is an HDF5 file"),
        (bytes(8) + b"DUCK", "rows.duckdb", "it is a DuckDB database"),
        (b"\x80\x05\x95", "rows.pkl", "it is a Python pickle"),
        (b"%PDF-1.7", "rows.pdf", "it is a PDF"),
        (b"\x00\x05\x16\x07\x00\x02", "._rows.jsonl", "without ._ in front"),
        (LINES.replace(b"\n", b"\r"), "rows.jsonl", "its lines end in CR alone"),
        (LINES + bytes(512), "rows.jsonl", "line 4, column 1: zero bytes stand where text must be"),
        (b'question\n"say \\"hi\\""\n', "rows.csv", "Within quotes a quote is written twice"),
        (json.dumps({"0": ROWS[0], "1": ROWS[1]}).encode(), "rows.json", "0: is a whole row"),
    ],
)  # fmt: skip
def test_what_is_something_else_is_named(content: bytes, name: str, words: str) -> None:
    assert words in refusal(content, name)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "grader",
    [
        {"type": "string_check", "name": "x", "operation": "eq", "input": "{{sample.output_text}}"},
        {"type": "multi", "graders": {}, "calculate_output": "a"},
    ],
)
def test_a_grader_is_no_dataset(grader: dict[str, Any], indent: int | None) -> None:
    words = refusal(json.dumps(grader, indent=indent).encode(), "grader.json")
    assert "this is a grader, not a row. Give it as the grader" in words


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (LINES, "rows.csv"),
        (json.dumps(ROWS).encode(), "rows.tsv"),
        (b"question,answer\n0 + 1?,1\n1 + 1?,2\n2 + 1?,3\n", "rows.jsonl"),
        (b"\xef\xbb\xbf\"question\";\"answer\"\r\n0 + 1?;1\r\n1 + 1?;2\r\n2 + 1?;3\r\n", "rows.txt"),
        (b"\n\nquestion;answer\n0 + 1?;1\n1 + 1?;2\n2 + 1?;3\n", "rows.csv"),
        (json.dumps({"features": [{"name": "question"}], "rows": VIEWED}).encode(), "rows"),
    ],
)  # fmt: skip
def test_what_a_file_holds_counts_more_than_its_name(content: bytes, name: str) -> None:
    assert read_dataset(content, name).ref.fingerprint == read_dataset(LINES, "rows.jsonl").ref.fingerprint


def test_rows_that_the_hubs_viewer_has_cut_off_are_refused() -> None:
    rows = [VIEWED[0], {**VIEWED[1], "truncated_cells": ["question"]}]
    words = refusal(json.dumps({"features": [], "rows": rows}).encode(), "rows.json")
    assert "the Hub's viewer has cut off ['question']. Take the whole dataset" in words
    assert "row 2" in words
    cut_first = refusal(json.dumps({"features": [], "rows": rows[::-1]}).encode(), "rows.json")
    assert "the Hub's viewer has cut off ['question']" in cut_first


def test_newer_kinds_of_arrow_columns_are_read() -> None:
    """As polars writes them."""
    text = pa.string_view()
    table = pa.table(
        {
            "question": pa.array(["1 + 1?", "2 + 1?"], text),
            "answer": pa.array([b"2", b"3"], pa.binary_view()),
            "tags": pa.array([[{"a": "x"}], []], pa.list_view(pa.struct([("a", text)]))),
            "topic": pa.RunEndEncodedArray.from_arrays([2], ["sums"]),
        }
    )
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    assert first_rows(sink.getvalue(), "rows.arrow") == [
        {"question": "1 + 1?", "answer": "2", "tags": [{"a": "x"}], "topic": "sums"},
        {"question": "2 + 1?", "answer": "3", "tags": [], "topic": "sums"},
    ]


TOWN = 'The town of "Osloville" was founded in 1407 by an explorer.'


@pytest.mark.parametrize(
    ("row", "hidden"),
    [
        ({"question": "Capital of France?", "choices": ["Paris", "Rome"], "answer": 0}, True),
        ({"question": "Capital?", "choices": {"text": ["Paris", "Rome"], "label": ["A", "B"]}}, True),
        ({"question": "Capital? A) Paris B) Rome", "options": ["Paris", "Rome"], "answer": "A"}, False),
        ({"question": "Capital of France?", "options": "none", "choices": []}, False),
        ({"question": "When was it founded?", "context": f"{TOWN}\nIt lies\non a river."}, True),
        ({"prompt": f"{TOWN}\n\nWhen was it founded?", "passage": TOWN}, False),
        ({"question": "1 + 1?", "context": "a sum"}, False),
        ({"question": "1 + 1?", "system_prompt": "You are a most careful clerk."}, True),
        ({"contents": [{"parts": [{"text": "1 + 1?"}]}], "systemInstruction": "Do take care of it."}, False),
    ],
)
def test_choices_and_texts_that_the_prompt_does_not_show_are_noted(row: dict[str, Any], hidden: bool) -> None:
    notes = read_dataset(json.dumps(row).encode(), "rows.jsonl").warnings
    words = "1 row with choices, a context or a system prompt that the prompt does not show"
    assert any(words in note for note in notes) == hidden


@pytest.mark.parametrize("content", [LINES, gzip.compress(LINES, mtime=0)], ids=["lines", "gzip"])
def test_a_pipe_is_read(content: bytes, tmp_path: Path) -> None:
    """As a shell gives one: ``--dataset <(zcat rows.jsonl.gz)``."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    dataset = read_dataset(pipe, pipe.name)
    writer.join()
    assert [row["answer"] for row in dataset] == ["1", "2", "3"]


def test_a_path_that_no_system_takes_is_refused_in_words() -> None:
    with pytest.raises(DatasetError, match="File name too long"):
        read_dataset(Path("a" * 5000), "rows.jsonl")
