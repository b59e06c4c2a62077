"""Runs of imported responses: the report names the right culprit, and leaves look-alikes in peace."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dryrun.engine.imports.run import import_samples
from dryrun.graders.load import python_grader
from dryrun.report import Report, render_markdown, report_of
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.support import work

EXACT = (
    "def grade(sample, item):\n    return float(sample['output_text'].strip() == item['reference_answer'])\n"
)
Row = dict[str, Any]
REFUSED = (
    "I'm sorry, but I can't help with that.",
    "As an AI language model, I am unable to assist with this.",
)


def row(asked: str, response: str, reference: object, **more: Any) -> Row:
    asked_by = [{"role": "user", "content": asked}]
    return {"prompt": asked_by, "response": response, "reference_answer": reference, **more}


def products(
    right: float = 0.45, *, prompts: int = 60, k: int = 4, write: Callable[[str], str] = str
) -> Iterator[Row]:
    """Products of two numbers, answered right with this chance, else nearly."""
    chance = random.Random(3)
    for number in range(prompts):
        first, second = 11 + number, chance.randint(100, 999)
        answer = first * second
        for _ in range(k):
            said = answer if chance.random() < right else answer + chance.choice([-100, -7, 3, 10])
            yield row(f"What is {first} times {second}? Only the number.", write(str(said)), str(answer))


def judged(store: Store, rows: list[Row], source: str) -> Report:
    log = "\n".join(map(json.dumps, rows)).encode()
    run = import_samples(store, log, "log.jsonl", python_grader(source))
    work(run, check=True)
    return report_of(load_results(run))


def shifted(rows: list[Row], by: int = 4) -> list[Row]:
    """The same with each prompt's reference that of the next prompt."""
    references = [one["reference_answer"] for one in rows]
    moved = references[by:] + references[:by]
    return [{**one, "reference_answer": other} for one, other in zip(rows, moved, strict=True)]


@pytest.mark.slow
def test_references_of_other_rows_are_named_with_rows_to_read(store: Store) -> None:
    report = judged(store, shifted(list(products())), EXACT)
    found = report.diagnosis
    assert (found.verdict, found.dataset_quality) == ("NO-GO", "misplaced_references")
    text = render_markdown(report)
    assert "right by the reference of another row" in text
    assert "row 2 by that of row 1" in text
    assert "displaced by 1 row" in text
    assert "easier prompts" not in text
    assert "SFT" not in text


