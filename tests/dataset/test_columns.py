"""Rows as many tools lay them out: the prompt is found or named, the same from every format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dryrun.core.errors import DatasetError, Problem
from dryrun.dataset import Dataset, dataset_from_items, parallel, read_dataset
from dryrun.dataset.columns import BY_NAME, ColumnMap, prompt_candidates, shaped
from dryrun.dataset.fields import PROMPTS
from dryrun.dataset.parallel import read_large
from dryrun.dataset.read import first_rows

QUESTION = "How many legs have 3 cats?"
ASKED = [{"role": "user", "content": QUESTION}]
TURNS = [
    {"from": "system", "value": "Count."},
    {"from": "human", "value": QUESTION},
    {"from": "gpt", "value": "12"},
]
NESTED = {"request": {"turns": ASKED, "id": 7}, "truth": {"value": "12"}, "level": "easy"}


def jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow({k: v if isinstance(v, str) else json.dumps(v) for k, v in row.items()})
    return sink.getvalue().encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def in_every_format(rows: list[dict[str, Any]]) -> list[Dataset]:
    """The rows from JSONL, one JSON list, CSV, Parquet and Python."""
    return [
        read_dataset(jsonl(rows), "rows.jsonl"),
        read_dataset(json.dumps(rows).encode(), "rows.json"),
        read_dataset(as_csv(rows), "rows.csv"),
        read_dataset(as_parquet(rows), "rows.parquet"),
        dataset_from_items(rows, "rows"),
    ]


def refusal(content: bytes, name: str = "rows.jsonl", columns: ColumnMap = BY_NAME) -> str:
    with pytest.raises(DatasetError) as caught:
        read_dataset(content, name, columns)
    return str(caught.value)


def test_a_prompt_within_the_request_that_nemo_gym_keeps_is_read() -> None:
    rows = [{"responses_create_params": {"input": ASKED}, "expected_answer": "12"}]
    for dataset in (read_dataset(jsonl(rows), "rows.jsonl"), read_dataset(as_parquet(rows), "rows.parquet")):
        [row] = dataset
        assert (row["messages"], row["expected_answer"]) == (ASKED, "12")
    [beside] = dataset_from_items([{"question": "Is 3 odd?", **rows[0]}])
    assert beside["messages"][0]["content"] == "Is 3 odd?"


@pytest.mark.parametrize("name", [name for name in PROMPTS if name not in ("messages", "conversations")])
@pytest.mark.parametrize("value", [QUESTION, ASKED], ids=["text", "messages"])
def test_a_prompt_under_a_usual_name_loads_from_every_format(name: str, value: Any) -> None:
    """The row keeps its own field, which graders may read; only messages are added."""
    rows = [{name: value, "answer": "12 legs"}]
    read = in_every_format(rows)
    assert [list(dataset) for dataset in read] == [[{"messages": ASKED, **rows[0]}]] * 5
    assert len({dataset.ref.fingerprint for dataset in read}) == 1


def test_a_conversation_is_asked_up_to_its_answer_which_is_the_reference() -> None:
    asked = [{"role": "system", "content": "Count."}, *ASKED]
    expected = {"messages": asked, "conversations": TURNS, "reference_answer": "12"}
    rows = [{"conversations": TURNS}]
    assert [list(dataset) for dataset in in_every_format(rows)] == [[expected]] * 5
    [own] = dataset_from_items([{"conversations": TURNS, "answer": "twelve"}])
    assert "reference_answer" not in own
    talk = [*asked, {"role": "assistant", "content": "12"}]
    [chat] = dataset_from_items([{"conversations": talk}])
    assert (chat["messages"], chat["reference_answer"]) == (asked, "12")


@pytest.mark.parametrize(
    ("last", "more", "asked", "reference"),
    [
        ("3 * 4 = 12. The answer is 12.", {"answer": "12"}, True, None),
        ("3 * 4 = 12.", {}, True, "3 * 4 = 12."),
        ("3 * 4 = 12.", {"solution": "3 * 4 = 12."}, True, None),
        ("Let me think.\n<think>", {"answer": "12"}, False, None),
        ("Let me think.\n<think>", {"tests": ["12"]}, False, None),
        ("Let me count the legs.", {"answer": "12"}, False, None),
    ],
)
def test_rows_for_sft_are_asked_up_to_their_answer(
    last: str, more: dict[str, Any], asked: bool, reference: str | None
) -> None:
    """Another last text of the assistant is sent, as what each response begins with."""
    messages = [*ASKED, {"role": "assistant", "content": last}]
    for dataset in in_every_format([{"messages": messages, **more}]):
        [row] = dataset
        assert row["messages"] == (ASKED if asked else messages)
        assert row.get("reference_answer") == reference


def test_a_conversation_of_answers_alone_is_refused() -> None:
    said = refusal(jsonl([{"conversations": [{"from": "gpt", "value": "12"}]}]))
    assert "line 1, conversations: holds no turn of the user" in said
    odd = refusal(jsonl([{"conversations": [{"from": "narrator", "value": "Once"}]}]))
    assert "conversations[0].role: 'narrator' is not a role" in odd


def test_messages_come_before_every_other_name_and_empty_ones_are_passed_over() -> None:
    [row] = dataset_from_items([{"prompt": "other", "messages": ASKED}])
    assert row == {"prompt": "other", "messages": ASKED}
    [row] = dataset_from_items([{"prompt": "", "question": QUESTION}])
    assert row["messages"] == ASKED


ALPACA = [
    {"instruction": "Count the legs of these animals.", "input": "three cats", "output": "12"},
    {"instruction": "Name a prime.", "input": "", "output": "7"},
]


def test_an_instruction_and_what_it_is_about_are_one_prompt() -> None:
    for dataset in in_every_format(ALPACA):
        first, second = dataset
        assert first["messages"][0]["content"] == "Count the legs of these animals.\n\nthree cats"
        assert second["messages"][0]["content"] == "Name a prime."
        assert (first["reference_answer"], first["instruction"]) == ("12", ALPACA[0]["instruction"])
    [named] = dataset_from_items(ALPACA[:1], columns=ColumnMap(prompt_field="instruction"))
    assert named["messages"][0]["content"] == ALPACA[0]["instruction"]
    unanswered = {"instruction": "Count the legs of these animals.", "input": "three cats"}
    assert "Did you mean 'instruction'" in refusal(jsonl([unanswered]))


def test_rows_of_openais_evals_stand_within_item() -> None:
    rows: list[dict[str, Any]]
    rows = [{"item": {"question": QUESTION, "answer": "12"}}, {"item": {"messages": ASKED, "answer": "1"}}]
    first, second = read_dataset(jsonl(rows), "rows.jsonl")
    assert first == {"messages": ASKED, "question": QUESTION, "answer": "12"}
    assert second == {"messages": ASKED, "answer": "1"}
    [table] = read_dataset(as_parquet(rows[:1]), "rows.parquet")
    assert table == first
    [named] = read_dataset(jsonl(rows[:1]), "rows.jsonl", ColumnMap(prompt_field="item.question"))
    assert (named["messages"], named["item"]) == (ASKED, rows[0]["item"])
    assert "none of messages, prompt" in refusal(jsonl([{"item": {"ticket": "Late."}}]))


BY_COLUMNS = [
    ({"prompt": ["a", "b"], "answer": ["1", "2"]}, "prompt: holds 2 texts, not one. Give one text a row."),
    ({"columns": ["prompt"], "index": [0], "data": [["a"]]}, "the file is written as pandas splits one"),
]


@pytest.mark.parametrize(("document", "words"), BY_COLUMNS)
def test_a_file_that_is_written_by_columns_is_said_to_be(document: dict[str, Any], words: str) -> None:
    assert words in refusal(jsonl([document]))
    assert "orient='records'" in refusal(jsonl([document]))


def test_named_fields_go_where_prompt_reference_and_topic_are_looked_for() -> None:
    columns = ColumnMap("request.turns", "truth.value", "level", "Be brief.")
    for dataset in (
        read_dataset(jsonl([NESTED]), "rows.jsonl", columns),
        read_dataset(as_parquet([NESTED]), "rows.parquet", columns),
        dataset_from_items([NESTED], "rows", columns),
    ):
        assert list(dataset) == [
            {
                "messages": [{"role": "system", "content": "Be brief."}, *ASKED],
                **NESTED,
                "reference_answer": "12",
            }
        ]
        assert dataset.topics == {"easy": 1}
        ref = dataset.ref
        named = (ref.prompt_field, ref.reference_field, ref.topic_field, ref.system)
        assert named == ("request.turns", "truth.value", "level", "Be brief.")


def test_a_named_reference_never_replaces_what_the_grader_reads_in_training() -> None:
    row = {"messages": ASKED, "reference_answer": "12", "gold": "twelve"}
    [read] = dataset_from_items([row], columns=ColumnMap(reference_field="gold"))
    assert read == row


def test_text_in_front_joins_a_system_message_that_is_there() -> None:
    row = {"messages": [{"role": "system", "content": "Own."}, *ASKED]}
    [read] = dataset_from_items([row], columns=ColumnMap(system="First."))
    assert read["messages"] == [{"role": "system", "content": "First.\n\nOwn."}, *ASKED]


@pytest.mark.parametrize(
    ("row", "columns", "said"),
    [
        ({"prompt": " "}, BY_NAME, "line 1, prompt: is empty"),
        ({"prompt": 7}, BY_NAME, "line 1, prompt: is a number, neither text nor a list of messages"),
        ({"question": []}, BY_NAME, "line 1, question: is an empty list"),
        ({"prompt": "[{'role': 'user', 'content': 'x'}]"}, BY_NAME, "in Python's spelling, not JSON"),
        ({"question": QUESTION}, ColumnMap("qestion"), "line 1, qestion: is missing"),
        ({"question": QUESTION}, ColumnMap("qestion"), "Did you mean 'question'?"),
        ({"request": {"turns": ASKED}}, BY_NAME, "Did you mean 'request.turns'?"),
        ({"prompt": "x"}, ColumnMap(reference_field="gold"), "gold: no row has a value in this field"),
    ],
)
def test_what_is_no_prompt_is_said_with_a_likely_cure(
    row: dict[str, Any], columns: ColumnMap, said: str
) -> None:
    assert said in refusal(jsonl([row]), columns=columns)


@pytest.mark.parametrize("write", [as_csv, as_parquet])
def test_a_table_without_a_prompt_is_refused_by_its_columns(write: Any) -> None:
    name = "rows.csv" if write is as_csv else "rows.parquet"
    content = write([{"user_prompt": QUESTION, "gold": "12"}])
    assert "Did you mean 'user_prompt'?" in refusal(content, name)
    assert "no column 'qestion' for the prompt" in refusal(content, name, ColumnMap("qestion"))
    [row] = read_dataset(content, name, ColumnMap("user_prompt", "gold"))
    assert (row["messages"], row["reference_answer"]) == (ASKED, "12")


def test_a_text_that_only_begins_like_a_list_stays_text() -> None:
    for text in ("[{x}] is what?", '[{"a": 1}]'):
        [row] = dataset_from_items([{"prompt": text}])
        assert row["messages"] == [{"role": "user", "content": text}]


def test_candidates_are_messages_then_likely_names_then_longer_text() -> None:
    row = {"note": "one two three", "task_text": "x", "answer": "a b c d", "chat": ASKED, "n": 3}
    assert prompt_candidates(row) == ["chat", "task_text", "note"]


def test_first_rows_come_as_the_file_has_them_whatever_they_are() -> None:
    rows = [{"whatever": number} for number in range(9)]
    for content, name in ((jsonl(rows), "a.jsonl"), (as_parquet(rows), "a.parquet")):
        assert first_rows(content, name, 2) == rows[:2]
    assert first_rows(as_csv(rows), "a.csv", 2) == [{"whatever": "0"}, {"whatever": "1"}]
    assert shaped(rows[0], ColumnMap("whatever")).what == "is a number, neither text nor a list of messages."


@pytest.mark.slow
def test_several_processes_read_named_fields_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "PART_BYTES", 2000)
    monkeypatch.setattr(parallel, "processors", lambda: 3)
    rows = [{"ask": f"{QUESTION} {n}", "gold": str(n) if n % 2 else None, "level": n % 3} for n in range(200)]
    columns = ColumnMap("ask", "gold", "level", "Be brief.")
    path = tmp_path / "rows.jsonl"
    path.write_bytes(jsonl(rows))
    parts, whole = read_large(path, path.name, columns), read_dataset(jsonl(rows), path.name, columns)
    assert parts is not None
    assert list(parts) == list(whole)
    assert (parts.ref, parts.warnings, parts.topics) == (whole.ref, whole.warnings, whole.topics)
    assert "100 rows without a value in the field picked for reference answers" in " ".join(whole.warnings)


def test_messages_as_the_text_of_a_list_are_read() -> None:
    row = shaped({"messages": '[{"role": "user", "content": "2 + 2"}]', "answer": "4"}, BY_NAME)
    assert row == {"messages": [{"role": "user", "content": "2 + 2"}], "answer": "4"}
    assert shaped({"messages": "2 + 2"}, BY_NAME) == {"messages": "2 + 2"}  # refused by the check of rows


def test_rows_within_an_object_are_pointed_at() -> None:
    problem = shaped({"version": "1", "data": [{"question": "2 + 2", "answer": "4"}]}, BY_NAME)
    assert isinstance(problem, Problem)
    assert problem.fix == "The rows seem to stand within 'data': give that list alone."
