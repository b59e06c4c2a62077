"""JSON documents: rows one level down, objects over several lines, and what is no document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dryrun.core.errors import DatasetError
from dryrun.dataset import read_dataset
from dryrun.dataset.read import first_rows

ROWS = [{"question": f"{number} + 1?", "answer": str(number + 1)} for number in range(3)]
NAMELESS = [{"ask": f"{number} + 1?", "gold": str(number + 1)} for number in range(3)]


def text(document: Any, indent: int | None = None) -> bytes:
    return json.dumps(document, indent=indent).encode()


DOCUMENTS = {
    "data": {"data": ROWS},
    "beside other keys": {"version": "1.1", "license": {"name": "MIT"}, "examples": ROWS, "canary": "x"},
    "a schema, as pandas writes one": {"schema": {"fields": [{"name": "question"}]}, "data": ROWS},
    "empty lists beside it": {"errors": [], "rows": ROWS, "tags": ["a", "b"]},
    "a list of other objects beside it": {"features": [{"name": "question"}], "rows": ROWS},
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_rows_one_level_down_are_the_rows(document: Any, indent: int | None, tmp_path: Path) -> None:
    plain = read_dataset(text(ROWS), "rows.json").ref.fingerprint
    content = text(document, indent)
    path = tmp_path / "rows.json"
    for written in (content, b"\xef\xbb\xbf" + content + b"\n", content.replace(b"\n", b"\r\n")):
        path.write_bytes(written)
        assert read_dataset(path, path.name).ref.fingerprint == plain
        assert read_dataset(written, "rows.jsonl").ref.fingerprint == plain
    assert first_rows(content, "rows.json") == ROWS


def test_under_a_single_key_the_fields_need_no_usual_name() -> None:
    assert first_rows(text({"train": NAMELESS}), "rows.json") == NAMELESS


def test_objects_over_several_lines_are_rows() -> None:
    """As ``jq .`` writes JSONL."""
    content = b"\n".join(text(row, indent=2) for row in ROWS)
    assert first_rows(content, "rows.jsonl") == ROWS
    assert first_rows(text(ROWS[0], indent=2), "row.json") == ROWS[:1]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "1 + 1?", "examples": ROWS},
        {"messages": [{"role": "user", "content": "1 + 1?"}], "data": ROWS},
        {"text": "1 + 1?", "choices": [{"label": "A"}, {"label": "B"}]},
    ],
)
def test_a_row_that_holds_a_list_stays_a_row(row: dict[str, Any]) -> None:
    assert first_rows(text(row), "rows.jsonl") == [row]
    assert first_rows(text(row, 2), "rows.json") == [row]


def test_lines_that_each_hold_a_list_stay_lines() -> None:
    content = text({"data": ROWS}) + b"\n" + text({"data": ROWS})
    with pytest.raises(DatasetError, match="The rows seem to stand within 'data'"):
        read_dataset(content, "rows.jsonl")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            text({"train": ROWS, "test": ROWS}),
            r"several lists of rows: 'train', 'test'.*jq -c '.\[\"train\"\]",
        ),
        (text({"data": ROWS}, 2)[:-9], "a.json cannot be read as a JSON document"),
        (text({"data": ROWS}, 2)[:-1], "line 16, column 1: a comma or the object's end is missing"),
        (b'{\n "data" [\n]}', "line 2, column 9: a colon is missing"),
        (b'{\n "version": "1",\n "data": [{"question": "x"}],\n}', "line 4, column 1: is not valid JSON"),
        (b'{"data": [\n', "line 2, column 1: is not valid JSON"),
        (
            text(ROWS) + b"\n" + text(ROWS),
            "line 2, column 1: the file goes on .*JSONL has an object on each line",
        ),
    ],
)
def test_a_document_that_is_torn_or_unclear_is_refused_by_its_place(content: bytes, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        read_dataset(content, "a.json")
