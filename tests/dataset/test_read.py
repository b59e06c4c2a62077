"""Datasets: the same rows from any format, and every problem of a bad file named by line and field."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dryrun.core.errors import DatasetError
from dryrun.dataset import Dataset, dataset_from_items, read_dataset
from dryrun.dataset.columns import ColumnMap
from dryrun.dataset.parse import MAX_ROW_BYTES
from tests.helpers.support import sum_rows


def jsonl(rows: list[Any]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def read(content: bytes, name: str = "rows.jsonl", **options: Any) -> Dataset:
    return read_dataset(content, name, **options)


def refusal(content: bytes, name: str = "rows.jsonl", **options: Any) -> str:
    with pytest.raises(DatasetError) as caught:
        read(content, name, **options)
    return str(caught.value)


ROWS = [
    {**row, "metadata": {"level": "hard", "n": number}, "weights": [0.5, 1.0]}
    for number, row in enumerate(sum_rows(20))
]


def parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def csv_text(rows: list[dict[str, Any]], between: str = ",") -> bytes:
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(rows[0]), delimiter=between)
    writer.writeheader()
    for row in rows:
        writer.writerow({k: v if isinstance(v, str) else json.dumps(v) for k, v in row.items()})
    return sink.getvalue().encode()


def test_the_same_rows_from_any_format() -> None:
    """Equal rows, equal fingerprints: what was generated for one file serves the other."""
    simple = [
        {"messages": r["messages"], "reference_answer": "a" + r["reference_answer"], "topic": r["topic"]}
        for r in ROWS
    ]
    found = [
        read(jsonl(simple)),
        read(parquet(simple), "rows.parquet"),
        read(csv_text(simple), "rows.csv"),
        read(csv_text(simple, "\t"), "rows.tsv"),
        read(json.dumps(simple).encode(), "rows.json"),
        read(b"\xef\xbb\xbf\n" + json.dumps(simple, indent=2).encode() + b"\n", "rows.jsonl"),
        dataset_from_items(simple),
    ]
    assert [list(dataset) for dataset in found] == [simple] * 7
    assert len({dataset.ref.fingerprint for dataset in found}) == 1


def test_nested_fields_survive_parquet() -> None:
    assert list(read(parquet(ROWS), "rows.parquet")) == ROWS


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + jsonl(ROWS),
        jsonl(ROWS).replace(b"\n", b"\r\n"),
        jsonl(ROWS).rstrip(b"\n"),
        jsonl(ROWS).replace(b"\n", b"\n\n  \n"),
    ],
)
def test_marks_line_ends_and_blank_lines_change_nothing(content: bytes) -> None:
    assert read(content).ref.fingerprint == read(jsonl(ROWS)).ref.fingerprint


def test_from_a_path_rows_are_read_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(jsonl(ROWS))
    dataset = read_dataset(path, path.name)
    assert dataset[3] == ROWS[3]
    path.write_bytes(jsonl([*ROWS[:3], {**ROWS[4]}, *ROWS[4:]]))
    with pytest.raises(DatasetError, match="changed while it was in use"):
        dataset[3]


GOOD = jsonl(ROWS[:1])
BAD_LINES = [
    (b"{", "line 2"),
    (b'{"messages": [}', "not valid JSON"),
    (b"[1]", "the row is a list"),
    (b"null", "the row is null"),
    (b"{}", "prompt: is missing: none of messages, prompt, problem"),
    (b'{"message": []}', "Did you mean 'message'?"),
    (b'{"messages": []}', "is an empty list"),
    (b'{"messages": [{"role": "user", "content": " "}], "answer": "4"}', "messages[0].content: is empty"),
    (b'{"messages": [{"role": "user", "content": ""}, {"role": "user", "content": ""}]}', "[1].content: is"),
    (b'{"messages": "hi"}', "is a string, not a list"),
    (b'{"messages": ["hi"]}', "messages[0]"),
    (b'{"messages": [{"role": "human", "content": "hi"}]}', "messages[0].role: 'human' is not a role"),
    (b'{"messages": [{"role": "usr", "content": "hi"}]}', "Did you mean 'user'"),
    (b'{"messages": [{"content": "hi"}]}', "messages[0].role: is missing"),
    (b'{"messages": [{"role": "user"}]}', "messages[0].content: is missing"),
    (b'{"messages": [{"role": "user", "content": null}]}', "messages[0].content: is null"),
    (b'{"messages": [{"role": "user", "content": 7}]}', "messages[0].content: is a number"),
    (b'{"messages": [{"role": "user", "content": [{"type": "text"}]}]}', "messages[0].content[0].text"),
    (b'{"messages": [{"role": "user", "content": "x"}], "tools": {}}', "tools: is an object"),
    (b'{"messages": [{"role": "user", "content": "x"}], "tools": [{}]}', "tools[0].type"),
    (b'{"messages": [{"role": "user", "content": "x"}], "a": NaN}', "NaN is not JSON"),
    (b'{"messages": [{"role": "user", "content": "x"}], "a": 1, "a": 2}', "'a' appears twice"),
    (b'{"messages": [{"role": "user", "content": "\\u0022:"}], "a": 1, "a"  :\t2}', "'a' appears twice"),
    (b'{"messages": [{"role": "user", "content": "\\u003A"}], "a": 1, "a": 2}', "'a' appears twice"),
    (b'{"messages": [{"role": "user", "content": "caf\xe9"}]}', "Windows-1252 it would be 'é'"),
    (b'{"messages": [{"role": "user", "content": "a\x00b"}]}', "not valid JSON"),
    (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', "surrogate"),
    (b'{"messages": [], "a": ' + b"[" * 900 + b"]" * 900 + b"}", "levels deep"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "said"), BAD_LINES)
def test_a_bad_line_is_named_with_line_and_field(line: bytes, said: str) -> None:
    text = refusal(GOOD + line + b"\n" + GOOD)
    assert "line 2" in text
    assert said in text
    assert "nothing was loaded" in text


def test_one_bad_line_never_hides_the_others() -> None:
    text = refusal(b"\n".join([GOOD.strip(), *(line for line, _ in BAD_LINES[:12]), b""]))
    places = " ".join(re.findall(r"lines? ([\d, ]+)", text))
    assert sorted(map(int, re.findall(r"\d+", places))) == list(range(2, 14))


def test_problems_of_one_kind_are_one_line_with_a_count_and_the_first_places() -> None:
    """Kinds differ in words, not in numbers: a column within a line or a message's position."""
    bare = [b'{"a": %s]}' % (b"1" * number) for number in range(1, 8)]
    nameless = [
        b'{"messages": [%s{"content": "x"}]}' % (b'{"role": "user", "content": "x"}, ' * n) for n in (0, 3)
    ]
    latin = ['{"prompt": "é"}'.encode("latin-1"), '{"prompt": "für"}'.encode("latin-1")]
    text = refusal(b"\n".join([GOOD.strip(), *bare, *nameless, b"{}", *latin]))
    first, *lines = text.splitlines()
    assert first == "rows.jsonl has 12 problems in 12 rows; nothing was loaded."
    assert [line.split(":")[0].strip() for line in lines] == [
        "7 rows (lines 2, 3, 4, 5, 6, ...), column 8",
        "2 rows (lines 9, 10), messages[0].role",
        "line 11, prompt",
        "2 rows (lines 12, 13), byte 13",
    ]


