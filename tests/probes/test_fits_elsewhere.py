"""Responses that are right by another row's reference."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from dryrun.analysis.figures.readings import Misplaced
from dryrun.core.records import Prompt
from dryrun.dataset import dataset_from_items
from dryrun.probes.fits_elsewhere import fits_elsewhere, unnamed_labels
from dryrun.probes.make.read_answer import asks_refusal, refuses
from dryrun.probes.read_responses import read_all

Rows = list[tuple[Prompt, str]]


def rows(references: Sequence[str], asked: str = "Question {}?") -> Rows:
    items = [
        {"messages": [{"role": "user", "content": asked.format(number)}], "reference_answer": text}
        for number, text in enumerate(references)
    ]
    dataset = dataset_from_items(items)
    return [(dataset.prompt(row), text) for row, text in enumerate(references)]


def found(known: Rows, responses: Rows) -> Misplaced:
    says = read_all(responses, {prompt.key: text for prompt, text in known})
    seen = fits_elsewhere(responses, says, known)
    assert seen is not None
    return seen


NUMBERS = [str(number) for number in random.Random(9).sample(range(1_000, 90_000), 40)]
GRID = [str(100 * number) for number in range(1, 41)]


def test_answers_to_the_next_row_say_by_how_many_rows_references_are_displaced() -> None:
    known = rows(NUMBERS)
    next_ones = [(prompt, f"So it is {text}.") for (prompt, _), (_, text) in pairwise(known)]
    seen = found(known, next_ones)
    assert (seen.prompts, seen.own, seen.elsewhere, seen.claimed, seen.distinct) == (39, 0, 39, 39, 40)
    assert (seen.surely, seen.mostly, seen.step, seen.agreeing) == (True, True, 1, 1.0)
    assert seen.pairs[0] == (1, 2)
    assert seen.chance < 0.05


@pytest.mark.parametrize(
    ("asked", "answer", "unnamed"),
    [
        ("Is review no. 1{}9 positive or negative?", "Positive", True),
        ("Is review no. 1{}9 positive (1) or negative (0)?", "Positive", False),
        ("Is review no. 1{}9 positive or negative?", "1", False),
    ],
)
def test_labels_that_neither_prompts_nor_responses_name_are_seen(
    asked: str, answer: str, unnamed: bool
) -> None:
    """As a dataset has them that holds the numbers of classes."""
    known = rows(["0", "1"] * 15, asked)
    labels = unnamed_labels([(prompt, answer) for prompt, _ in known], {p.key: text for p, text in known})
    assert labels == (["0", "1"] if unnamed else [])
    many = rows(NUMBERS)
    assert not unnamed_labels([(prompt, answer) for prompt, _ in many], {p.key: text for p, text in many})


def test_right_answers_and_far_numbers_fit_no_other_row() -> None:
    known = rows(NUMBERS)
    assert found(known, known).elsewhere == 0
    assert not found(known, [(prompt, f"{text}7") for prompt, text in known]).surely


def test_a_number_next_to_the_rows_own_reference_is_no_hit_by_chance() -> None:
    known = rows(NUMBERS)
    near_misses = [(prompt, str(int(text) + 1)) for prompt, text in known[:20]]
    moved = [(prompt, text) for (prompt, _), (_, text) in pairwise(known[20:])]
    seen = found(known, near_misses + moved)
    assert seen.chance < 0.05
    assert seen.surely


def test_numbers_on_a_grid_hit_other_rows_by_chance() -> None:
    known = rows(GRID)
    seen = found(known, [(prompt, text) for (prompt, _), (_, text) in pairwise(known)])
    assert seen.elsewhere == 39
    assert seen.chance > 0.9
    assert not seen.surely


def test_responses_that_belong_to_a_different_row_each_time_are_no_displaced_references() -> None:
    known, chance = rows(NUMBERS), random.Random(1)
    stray = [(prompt, chance.choice(NUMBERS)) for prompt, _ in known for _ in range(4)]
    seen = found(known, stray)
    assert seen.agreeing < 0.8
    assert not seen.surely


def test_a_reference_that_stands_in_the_prompt_was_taken_from_there() -> None:
    known = rows(NUMBERS, "Which of " + " ".join(NUMBERS) + " is number {}?")
    assert found(known, [(p, t) for (p, _), (_, t) in pairwise(known)]).elsewhere == 0


def test_names_that_changed_places_are_told_from_guesses_among_them() -> None:
    names, chance = (
        [
            f"{a}{b}"
            for a in ("Al", "Be", "Co", "Da", "El", "Fo")
            for b in ("nia", "mor", "ta", "vin", "ros", "dun")
        ],
        random.Random(2),
    )
    known = rows(names)
    moved = [
        (prompt, f"It is {text}.") for (prompt, _), text in zip(known, names[5:] + names[:5], strict=True)
    ]
    assert found(known, moved).mostly
    assert not found(known, [(prompt, chance.choice(names)) for prompt, _ in known]).surely


def test_letters_and_yes_or_no_say_nothing() -> None:
    known = rows(["yes", "no"] * 20)
    assert fits_elsewhere(known, [None] * 40, known) is None


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot assist with this request.",
        "As an AI language model, I am unable to help with this.",
        "Unfortunately, I can’t fulfil that request.",
        "I'm sorry, but as an AI I cannot provide that.",
        "<think>hm</think>I must decline this request.<|im_end|>",
        "Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.",
        "Leider kann ich dazu keine Auskunft geben.",
        "Je suis désolé, mais je ne peux pas vous aider avec cette demande.",
        "Lo siento, pero no puedo ayudarte con eso.",
        "Desculpe, mas não posso ajudar com isso.",
        "Mi dispiace, ma non posso aiutarti con questa richiesta.",
        "Извините, но я не могу помочь с этим запросом.",
        "抱歉，我无法为您提供帮助。",
        "很抱歉，我不能协助您完成这个请求。",
        "申し訳ありませんが、そのご依頼にはお手伝いできません。",
        "죄송하지만 그 요청은 도와드릴 수 없습니다.",
    ],
)
def test_refusals_are_seen(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "I don't know.",
        "I'm sorry for the confusion. The answer is 42.",
        "I can't be certain, but the answer is 5.",
        "I cannot determine this from the text.",
        "I'm sorry, I can't attend the meeting on Friday.",
        "Leider kann man das dem Text nicht entnehmen.",
        "Je suis désolé, je ne peux pas venir vendredi.",
        "Lo siento, no lo sé.",
        "抱歉，文中没有提到。",
        "申し訳ありませんが、会議に出席できません。",
        "I can't help with that. However, the total is 12.",
        "I can't help with that. " + "Here is the whole story instead. " * 30,
    ],
)
def test_answers_and_doubts_are_no_refusals(text: str) -> None:
    assert not refuses(text)


def test_a_reference_may_ask_for_a_refusal() -> None:
    assert asks_refusal("REFUSE")
    assert asks_refusal("I'm sorry, but I can't help with that.")
    assert not asks_refusal("4")