@pytest.mark.slow
def test_references_shuffled_at_random_are_named_in_a_sentence_too(store: Store) -> None:
    rows = list(products(write="Let me see. The answer is {}.".format))
    references = [one["reference_answer"] for one in rows[::4]]
    random.Random(1).shuffle(references)
    rows = [{**one, "reference_answer": references[place // 4]} for place, one in enumerate(rows)]
    source = "import re\ndef grade(sample, item):\n    n = re.findall('[0-9]+', sample['output_text'])\n"
    source += "    return float(bool(n) and n[-1] == item['reference_answer'])\n"
    assert judged(store, rows, source).diagnosis.dataset_quality == "misplaced_references"


def states() -> Iterator[Row]:
    """A closed list of names, each right once; wrong answers are always of the list."""
    chance, names = (
        random.Random(5),
        [a + b for a in "ABCDEFGH" for b in ("nia", "mont", "land", "vera", "ton")],
    )
    for number, name in enumerate(names):
        said = chance.choice(names)
        yield from (row(f"Which state has code {37 * number}?", said, name) for _ in range(4))


def off_by_one() -> Iterator[Row]:
    """Consecutive numbers, and answers that miss by one."""
    for number in range(60):
        yield from (row(f"One less than {number + 1} is?", str(number + 1), str(number)) for _ in range(4))


def one_text() -> Iterator[Row]:
    """Several questions on one text, answered with the answer to another of them."""
    for number in range(30):
        names = [f"{start}{number}vale" for start in ("Or", "Pel")]
        for place, name in enumerate(names):
            asked = f"{names[0]} met {names[1]}. Who came {('first', 'last')[place]}?"
            yield from (row(asked, names[1 - place], name) for _ in range(3))


def digits() -> Iterator[Row]:
    """Answers of one digit, of which each is the reference of many rows."""
    chance = random.Random(2)
    for number in range(60):
        for _ in range(4):
            yield row(
                f"The last digit of item {number}?",
                str((number + chance.randint(1, 9)) % 10),
                str(number % 10),
            )


@pytest.mark.slow
@pytest.mark.parametrize("rows", [states, off_by_one, one_text, digits])
def test_wrong_answers_that_other_rows_happen_to_have_are_too_hard(
    store: Store, rows: Callable[[], Iterator[Row]]
) -> None:
    found = judged(store, list(rows()), EXACT).diagnosis
    assert (found.verdict, found.dataset_quality) == ("NO-GO", "too_hard")


@pytest.mark.slow
def test_refusals_in_plain_words_are_counted_and_named(store: Store) -> None:
    chance = random.Random(4)
    rows = [
        {**one, "response": chance.choice(REFUSED)} if chance.random() < 0.9 else one for one in products()
    ]
    report = judged(store, rows, EXACT)
    assert (report.verdict, report.diagnosis.dataset_quality) == ("NO-GO", "refusals")
    count = sum(one["response"] in REFUSED for one in rows)
    assert f"refuse in plain words, as in “I can't help with that” ({count}; dataset rows 1, 2" in (
        render_markdown(report)
    )
    assert not any("SFT" in action.sentence for action in report.diagnosis.actions)


@pytest.mark.slow
def test_many_refusals_are_a_condition_where_the_others_pass(store: Store) -> None:
    rows = [{**one, "response": REFUSED[0]} if place % 2 else one for place, one in enumerate(products(0.6))]
    report = judged(store, rows, EXACT)
    assert report.verdict == "GO"
    assert [one.code for one in report.diagnosis.conditions] == ["many_refusing"]


@pytest.mark.slow
def test_refusals_that_the_grader_means_to_pay_are_none(store: Store) -> None:
    rows = [
        row(
            f"How is lock {number} picked?",
            REFUSED[0] if (number + turn) % 2 else f"With tool {number}.",
            "REFUSE",
        )
        for number in range(60)
        for turn in range(4)
    ]
    source = "def grade(sample, item):\n    return float(\"can't help\" in sample['output_text'])\n"
    report = judged(store, rows, source)
    assert (report.verdict, report.diagnosis.conditions) == ("GO", ())


@pytest.mark.slow
def test_a_grader_that_raises_is_named_with_its_error(store: Store) -> None:
    source = "def grade(sample, item):\n    return float(item['expected'] == sample['output_text'])\n"
    found = judged(store, list(products()), source).diagnosis
    assert (found.verdict, found.grader_quality) == ("NO-GO", "fails")
    assert "strict" not in " ".join(cause.title for cause in found.causes)
    assert found.actions[0].sentence.startswith("Mend the grader's error first")


@pytest.mark.slow
def test_references_that_the_grader_cannot_read_are_not_called_bad(store: Store) -> None:
    source = EXACT.replace("item[", 'f"{int(item[').replace("answer']", "answer']):d}\"")
    rows = [{**one, "reference_answer": one["reference_answer"]} for one in products()]
    for one in rows[: len(rows) // 4]:
        one["reference_answer"] = f"{int(one['reference_answer']):,}"
    found = judged(store, rows, source).diagnosis
    assert (found.verdict, found.dataset_quality) == ("GO", "good")
    assert found.conditions[0].step == "mend the grader's errors"


@pytest.mark.slow
def test_an_error_on_responses_in_another_form_is_not_the_graders(store: Store) -> None:
    source = "import json\ndef grade(sample, item):\n    a = json.loads(sample['output_text'])['answer']\n"
    source += "    return float(a == json.loads(item['reference_answer'])['answer'])\n"
    rows = [
        row(
            f'Item {number}? Only JSON like {{"answer": 3}}.',
            f"Perhaps {number}",
            json.dumps({"answer": 500 + number}),
        )
        for number in range(60)
        for _ in range(4)
    ]
    found = judged(store, rows, source).diagnosis
    assert (found.verdict, found.dataset_quality) == ("NO-GO", "too_hard")


@pytest.mark.slow
@pytest.mark.parametrize("right", [0.45, 0.03])
def test_a_grader_turned_round_is_inverted(store: Store, right: float) -> None:
    source = EXACT.replace("==", "!=")
    report = judged(store, list(products(right)), source)
    assert (report.verdict, report.diagnosis.grader_quality) == ("NO-GO", "inverted")
    assert "lenient" not in render_markdown(report)


@pytest.mark.slow
def test_a_word_that_must_not_be_said_is_no_right_answer(store: Store) -> None:
    rows = [
        {
            **row(f"Never say zephyr{number}.", f"zephyr{number}" if turn else "Fine.", ""),
            "forbidden": f"zephyr{number}",
        }
        for number in range(60)
        for turn in (0, 1, 0, 1)
    ]
    rows = [{name: value for name, value in one.items() if name != "reference_answer"} for one in rows]
    source = "def grade(sample, item):\n    return float(item['forbidden'] not in sample['output_text'])\n"
    assert judged(store, rows, source).diagnosis.grader_quality == "hackable"  # an empty answer is paid


@pytest.mark.slow
def test_paying_answers_that_name_several_is_a_condition(store: Store) -> None:
    source = "def grade(sample, item):\n    return float(item['reference_answer'] in sample['output_text'])\n"
    report = judged(store, list(products()), source)
    assert report.verdict == "GO"
    assert [one.code for one in report.diagnosis.conditions] == ["hedged_paid", "grader_check"]
    assert judged(store, list(products()), EXACT).diagnosis.conditions == ()


SUM = """import re
def correct(completions, reference_answer, **kw):
    said = [re.findall("[0-9]+", c[0]["content"])[-1:] for c in completions]
    return [float(one == [a]) for one, a in zip(said, reference_answer)]
def form(completions, **kw):
    return [float(c[0]["content"].startswith("<answer>")) for c in completions]
"""


@pytest.mark.slow
def test_points_for_the_form_are_no_hole(store: Store) -> None:
    chance = random.Random(6)
    rows = [
        {
            **one,
            "response": f"<answer>{one['response']}</answer>" if chance.random() < 0.5 else one["response"],
        }
        for one in products(0.3)
    ]
    for one in rows:
        one["prompt"][0]["content"] += " Put it in <answer></answer>."
    log = "\n".join(map(json.dumps, rows)).encode()
    run = import_samples(store, log, "log.jsonl", python_grader(SUM, function="correct + form"))
    work(run, check=True)
    report = report_of(load_results(run))
    assert report.verdict == "GO"
    assert "Worthless answers (another row's answer)" not in render_markdown(report)


@pytest.mark.slow
def test_tests_in_the_row_are_not_held_against_a_grader_that_runs_them(store: Store) -> None:
    source = """def grade(sample, item):
    space = {}
    try:
        exec(sample["output_text"], space)
        exec(item["tests"], space)
    except Exception:
        return 0.0
    return 1.0
"""
    rows = [
        {
            "prompt": f"Write a function f that adds {number}.",
            "response": f"def f(x): return x - {number}",
            "tests": f"assert f(1) == {number + 1}",
        }
        for number in range(1, 61)
        for _ in range(2)
    ]
    found = judged(store, rows, source).diagnosis
    assert found.verdict == "NO-GO"
    assert found.grader_word == "Possibly too strict"
    assert found.dataset_word == "Possibly too hard"


@pytest.mark.slow
def test_a_grader_that_pays_one_option_does_not_break_its_references(store: Store) -> None:
    chance = random.Random(8)
    rows = [
        row(
            f"Question {number}?\nA. one\nB. two\nC. three\nD. four\nOnly the letter.",
            chance.choice("ABCD"),
            "ABCD"[number % 4],
        )
        for number in range(60)
        for _ in range(4)
    ]
    source = "def grade(sample, item):\n    return float('B' in sample['output_text'])\n"
    assert judged(store, rows, source).diagnosis.grader_quality == "cannot_differentiate"


@pytest.mark.slow
def test_behind_a_grader_turned_round_nothing_is_said_of_right_answers(store: Store) -> None:
    source = "def grade(sample, item):\n    return float(sample['output_text'] != item['reference_answer'])\n"
    report = judged(store, list(products(0.5)), source)
    text = render_markdown(report)
    assert (report.verdict, report.diagnosis.grader_quality) == ("NO-GO", "inverted")
    assert "What is right is taken from the reward here: first mend what the verdict names." in text
    assert "right answers lie there too" not in text
    assert "Sharpen" not in text
    assert not any("as the prompt asks for it" in words for words in report.diagnosis.warnings)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(("dollar", "headline"), [(True, "GO, with conditions"), (False, "GO")])
def test_a_grader_that_wants_a_sign_nobody_asked_for_has_a_condition(
    store: Store, dollar: bool, headline: str
) -> None:
    chance = random.Random(6)
    rows = []
    for number in range(60):
        right = 13 * number + 17
        for _ in range(4):
            given = right if chance.random() < 0.6 else right + 10
            text = f"${given}" if chance.random() < 0.5 else str(given)
            rows.append(
                row(f"Price of {number} pens? Write it after ####.", f"So.\n#### {text}", f"${right}")
            )
    wanted = "item['reference_answer']" + ("" if dollar else ".strip('$')")
    read = "sample['output_text'].split('#### ')[-1]" + ("" if dollar else ".strip('$')")
    found = judged(store, rows, f"def grade(sample, item):\n    return float({read} == {wanted})\n").diagnosis
    assert found.headline == headline
    assert [one.code for one in found.conditions] == ["right_unpaid"] * dollar


CALL = {"type": "function", "function": {"name": "calculate", "arguments": '{"expression": "11 * 100"}'}}
CALLED = [{"role": "assistant", "content": None, "tool_calls": [CALL]}]


@pytest.mark.slow
def test_tool_calls_that_nobody_reads_are_no_fault_of_the_grader(store: Store) -> None:
    rows = [{**one, "response": CALLED} for one in products()]
    report = judged(store, rows, EXACT)
    found = report.diagnosis
    assert (found.verdict, found.dataset_quality, found.grader_quality) == ("NO-GO", "unknown", "unknown")
    text = render_markdown(report)
    assert "100 % of the responses read are tool calls without a text" in text
    assert "sample.output_tools" in text
    assert "calculate" in text, "the call is shown where responses are read"
    assert "Loosen the grader" not in text
    assert "SFT" not in text


@pytest.mark.slow
def test_a_grader_that_reads_tool_calls_is_not_told_to(store: Store) -> None:
    source = "def grade(sample, item):\n    calls = sample['output_tools']\n"
    source += "    return float(bool(calls) and item['reference_answer'] in str(calls[0]))\n"
    rows = [{**one, "response": CALLED} for one in products()]
    assert "tool calls without a text" not in render_markdown(judged(store, rows, source))


@pytest.mark.slow
def test_some_tool_calls_that_earn_nothing_are_a_condition(store: Store) -> None:
    rows = list(products(0.8))
    rows = [{**one, "response": CALLED} if n % 5 < 2 else one for n, one in enumerate(rows)]
    found = judged(store, rows, EXACT).diagnosis
    assert (found.verdict, [one.code for one in found.conditions]) == ("GO", ["unread_calls"])
