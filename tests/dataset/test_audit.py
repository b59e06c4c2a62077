"""Suspicions between rows: repeats, contradictions, answers in prompts, rows of the validation file."""

from __future__ import annotations

import random
from typing import Any

import pytest

from dryrun.dataset import Dataset, dataset_from_items
from dryrun.dataset.audit import AuditCode, AuditFinding, audit, near_duplicates

VOCABULARY = [f"word{number}" for number in range(400)]


def row(prompt: str, answer: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}], "reference_answer": answer, **more}


def text(seed: int, words: int = 60) -> str:
    return " ".join(random.Random(seed).choices(VOCABULARY, k=words))


def sound(count: int = 60) -> list[dict[str, Any]]:
    return [row(text(number), f"{1000 + number}") for number in range(count)]


def found(
    rows: list[dict[str, Any]] | Dataset, validation: Dataset | None = None
) -> dict[AuditCode, AuditFinding]:
    dataset = rows if isinstance(rows, Dataset) else dataset_from_items(rows)
    return {finding.code: finding for finding in audit(dataset, validation)}


def test_a_sound_dataset_has_no_suspicion() -> None:
    assert found(sound()) == {}
    sums = [row(f"What is {n} + {n + 3}? Answer with the number only.", str(2 * n + 3)) for n in range(200)]
    assert found(sums) == {}


def test_the_same_prompt_with_different_answers_is_a_contradiction() -> None:
    rows = [*sound(), row(text(3).upper(), "999"), row(text(7), "1007", topic="x")]
    seen = found(rows)
    assert seen[AuditCode.REPEATED_PROMPTS].rows == (60, 61)
    contradiction = seen[AuditCode.CONTRADICTIONS]
    assert contradiction.rows == (3, 60)
    assert "1 prompt with different reference answers" in contradiction.sentence
    assert "lines 4, 61" in contradiction.sentence


def test_a_long_prompt_with_one_word_changed_is_nearly_a_repeat_and_another_question_is_not() -> None:
    words = text(5, 100).split()
    changed = " ".join([*words[:40], "other", *words[41:]])
    halves = " ".join([*words[:50], *text(99, 50).split()])
    seen = found([*sound(), row(" ".join(words), "1"), row(changed, "1"), row(halves, "1")])
    assert seen[AuditCode.NEAR_DUPLICATES].rows == (61,)
    assert AuditCode.NEAR_DUPLICATES not in found([*sound(), row(" ".join(words), "1"), row(changed, "2")])


def test_rows_of_one_template_are_no_near_duplicates() -> None:
    """A long instruction around a short question: what all rows share is left out of the comparison."""
    about = text(1, 120)
    rows = [row(f"{about} The number in question is {n} and nothing else.", str(n * n)) for n in range(100)]
    assert AuditCode.NEAR_DUPLICATES not in found(rows)


def test_pairs_agree_with_jaccard_on_every_pair() -> None:
    def shingles(words: str) -> set[tuple[str, ...]]:
        parts = words.split()
        return {tuple(parts[at : at + 5]) for at in range(len(parts) - 4)}

    texts = []
    for seed in range(12):
        words = text(seed, 80).split()
        for changes in (0, 1, 2, 4, 8):
            rng = random.Random(100 * seed + changes)
            copy = list(words)
            for at in rng.sample(range(80), changes):
                copy[at] = f"changed{seed}{at}{changes}"
            texts.append(" ".join(copy))
    sets = [shingles(one) for one in texts]
    truth = {
        (a, b)
        for a in range(len(texts))
        for b in range(a + 1, len(texts))
        if len(sets[a] & sets[b]) / len(sets[a] | sets[b]) >= 0.8
    }
    pairs = set(near_duplicates(texts))
    assert pairs <= truth
    assert len(pairs) >= 0.9 * len(truth) > 10


def test_answers_in_their_own_prompts_are_told_from_chance() -> None:
    leaking = [row(f"{text(n)} (answer {1000 + n})", f"{1000 + n}") for n in range(30)]
    seen = found([*leaking, *sound(60)[30:]])
    assert len(seen[AuditCode.ANSWERS_IN_PROMPTS].rows) == 30
    assert "In 50 % of rows" in seen[AuditCode.ANSWERS_IN_PROMPTS].sentence
    choices = [row(f"{text(n)} Options: yes, no", ("yes", "no")[n % 2]) for n in range(60)]
    assert AuditCode.ANSWERS_IN_PROMPTS not in found(choices)  # other rows' answers stand there as well
    assert found([row(text(1), "same") for _ in range(3)]).keys() == {AuditCode.REPEATED_PROMPTS}


@pytest.mark.parametrize(("prompt", "answer", "holds"), [("it is 42.", "42", 1), ("it is 142", "42", 0)])
def test_an_answer_inside_a_longer_number_does_not_count(prompt: str, answer: str, holds: int) -> None:
    rows = [row(f"{text(n)} {prompt}", answer) for n in range(30)] + [
        row(text(n), f"{n}x") for n in range(30, 60)
    ]
    assert (AuditCode.ANSWERS_IN_PROMPTS in found(rows)) == bool(holds)


def test_rows_that_are_also_kept_for_validation() -> None:
    words = text(20, 100).split()
    near = " ".join([*words[:40], "other", *words[41:]])
    rows = [*sound(), row(" ".join(words), "5")]
    kept = dataset_from_items([row(text(4), "1004"), row(near, "5"), row(text(500), "1")])
    overlap = found(rows, kept)[AuditCode.OVERLAP]
    assert overlap.rows == (4, 60)
    assert "2 rows" in overlap.sentence
    assert "1 of them nearly" in overlap.sentence
    assert AuditCode.OVERLAP not in found(rows, dataset_from_items([row(text(501), "1")]))


def test_sentences_hold_nothing_of_the_dataset() -> None:
    hostile = "<script>alert(1)</script> ![x](https://evil.test/x.png)"
    rows = [row(hostile, "a"), row(hostile, "b")]
    assert all(
        "<" not in finding.sentence and "evil" not in finding.sentence for finding in found(rows).values()
    )


def test_a_large_dataset_is_judged_by_evenly_spaced_rows() -> None:
    rows = [row("the same prompt for all of them", str(n)) for n in range(300)]
    [repeated, torn] = audit(dataset_from_items(rows), most_rows=100)
    assert repeated.code is AuditCode.REPEATED_PROMPTS
    assert len(repeated.rows) == 99
    assert torn.rows[0] == 0
    assert torn.rows[-1] == 299
