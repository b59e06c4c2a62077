"""Real responses are read as a careful person would: right in any form counts, doubt stays doubt."""

from __future__ import annotations

import pytest

from dryrun.graders.protocol import without_end_token, without_reasoning
from dryrun.probes.make.answers import answers
from dryrun.probes.make.demand import Demand, demand_of
from dryrun.probes.read_responses import in_form, right


def says(text: str, reference: str, demand: Demand | None = None) -> bool | None:
    (answer,) = answers([reference], [demand or Demand()])
    assert answer is not None
    return right(text, answer, demand or Demand())


@pytest.mark.parametrize(
    ("text", "reference", "expected"),
    [
        ("12", "12", True),
        ("The result of 5 plus 7 is 12.", "12", True),
        ("5 + 7 = 12", "12", True),
        ("#### 12", "12", True),
        ("\\boxed{12}", "12", True),
        ("First 13, no.\n</think>\n\n12", "12", True),
        ("13", "12", False),
        ("1001", "1000", False),
        ("I do not know.", "12", False),
        ("12 is not it; 13", "12", None),
        ("It is Paris.", "Paris", True),
        ("London", "Paris", False),
        ("Paris is the capital.\nOf France, that is.", "Paris", None),
        ("That makes sixty-two in all.", "62", True),
        ("That makes sixty-three in all.", "62", False),
        ("One thousand and five.", "1005", True),
        ("It is the only one.", "1", False),
        ("The digits are two, then two four.", "6", False),
        ("sixty two", "62", True),
        ("seventeen hundred and one", "1701", True),
        ("62", "sixty-two", True),
        ("So 20 + 42 = 63.", "sixty-two", False),
        ("2 more than sixty is sixty-two", "sixty-two", True),
        ("1447", "one thousand four hundred forty-seven", True),
        ("2 of them came", "Someone", False),
        ("It is due on January 15, 2020.", "2020-01-15", True),
        ("It is due on January 16, 2020.", "2020-01-15", False),
        ("Sent on 15th of Jan. 2020, due on 25 January 2020", "2020-01-15", None),
        ("2020-01-15", "15 January 2020", True),
        ("15.01.2020", "2020-01-15", True),
        ("04/03/2020", "2020-03-04", True),
        ("I do not know.", "2020-01-15", False),
        ("2020-13-45", "2020-13-45", True),
        ("That is \\boxed{12.34\\%}.", "0.1234", True),
        ("a fall of -27.1 %", "-0.271", True),
        ("\\boxed{12.94%}", "0.1234", False),
        ("12.34% of 900 is 111", "0.1234", False),
        ("0.5%", "0.5%", True),
        ("Das sind 0,75.", "0.75", True),
        ("0,75", "0.75", True),
        ("1,25", "0.75", False),
        ("12,5", "125", False),
        ("1,234", "1234", True),
    ],
)
def test_a_response_is_right_wrong_or_left_open(text: str, reference: str, expected: bool | None) -> None:
    assert says(text, reference) is expected


def test_an_answer_in_another_form_than_the_prompt_asks_for_is_still_an_answer() -> None:
    assert says("It is 12", "12", demand_of("Give the answer after ####.")) is True


@pytest.mark.parametrize("tag", ["think", "thinking", "reasoning", "scratchpad"])
def test_reasoning_is_what_stands_before_its_last_closing_tag(tag: str) -> None:
    assert without_reasoning(f"<{tag}>5 and 7</{tag}> 12") == (" 12", True)
    assert without_reasoning(f"so 12?\n</{tag}>\n\n12") == ("\n\n12", True)
    assert without_reasoning("12") == ("12", False)


def test_a_huge_response_is_read_at_its_end() -> None:
    """In quadratic time this would not come to an end."""
    assert says("the answer is 13, or perhaps " * 100_000 + "12", "12") is True


@pytest.mark.parametrize("token", ["<|im_end|>", "</s>", "<|eot_id|>\n", " <|im_end|><|endoftext|>"])
def test_what_ends_a_turn_is_no_part_of_the_answer(token: str) -> None:
    assert without_end_token(f"Paris{token}") == ("Paris", True)
    assert without_end_token("Paris </s> is \n") == ("Paris </s> is \n", False)
    assert says(f"12{token}", "12") is True
    assert says(f"Paris{token}", "Paris") is True


@pytest.mark.parametrize(
    "rest",
    [
        "<|im_end|>\n<|im_start|>user\n3 + 4?<|im_end|>",
        "</s><s>[INST] 3 + 4? [/INST] 7",
        "<|eot_id|><|start_header_id|>user",
    ],
)
def test_turns_that_a_server_lets_run_on_are_no_part_of_the_answer(rest: str) -> None:
    assert without_end_token("Paris" + rest) == ("Paris", True)


@pytest.mark.parametrize(
    ("text", "reference", "prompt", "expected"),
    [
        ("So 12.\n#### 12", "12", "Give the answer after ####.", True),
        ("So 1,200.\n#### 1,200", "1200", "Give the answer after ####.", True),
        ("It is 12", "12", "Give the answer after ####.", False),
        ("\\boxed{12}", "12", "Put it in \\boxed{}.", True),
        ("12", "12", "Put it in \\boxed{}.", False),
        ("<answer>12</answer>", "12", "Answer in <answer>...</answer>.", True),
        ("Paris.", "Paris", "Give only its name.", True),
        ("The capital is Paris.", "Paris", "Give only its name.", False),
        ("(B)", "B", "A. 1\nB. 2\nAnswer with the letter only.", True),
        ("<think>5 + 7</think>\n12", "12", "Give only the number.", True),
    ],
)
def test_a_right_answer_stands_in_the_form_that_was_asked_for(
    text: str, reference: str, prompt: str, expected: bool
) -> None:
    (answer,) = answers([reference], [demand_of(prompt)])
    assert answer is not None
    assert in_form(text, answer, demand_of(prompt)) is expected
