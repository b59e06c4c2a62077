"""Responses that answer no prompt are told as that, and blame neither the prompts nor the grader."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dryrun.core.records import Prompt
from dryrun.engine.imports.run import import_samples
from dryrun.graders.protocol import reasoning_alone
from dryrun.probes.read_responses import prompt_again, read_all, right_by_usual, unanswered
from dryrun.report import report_of
from dryrun.report.fields import Report
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.battery import rows
from tests.helpers.support import work
from tests.probes.test_kinds import REFERENCE, Rows, compared, labels

LAST = compared("(re.findall(r'-?\\d+', text) or [''])[-1]", REFERENCE)
LABELLED = compared("text.strip().lower()", REFERENCE)
NOTICE = "Your trial has ended. Please visit our billing page to continue using this model."


def reported(store: Store, items: Rows, grader: dict[str, Any], say: Callable[[int, Any], str]) -> Report:
    """A run over two responses to each row."""
    log = [{**item, "response": say(n, item)} for n, item in enumerate(items) for _ in range(2)]
    run = import_samples(store, "\n".join(map(json.dumps, log)).encode(), "log.jsonl", grader)
    work(run, check=True)
    return report_of(load_results(run))


def first_action(report: Report) -> str:
    return report.diagnosis.recommendations[0]


def told(report: Report) -> str:
    """What the banner says, and the warnings."""
    sentences = report.evidence.sentences if report.evidence else ()
    return "\n".join([report.diagnosis.summary, *sentences, *report.diagnosis.warnings])


@pytest.mark.slow
def test_a_notice_for_every_prompt_is_quoted_and_blames_nobody(store: Store) -> None:
    report = reported(store, rows.sums(""), LAST, lambda n, item: NOTICE)
    assert report.verdict == "NO-GO"
    assert NOTICE in told(report)
    assert "by hand" in first_action(report)
    assert not [line for line in report.cause_lines if "too difficult" in line]


@pytest.mark.slow
def test_an_error_in_place_of_some_answers_is_quoted(store: Store) -> None:
    error = "Error: upstream request timeout"
    report = reported(
        store, rows.sums(""), LAST, lambda n, item: item["reference_answer"] if n % 3 else error
    )
    assert f"are the very same text: “{error}”" in told(report)
    assert "by hand" not in first_action(report)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("items", "grader", "say"),
    [
        (labels(), LABELLED, lambda n, item: "positive"),
        (labels(), LABELLED, lambda n, item: "The label of this review is clearly positive."),
        (rows.sums(""), LAST, lambda n, item: f"{NOTICE} Code {n % 3}{'a' * n}."),
        (rows.sums("")[:15] * 3, LAST, lambda n, item: NOTICE),
        (rows.sums(""), LAST, lambda n, item: item["reference_answer"] if n % 3 else NOTICE),
        (rows.sums(""), LAST, lambda n, item: "I'm sorry, but I can't help with that request."),
    ],
    ids=["one label", "one label in a sentence", "different texts", "few prompts", "a third", "a refusal"],
)
def test_what_may_be_an_answer_is_no_notice(
    store: Store, items: Rows, grader: dict[str, Any], say: Callable[[int, Any], str]
) -> None:
    assert "the very same text" not in told(reported(store, items, grader, say))


def test_reasoning_without_an_end_is_the_cause(store: Store) -> None:
    report = reported(store, rows.sums(""), LAST, lambda n, item: f"<think>\nWell, let me see, {n} or so")
    assert report.verdict == "NO-GO"
    assert "reasoning alone" in told(report)
    assert first_action(report).startswith("Raise the token limit")
    assert "chat template" in first_action(report)


@pytest.mark.slow
def test_reasoning_that_ends_or_is_paid_is_no_cause(store: Store) -> None:
    closed = reported(store, rows.sums(""), LAST, lambda n, item: f"<think>Well</think> It is {n}.")
    paid = reported(
        store,
        rows.sums(""),
        LAST,
        lambda n, item: f"<think>\nIt is {item['reference_answer']}" * (n % 2) or "0",
    )
    assert "reasoning alone" not in told(closed) + told(paid)
    assert [
        reasoning_alone(text) for text in (" <think>\nWell", "[THINK]a[/THINK] 3", "No <think> here")
    ] == [
        True,
        False,
        False,
    ]


ASKED = [
    {"role": "system", "content": "You are a careful clerk."},
    {"role": "user", "content": "Which is larger, 9.11 or 9.9?"},
]


@pytest.mark.parametrize(
    ("text", "copied"),
    [
        ("Which is larger, 9.11 or 9.9?", True),
        ("user: Which is larger, 9.11 or 9.9?\nassistant:", True),
        (json.dumps(ASKED), True),
        ("Which is larger, 9.11 or 9.9? 9.9", False),
        ("9.9", False),
        ("Which is larger", False),
        ("Which is larger, 9.11 or 9.9? " * 40, False),
    ],
)
def test_a_response_that_is_the_prompt_again_is_a_copy(text: str, copied: bool) -> None:
    assert prompt_again(text, Prompt("k", 0, "", {"messages": ASKED})) is copied


def test_copies_that_are_paid_do_not_count() -> None:
    responses = [(Prompt("k", 0, "", {"messages": ASKED}), ASKED[1]["content"])] * 4
    assert unanswered(responses, [0.0, 0.0, 0.0, 1.0], [None] * 4)["copied"] == 0.75


@pytest.mark.parametrize(
    ("text", "says", "quoted"),
    [
        ("42", False, True),
        ("42", None, False),
        ("Ask at the desk please", None, True),
        ("no idea", False, False),
        ("I don't know the answer to this.", False, False),
        ("Sorry, I'm not sure.", False, False),
        ("I can't say more than 42", False, True),
        ("I do not know why, but you have reached the maintenance page of this host", False, True),
    ],
)
def test_one_short_text_for_all_prompts_counts_where_it_is_wrong_for_all(
    text: str, says: bool | None, quoted: bool
) -> None:
    responses = [(Prompt(str(n), n, "", {"messages": ASKED}), text) for n in range(20)]
    assert (unanswered(responses, [0.0] * 20, [says] * 20)["repeated"] is not None) is quoted


@pytest.mark.parametrize(
    ("text", "right"), [("Denver Broncos", True), ("The Broncos.", None), ("Carolina Panthers", False)]
)
def test_another_text_of_a_reference_is_not_surely_wrong(text: str, right: bool | None) -> None:
    """SQuAD's references are lists of answers that are right alike; the first is what is read."""
    whole = json.dumps({"text": ["Denver Broncos", "Broncos"], "answer_start": [177, 184]})
    prompt = Prompt("k", 0, "", {"messages": [{"role": "user", "content": "Who won?"}]})
    assert read_all([(prompt, text)], {"k": "Denver Broncos"}, within={"k": whole}) == [right]


def test_what_is_right_by_another_field_of_the_row_is_counted() -> None:
    item = {"messages": [{"role": "user", "content": "2 + 3 = ? A number."}], "answer": "5", "first": "2"}
    prompt = Prompt("k", 0, "", item)
    responses, scores = [(prompt, text) for text in ("5", "2", "7", "5")], [0.0, 1.0, 0.0, 1.0]
    assert right_by_usual(responses, scores, [False, True, False, False], {"k": "2"}) == {
        "misread": ("answer", 0.25)
    }
    assert right_by_usual(responses, scores, [True, False, False, True], {"k": "5"}) == {}
    assert right_by_usual(responses, scores, [None] * 4, {"k": "2"}) == {}
