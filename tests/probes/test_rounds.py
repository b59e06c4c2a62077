"""From a user's rows to probes: each family is there, fits the row, and never pays a lucky text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from dryrun.core.probe import FAR, IN_A_SENTENCE, ONE_FIELD, UNASKED, UNASKED_WORKING, VOID, Family, Probe
from dryrun.dataset import dataset_from_items
from dryrun.probes import Ground, accepted_forms, first_round, ground, second_round
from dryrun.probes.make.answers import mentions, same
from tests.probes.zoo.rows import DATASETS, Row


def laid(rows: Sequence[Row], **options: Any) -> Ground:
    dataset = dataset_from_items([dict(row) for row in rows])
    prompts = [dataset.prompt(number) for number in range(len(dataset))]
    references = [prompt.item.get("reference_answer") for prompt in prompts]
    return ground(prompts, references, rows=options.pop("rows", 12), **options)


def both(given: Ground) -> tuple[list[Probe], list[Probe]]:
    forms = first_round(given)
    return forms, second_round(given, accepted_forms(given, [1.0] * len(forms)))


def texts(probes: Sequence[Probe], kind: str) -> list[str]:
    return [probe.text for probe in probes if probe.kind == kind]


@pytest.mark.quick_cases(5)
@pytest.mark.parametrize("name", list(DATASETS))
def test_every_type_of_answer_gets_the_families_that_fit(name: str) -> None:
    given = laid(DATASETS[name]()[0])
    forms, rest = both(given)
    assert {probe.row for probe in forms} == set(range(12))
    families = {probe.family for probe in rest}
    assert families >= {
        Family.NOTHING,
        Family.SHELL,
        Family.GAMING,
        Family.WRONG,
        Family.VARIATION,
        Family.STYLE,
        Family.STRESS,
    }
    assert all(probe.base < number for number, probe in enumerate(rest))


@pytest.mark.quick_cases(5)
@pytest.mark.parametrize("name", list(DATASETS))
def test_no_wrong_answer_is_right_and_no_junk_holds_the_answer(name: str) -> None:
    given = laid(DATASETS[name]()[0])
    for probe in both(given)[1]:
        answer = given.answers[probe.row]
        assert answer is not None
        if probe.family is Family.WRONG:
            assert not same(answer, probe.text), probe.kind
        if probe.family in (Family.NOTHING, Family.GAMING):
            assert not mentions(probe.text, answer), probe.kind


@pytest.mark.slow
def test_the_same_seed_makes_the_same_probes_and_another_does_not() -> None:
    rows = DATASETS["capitals"]()[0]
    assert both(laid(rows)) == both(laid(rows))
    assert both(laid(rows)) != both(laid(rows, seed=1))


def test_wrong_numbers_by_kind() -> None:
    rows = [_asked(str(number), number) for number in (12, 480, -36, 7)]
    rest = both(laid(rows))[1]
    wrong = {probe.kind: probe.text for probe in rest if probe.row == 0 and probe.family is Family.WRONG}
    assert wrong["off by one"] == "13"
    assert wrong["half of it"] == "6"
    assert wrong["sign flipped"] == "-12"
    assert wrong["ten times it"] == "120"
    assert wrong["digits swapped"] == "21"
    assert wrong["its first digits only"] == "1"
    assert wrong["inside a longer number"] == "9127"
    assert wrong[FAR] in {"480", "-36", "7"}


def test_off_by_one_is_no_fault_where_a_tolerance_might_forgive_it() -> None:
    rest = both(laid([_asked("8000", 1), _asked("9", 2)]))[1]
    assert texts([probe for probe in rest if probe.row == 0], "off by one") == []
    assert texts([probe for probe in rest if probe.row == 1], "off by one") == ["10"]
    near = [probe for probe in rest if probe.family is Family.CLOSE and probe.row == 0]
    close = {probe.kind: (probe.text, probe.most) for probe in near}
    assert close["close, but wrong: 4% off"] == ("8320", 0.97)
    assert close["close, but wrong: 1% off"] == ("8080", 1.0)


def _asked(answer: str, number: int, prompt: str = "Say it.") -> Row:
    return {"messages": [{"role": "user", "content": f"{prompt} ({number})"}], "reference_answer": answer}


def test_one_of_n_fields_wrong_is_worth_the_others() -> None:
    given = laid(DATASETS["invoices"]()[0])
    rest = both(given)[1]
    changed = [probe for probe in rest if probe.kind.startswith(ONE_FIELD) and probe.row == 0]
    assert [probe.most for probe in changed] == [0.75] * 4
    wanted = json.loads(DATASETS["invoices"]()[0][0]["reference_answer"])
    for probe in changed:
        got = json.loads(probe.text)
        assert [key for key in wanted if got[key] != wanted[key]] == [probe.kind.removeprefix(ONE_FIELD)]
    [every] = [probe for probe in rest if probe.kind == "every field wrong" and probe.row == 0]
    assert all(json.loads(every.text)[key] != value for key, value in wanted.items())


def test_order_is_turned_round_only_where_it_matters() -> None:
    ordered, free = both(laid(DATASETS["sorting"]()[0]))[1], both(laid(DATASETS["fruits"]()[0]))[1]
    assert texts(ordered, "in the opposite order")
    assert not texts(ordered, "elements in another order")
    assert texts(free, "elements in another order")
    assert not texts(free, "in the opposite order")


@pytest.mark.slow
def test_guesses_hide_the_right_one_where_neither_first_nor_last_finds_it() -> None:
    for name in ("sums", "capitals", "choices", "yes_no"):
        given = laid(DATASETS[name]()[0])
        for probe in both(given)[1]:
            answer = given.answers[probe.row]
            assert answer is not None
            if probe.kind == "a list of guesses":
                guesses = probe.text.removeprefix("Candidates: ").split(", ")
                assert answer.text in guesses[1:-1]
                assert not same(answer, guesses[0])
                assert not same(answer, guesses[-1])


def test_wrong_answers_come_in_the_form_that_the_grader_accepts() -> None:
    given = laid(DATASETS["choices"]()[0])
    forms = first_round(given)
    tagged = [1.0 if probe.kind == "in <answer>" else 0.0 for probe in forms]
    rest = second_round(given, accepted_forms(given, tagged))
    assert all(text.startswith("<answer>") for text in texts(rest, FAR) + texts(rest, VOID))
    bare = [1.0 if probe.kind == "bare" else 0.0 for probe in forms]
    rest = second_round(given, accepted_forms(given, bare))
    assert not any("<" in text for text in texts(rest, FAR))


def test_required_forms_follow_the_prompt() -> None:
    def needed(name: str) -> set[str]:
        return {probe.kind for probe in first_round(laid(DATASETS[name]()[0])) if probe.least == 1.0}

    assert needed("choices") == {"in <answer>, after working"}
    assert needed("capitals") == {"bare"}
    assert needed("sums") == {"bare", "in a sentence", "after working"}
    assert needed("invoices") == {"bare", "indented", "keys in another order"}
    assert needed("updates") == set()
    plain = first_round(laid([_asked("7", 1), _asked("8", 2)]))
    assert {probe.kind for probe in plain if probe.least == 1.0} == {
        *("bare", IN_A_SENTENCE, UNASKED, UNASKED_WORKING)
    }


def test_without_reference_answers_fewer_probes_are_left() -> None:
    rows = [{"messages": [{"role": "user", "content": f"Write a poem about {n}."}]} for n in range(6)]
    forms, rest = both(laid(rows))
    assert forms == []
    assert {probe.family for probe in rest} == {Family.NOTHING, Family.SHELL, Family.GAMING, Family.STRESS}


def test_words_of_the_graders_source_are_tried() -> None:
    source = "def grade(sample, item):\n    '''Doc.'''\n    return 'magic word' in sample['output_text']\n"
    rest = both(laid(DATASETS["capitals"]()[0], source=source))[1]
    assert "magic word" in texts(rest, "“magic word” from the grader's source")
    assert not any("output_text" in probe.text or "Doc." in probe.text for probe in rest)


def test_the_most_common_answer_is_tried_on_the_other_rows_only() -> None:
    rest = both(laid(DATASETS["yes_no"]()[0]))[1]
    found = [probe for probe in rest if probe.kind == "the most common answer"]
    assert found
    assert {probe.text for probe in found} == {"No"}
    assert {probe.row % 5 for probe in found} == {0}


def test_an_expression_never_holds_the_answer() -> None:
    given = laid(DATASETS["sums"]()[0])
    for probe in both(given)[1]:
        answer = given.answers[probe.row]
        assert answer is not None
        if probe.family is Family.CODE:
            assert answer.text not in probe.text
            assert str(eval(probe.text)) == answer.text