def test_twenty_kinds_are_spelled_out_and_the_rest_counted() -> None:
    rows = [{"messages": [{"role": "r" + "x" * n, "content": "x"}]} for n in range(30)]
    text = refusal(jsonl(rows * 2))
    assert "60 problems in 60 rows" in text
    assert text.count("is not a role") == 20
    assert text.endswith("... and 10 more")


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "a.jsonl", "empty"),
        (b"\n \n", "a.jsonl", "no row"),
        ("x".encode("utf-16"), "a.jsonl", "UTF-16"),
        (jsonl(ROWS).decode().encode("utf-16-le"), "a.jsonl", "UTF-16"),
        (json.dumps(ROWS).encode()[:-1], "a.json", "a comma or the list's end is missing"),
        (json.dumps(ROWS).encode() + b"\n[1]", "a.json", "line 2, column 1: the file goes on"),
        (json.dumps(ROWS).encode()[:-1] + b",]", "a.json", "is not valid JSON"),
        (b"[" * 100_000, "a.json", "nested too deep"),
        (b'[{"messages": "\xe9"}]', "a.json", "is not UTF-8"),
        (b'[{"messages": [], "messages": []}]', "a.json", "row 1: the key 'messages' appears twice"),
        (b"[ ]", "a.json", "no row"),
        (b"[" + b" " * (64 * 2**20), "a.json", "longer than 64 MiB. Write one object per line"),
        (b"PK\x03\x04xxxx", "a.jsonl", "zip archive"),
        (b"\x1f\x8bxxxxxxx", "a.jsonl.gz", "it cannot be unpacked"),
        (b"PAR1" + b"x" * 100, "a.parquet", "a.parquet"),
        (jsonl(ROWS), "a.parquet", "not a Parquet file"),
        (b"PK\x03\x04xxxx", "a.xlsx", "workbook of a spreadsheet. Save it as CSV"),
        (b"ARROW1\x00\x00", "a.arrow", "cannot be read as Arrow"),
        (b"version https://git-lfs.github.com/spec/v1\noid x", "a.parquet", "it is a pointer of Git LFS"),
        (b"version https://git-lfs.github.com/spec/v1\noid x", "a.jsonl", "Fetch it: git lfs pull"),
        (b"prompt,answer\rx,4\r", "a.csv", "its lines end in CR alone. Save it as CSV, in UTF-8"),
        (b"\xff\xff\xff\xff\x00", "data", "cannot be read as Arrow"),
        (b"x", "a.feather", "it is not an Arrow file"),
        (b"messages,topic\n", "a.csv", "no row"),
        (b"instruction,answer\nx,y\n", "a.csv", "Did you mean 'instruction'?"),
        (b"topic\tprompt\n", "a.csv", "no row"),
        (b"topic,prompt\n", "a.tsv", "no row"),
        (b'{"prompt": "a"},\n', "a.jsonl", "a comma stands behind the object. Leave it out"),
        (b'{"prompt": "a"}{"prompt": "b"}', "a.jsonl", "Write each object on a line of its own"),
        (b'{"prompt": {"0": "a", "1": "b"}}', "a.json", "is a whole column: the file is written by columns"),
        (b"Prompt Text,Answer\nx,y\n", "a.csv", "Did you mean 'Prompt Text'?"),
        (b"topic\tprompt\na\tb\tc\n", "a.tsv", "3 cells where the header names 2 columns"),
        (b'messages\n"[{""role"": ""user"""\n', "a.csv", "line 2"),
    ],
)
def test_a_file_that_is_none_of_the_formats_says_what_it_is(content: bytes, name: str, said: str) -> None:
    assert said in refusal(content, name)


