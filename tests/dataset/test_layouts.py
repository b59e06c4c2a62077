"""Rows written as requests to other APIs: what becomes chat messages, and what is refused where."""

from __future__ import annotations

from typing import Any

import pytest

from dryrun.core.errors import DatasetError
from dryrun.dataset import dataset_from_items

ASK = [{"role": "user", "content": "2+2?"}]
BRIEF = [{"role": "system", "content": "Be brief."}, *ASK]
TEXT = {"text": "2+2?"}
TURN = {"role": "user", "parts": [TEXT]}
SYSTEM = {"parts": [{"text": "Be brief."}]}
PICTURE = {"type": "image_url", "image_url": {"url": "https://a.b/c.png"}}


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "2+2?"}]}]}, ASK),
        (
            {"input": [{"type": "message", "role": "user", "content": "2+2?"}], "instructions": "Be brief."},
            BRIEF,
        ),
        (
            {
                "input": [
                    {"role": "user", "content": [{"type": "input_image", "image_url": "https://a.b/c.png"}]}
                ]
            },
            [{"role": "user", "content": [PICTURE]}],
        ),
        ({"responses_create_params": {"input": ASK, "instructions": "Be brief."}}, BRIEF),
        ({"input": "2+2?", "instructions": "Be brief."}, ASK),
        ({"contents": [TURN], "systemInstruction": SYSTEM}, BRIEF),
        ({"contents": [{"parts": [TEXT]}], "system_instruction": "Be brief."}, BRIEF),
        (
            {"contents": [{"role": "user", "parts": [{"text": "2+"}, {"text": "2?"}]}]},
            [{"role": "user", "content": [{"type": "text", "text": "2+"}, {"type": "text", "text": "2?"}]}],
        ),
        (
            {"contents": [TURN, {"role": "model", "parts": [{"text": "Why?"}]}, TURN]},
            [*ASK, {"role": "assistant", "content": "Why?"}, *ASK],
        ),
        ({"system": [{"text": "Be brief."}], "messages": [{"role": "user", "content": [TEXT]}]}, BRIEF),
        ({"system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}], "messages": ASK}, BRIEF),
        ({"system": "Be brief.", "messages": ASK}, BRIEF),
        ({"system": [{"type": "text", "text": "Be brief."}], "messages": ASK}, BRIEF),
        ({"system": "Be long.", "messages": BRIEF}, BRIEF),
        ({"system": {"name": "solar"}, "messages": ASK}, ASK),
        ({"system": " ", "messages": ASK}, ASK),
    ],
)
def test_a_request_to_another_api_becomes_messages(row: dict[str, Any], messages: list[Any]) -> None:
    [item] = dataset_from_items([{**row, "reference_answer": "4"}])
    assert item["messages"] == messages
    assert item.keys() == {*row, "messages", "reference_answer"}, "its other fields stay"


def test_the_answer_that_geminis_training_rows_end_with_is_the_reference() -> None:
    answer = {"role": "model", "parts": [{"text": "It is "}, {"text": "4."}]}
    [item] = dataset_from_items([{"contents": [TURN, answer]}])
    assert (item["messages"], item["reference_answer"]) == (ASK, "It is 4.")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            {"input": [*ASK, {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "1"}]},
            "input[1].type: is 'function_call': of a request to the Responses API only messages are read.",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "1"}]}]},
            "input[0].content[0]: is 'input_file' as another API has it",
        ),
        (
            {"contents": [{"role": "user", "parts": [TEXT, {"inlineData": {"data": "AA"}}]}]},
            "contents[0].parts[1]: is 'inlineData' as another API has it: only text is read in that form.",
        ),
        (
            {"messages": [{"role": "user", "content": [{"image": {"format": "png"}}, TEXT]}]},
            "messages[0].content[0]: is 'image' as another API has it",
        ),
        (
            {"messages": [{"role": "user", "content": [{"txt": "2+2?"}]}]},
            "messages[0].content[0].type: is missing",
        ),
    ],
)
def test_what_no_chat_message_holds_is_refused_with_its_place(row: dict[str, Any], problem: str) -> None:
    with pytest.raises(DatasetError) as refused:
        dataset_from_items([{**row, "reference_answer": "4"}])
    assert f"row 1, {problem}" in str(refused.value)
