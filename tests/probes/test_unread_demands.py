"""Prompts that leave no room for a sentence; lists, rankings and estimates as prompts ask for them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

import pytest

from dryrun.core.probe import SEVERAL_LINES, UNCHANGED
from dryrun.core.records import Prompt
from dryrun.probes.check import check_function
from dryrun.probes.learned_form import as_asked
from dryrun.probes.make.answers import answers
from dryrun.probes.make.demand import Demand, demand_of
from dryrun.probes.make.forms import forms_of, variations
from dryrun.probes.make.offered import unchanged
from dryrun.probes.make.wrong_numbers import closeness


@pytest.mark.parametrize(
    "prompt",
    [
        "Write thousands with a comma, number only.",
        "Write a spreadsheet formula for the sum of column A. Formula only.",
        "Say 'safe', or 'unsafe' and on the next line the category.",
        "What time is it there? Reply as HH:MM on the 24 hour clock.",
        "Reply with one bash command that lists the files.",
        "Give the command in a code block.",
        "On which date was it signed? Use YYYY-MM-DD.",
        "What is the capital of France? State it and nothing more.",
        "Which cities score at least 7? Give names separated by |.",
        "इस शब्द को रोमन लिपि में लिखो: घर",
        "Wie heißt die Hauptstadt von Frankreich?",
        "法国的首都是哪里？",
    ],
)
def test_no_sentence_is_asked_for(prompt: str) -> None:
    assert demand_of(prompt).only


@pytest.mark.parametrize(
    "prompt",
    [
        "What is the capital of France?",
        "Compute 3 + 4.",
        "If the shop sells apples only, how many does it sell?",
        "Answer the question with care: what is 3+4?",
        "Tom says 'go' and writes a letter. How many?",
        "Answer as best you can: who wrote Emma?",
    ],
)
def test_a_sentence_is_welcome(prompt: str) -> None:
    assert not demand_of(prompt).only


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("separated by |", "Rome|Oslo"),
        ("separated by semicolons", "Rome; Oslo"),
        ("separated by a vertical bar", "Rome|Oslo"),
        ("separated by slashes", "Rome/Oslo"),
        ("separated by single spaces", "Rome Oslo"),
        ("separated by line breaks", "Rome\nOslo"),
    ],
)
def test_lists_are_parted_as_the_prompt_says(words: str, written: str) -> None:
    demand = demand_of(f"Name the cities, {words}.")
    (answer,) = answers(['["Rome", "Oslo"]'], [demand])
    assert answer is not None
    assert written in {form.write(answer.text) for form in forms_of(answer, demand)}


def test_an_object_may_stand_in_the_tag_that_the_prompt_shows() -> None:
    demand = demand_of('Reply with <call>{"name": ...}</call>.')
    (answer,) = answers(['{"name": "book"}'], [demand])
    assert answer is not None
    forms = {
        form.write(answer.text): form.required for form in forms_of(answer, replace(demand, fields=("name",)))
    }
    assert forms['<call>{"name": "book"}</call>'] is False
    named = [form.write(answer.text) for form in forms_of(answer, replace(demand, fields=()))]
    assert '<call>{"name": "book"}</call>' not in named, "a text of the object may be what the tag is for"


def ranking(prompt: str, weights: object) -> str | None:
    row = Prompt("k", 0, "", {"messages": [{"role": "user", "content": prompt}]})
    return as_asked([row], [json.dumps(weights)])[0]


def test_names_are_ranked_by_their_weights() -> None:
    weights = {"D1": 0, "D2": 3, "D3": 1}
    assert ranking("Rank D1, D2 and D3.", weights) == "D2, D3, D1"
    for prompt, other in (
        ("Rank D1 and D2.", weights),
        ("Give D1, D2, D3 as JSON, in order.", weights),
        ("What are D1, D2 and D3?", weights),
        ("Rank D1, D2 and D3.", {"D1": "far"}),
    ):
        assert ranking(prompt, other) == json.dumps(other)


def test_estimates_are_near_by_their_size() -> None:
    (answer,) = answers(["2468"], [Demand()])
    assert answer is not None
    about = demand_of("Estimate how many seats there are.")
    assert closeness(answer, about, "700") == pytest.approx(0.453, abs=0.001)
    assert closeness(answer, Demand(), "700") < 0.3


def test_a_list_in_no_order_is_near_by_what_it_holds() -> None:
    (answer,) = answers(['["Rome", "Oslo", "Bern"]'], [Demand()])
    assert answer is not None
    every = '["Bern", "Lima", "Oslo", "Perth", "Quito", "Rome"]'
    assert closeness(answer, demand_of("Quais cidades?"), every) == pytest.approx(2 / 3)
    assert closeness(answer, demand_of("Sort the cities."), every) < 0.6


ASK = "Double {}. Think inside <think> </think>, then give the number inside <answer> </answer>."


@pytest.mark.slow
@pytest.mark.parametrize(("flags", "profile"), [(re.DOTALL, "sound"), (0, "too strict")])
def test_reasoning_may_take_several_lines(flags: int, profile: str) -> None:
    shape = re.compile(r"\s*<think>.*</think>\s*<answer>\s*(.*?)\s*</answer>\s*", flags)

    def grade(sample: Any, item: Any) -> float:
        match = shape.fullmatch(sample["output_text"])
        return float(match is not None and match[1] == item["reference_answer"])

    rows = [
        {"messages": [{"role": "user", "content": ASK.format(n)}], "reference_answer": str(2 * n)}
        for n in range(31, 61)
    ]
    check = check_function(grade, rows, rows=12)
    assert check.profile == profile
    assert (SEVERAL_LINES in {finding.kind for finding in check.findings}) is not flags


def test_only_reasoning_on_one_line_is_spread() -> None:
    demand = demand_of(ASK.format(3))
    (answer,) = answers(["6"], [demand])
    assert answer is not None
    forms = forms_of(answer, demand)
    spread = [form.name for form in forms if SEVERAL_LINES in variations(answer, demand, form.write)]
    assert spread == ["in <answer>, after thoughts, all on one line"]


@pytest.mark.parametrize(
    ("prompt", "right", "text"),
    [
        (
            "Correct it.\n\nHe go to school every day.",
            "He goes to school every day.",
            "He go to school every day.",
        ),
        (
            "Mend this: They was late again today.",
            "They were late again today.",
            "They was late again today.",
        ),
        ("Mend “I seen him in May.” please.", "I saw him in May.", "I seen him in May."),
        ("Translate: The dog sleeps all day.", "Der Hund schläft den ganzen Tag.", ""),
        ("Which is right?\nHe goes to school every day.", "He goes to school every day.", ""),
        ("Is it Rom?", "Rome", ""),
    ],
)
def test_the_text_to_edit_is_found(prompt: str, right: str, text: str) -> None:
    (answer,) = answers([right], [Demand()])
    assert answer is not None
    assert unchanged(prompt, answer) == text


@pytest.mark.slow
@pytest.mark.parametrize("warns", [True, False])
def test_a_text_left_as_it_is_warns_where_it_is_paid(warns: bool) -> None:
    rows = [
        {
            "messages": [{"role": "user", "content": f"Mend this: They was late on day {n} of the fair."}],
            "reference_answer": f"They were late on day {n} of the fair.",
        }
        for n in range(30)
    ]

    def grade(sample: Any, item: Any) -> float:
        near = SequenceMatcher(None, sample["output_text"], item["reference_answer"]).ratio()
        return near if warns else float(near == 1)

    check = check_function(grade, rows, rows=12)
    assert check.profile == "sound"
    assert (UNCHANGED in {finding.kind for finding in check.findings}) is warns