def test_a_row_that_is_too_long_is_refused_without_being_held() -> None:
    line = b'{"messages": [{"role": "user", "content": "' + b"x" * (MAX_ROW_BYTES + 10) + b'"}]}\n'
    text = refusal(GOOD + line + b"{}\n")
    assert "line 2" in text
    assert "32 MiB" in text
    assert "line 3" in text


def test_what_is_legal_but_odd_is_warned_of() -> None:
    rows = [
        *ROWS,
        ROWS[0],
        {"messages": [{"role": "system", "content": "s"}, {"role": "assistant", "content": "a"}]},
    ]
    said = " ".join(read(jsonl(rows)).warnings)
    for part in ("repeating an earlier row exactly (line 21)", "no key beside messages", "developer instead"):
        assert part in said
    assert "last message is not from the user" in said


def test_topics_from_topic_metadata_or_a_picked_field() -> None:
    rows = [
        {"messages": r["messages"], "metadata": {"topic": r["topic"]}, "level": n % 3}
        for n, r in enumerate(ROWS)
    ]
    assert read(jsonl(ROWS)).topics == {"even": 10, "odd": 10}
    assert read(jsonl(rows)).topics == {"even": 10, "odd": 10}
    assert read(jsonl(rows), columns=ColumnMap(topic_field="level")).topics == {"0": 7, "1": 7, "2": 6}
    assert "no row has a value in this field" in refusal(
        jsonl(rows), columns=ColumnMap(topic_field="nothing")
    )


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "answer"]), JSON_VALUES), min_size=1, max_size=5))
def test_every_value_comes_back_as_it_was(extras: list[dict[str, Any]]) -> None:
    rows = [{"messages": [{"role": "user", "content": "x"}], **extra} for extra in extras]
    assert list(read(jsonl(rows))) == rows


