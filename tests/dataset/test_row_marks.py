"""Repeats, near-duplicates, contradictions and leaks, row by row, as the audit of the whole sees them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from dryrun.dataset import dataset_from_items
from dryrun.dataset.audit import AuditCode, audit
from dryrun.dataset.row_marks import row_marks

TEMPLATE = "Read the task carefully, work it out step by step, and give the answer alone at the end: "


def row(text: str, answer: str | None = "1") -> dict[str, Any]:
    reference = {} if answer is None else {"reference_answer": answer}
    return {"messages": [{"role": "user", "content": text}], **reference}


def words(seed: int, count: int = 40) -> str:
    chance = random.Random(seed)
    return " ".join(f"w{chance.randrange(4000)}" for _ in range(count))


def rows(count: int = 60) -> list[dict[str, Any]]:
    return [row(TEMPLATE + words(number), str(number)) for number in range(count)]


def test_repeats_near_duplicates_and_contradictions() -> None:
    given = [
        *rows(),
        row(TEMPLATE.upper() + words(3), "3"),
        row(TEMPLATE + words(4) + " please", "4"),
        row(TEMPLATE + words(5), "another"),
        row(TEMPLATE + words(6) + " please", "another"),
        row(TEMPLATE + words(7), None),
    ]
    marks = row_marks(dataset_from_items(given))
    assert np.flatnonzero(marks.repeated).tolist() == [60]
    assert np.flatnonzero(marks.near).tolist() == [61]
    assert np.flatnonzero(marks.contradicts).tolist() == [5, 62]
    assert marks.alike[60:].tolist() == [3, 4, 5, 6, 7]
    assert marks.alike[:60].tolist() == list(range(60))


def test_it_agrees_with_the_audit_of_the_whole() -> None:
    chance = random.Random(0)
    given = rows()
    for number in range(20):
        copy = words(chance.randrange(60)).split()
        copy[-1] = f"changed{number}"
        given.append(row(TEMPLATE + " ".join(copy), str(chance.randrange(60))))
    dataset = dataset_from_items(given)
    found = {one.code: set(one.rows) for one in audit(dataset)}
    marks = row_marks(dataset)
    assert set(np.flatnonzero(marks.near).tolist()) == found.get(AuditCode.NEAR_DUPLICATES, set())
    assert (marks.alike[60:] < 60).mean() > 0.8


def test_prompts_that_are_alike_in_a_chain_are_one_group() -> None:
    base = words(1, 120).split()
    chain = [" ".join([*base[: 120 - 4 * step], *words(50 + step, 4 * step).split()]) for step in range(4)]
    given = [row(text, str(number)) for number, text in enumerate([*chain, words(9, 120)])]
    assert row_marks(dataset_from_items(given)).alike.tolist() == [0, 0, 0, 0, 4]


def test_answers_in_prompts_are_marked_only_where_that_is_no_chance() -> None:
    leaking = [row(f"{words(number)} the answer is key{number}", f"key{number}") for number in range(40)]
    honest = rows(40)
    assert row_marks(dataset_from_items(leaking)).answer_in_prompt.all()
    assert not row_marks(dataset_from_items(honest)).answer_in_prompt.any()


def test_short_prompts_are_alike_only_where_they_are_the_same() -> None:
    given = [row("2 + 2 ="), row("2 + 3 ="), row("2 + 2 =")]
    assert row_marks(dataset_from_items(given)).alike.tolist() == [0, 1, 0]