def complaint(content: bytes, name: str) -> str:
    """What reading says; "read" if it has nothing to say."""
    try:
        read(content, name)
    except DatasetError as error:
        return str(error)
    return "read"


@settings(max_examples=150)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_words(content: bytes) -> None:
    for name in ("a.jsonl", "a.csv", "a.parquet"):
        assert complaint(content, name)


def test_a_damaged_parquet_file_is_refused_in_words() -> None:
    whole = bytearray(parquet(ROWS))
    rng = random.Random(0)
    for _ in range(30):
        broken = bytearray(whole)
        for _ in range(20):
            broken[rng.randrange(4, len(broken))] = rng.randrange(256)
        said = complaint(bytes(broken), "a.parquet")
        assert said == "read" or "a.parquet" in said


def test_values_of_other_types_have_one_form_in_every_format() -> None:
    """Dates as ISO 8601, decimals as their digits; NaN is refused, and text that says null stays text."""
    row = {
        **ROWS[0],
        "day": date(2026, 11, 24),
        "at": datetime(2026, 11, 24, 15, 0, 0, 250000),
        "price": Decimal("1.50"),
        "said": "null",
        "huge": 2.0**70,
    }
    expected = {**row, "day": "2026-11-24", "at": "2026-11-24T15:00:00.250000", "price": "1.50"}
    assert list(dataset_from_items([row])) == [expected]
    assert list(read(parquet([row]), "rows.parquet")) == [expected]
    with pytest.raises(DatasetError, match="NaN and Infinity are not JSON"):
        dataset_from_items([{**row, "x": float("nan")}])
    assert "NaN and Infinity are not JSON" in refusal(parquet([{**row, "x": float("nan")}]), "rows.parquet")


def test_prompts_as_verl_and_trl_have_them_in_parquet_are_messages() -> None:
    asked = [{"role": "user", "content": "6 * 7?"}]
    rest = {"data_source": "sums", "reward_model": {"style": "rule", "ground_truth": "42"}}
    row = {"prompt": asked, **rest}
    assert list(read(parquet([row]), "rows.parquet")) == [{"messages": asked, **row}]
    assert "holds 2 texts" in refusal(parquet([{"prompt": ["6 * 7?", "6 * 8?"], **rest}]), "rows.parquet")


def test_a_prompt_of_text_stays_beside_the_messages_made_of_it() -> None:
    """TRL and verifiers hand over strings for text and messages for messages."""
    row = {"prompt": "6 * 7?", "answer": "42"}
    expected = {"messages": [{"role": "user", "content": "6 * 7?"}], **row}
    assert list(read(parquet([row]), "rows.parquet")) == [expected]
    assert list(read(b"prompt,answer\n6 * 7?,42\n", "rows.csv")) == [expected]


def test_parquet_rows_come_back_in_order_across_batches_and_row_groups() -> None:
    rows = sum_rows(3000)
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink, row_group_size=700)
    assert list(read(sink.getvalue(), "rows.parquet")) == rows


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("https://example.org/rows.jsonl", "hf://datasets/owner/name"),
        ("-", "Standard input is not read"),
        ("rows-*.jsonl", "name one file"),
        (".", "it is a folder. Name one file; those that are read end in .jsonl"),
        ("rows.jsonl", "Check the path"),
    ],
)
def test_a_path_that_is_no_file_says_what_to_give(
    path: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match=said):
        read_dataset(Path(path), "rows")
